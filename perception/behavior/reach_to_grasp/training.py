"""From recordings to the shipped model."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from perception.behavior.reach_to_grasp.learning import learn_bounds, learn_sizes, reach_table
from perception.behavior.reach_to_grasp.weights import save_model
from perception.behavior.sets import read_reach_to_grasp

_COMMAND = (
    'python -c "from perception.behavior.reach_to_grasp import train_reach_to_grasp; '
    "train_reach_to_grasp('{folder}', '{output}')\""
)


def train_reach_to_grasp(folder: str | Path, output: str | Path) -> None:
    """Learn sizes and phases from all people of the Roboskel recordings and write the model.

    Nothing is drawn at random: the same recordings give the same file.

    Args:
        folder: with `roboskel.npz` and `RtG_onset_end.csv`.
        output: the .safetensors to write; its JSON goes beside it.
    """
    started = time.perf_counter()
    table = reach_table(read_reach_to_grasp(folder))
    model, bounds = learn_sizes(table), learn_bounds(table)
    people = np.unique(table.people).tolist()
    origin = {
        "data": "Roboskel reach-to-grasp (Dagioglou et al. 2022, MIT licence), OpenPose pixels of one camera",
        "people": people,
        "reaches": len(table.labels),
        "command": _COMMAND.format(folder=Path(folder).name, output=Path(output).name),
        "seed": "none is needed",
        "seconds": round(time.perf_counter() - started, 1),
    }
    save_model(output, model, bounds, origin)
