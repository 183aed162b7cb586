"""The learned model as a file: arrays in safetensors, and a JSON beside it that says where it is from."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from geometry import InputError
from perception.behavior.reach_to_grasp.discriminant import Discriminant
from perception.behavior.reach_to_grasp.phases import PhaseSettings
from perception.behavior.reach_to_grasp.size_model import PARTS_OF_REACH, SizeModel
from perception.figures import output_file

_ARRAYS = ("mean", "spread", "weights", "biases")


def save_model(path: str | Path, model: SizeModel, bounds: PhaseSettings, origin: dict[str, Any]) -> None:
    """Write `path` (.safetensors) and the JSON beside it.

    Args:
        path: where to.
        model: the classifiers of the size.
        bounds: of the phases.
        origin: data, command, seed and whatever else should be known of the training.
    """
    path = Path(path)
    arrays = {
        f"{kind}.{row}.{name}": np.ascontiguousarray(getattr(discriminant, name), dtype=np.float32)
        for kind in ("anybody", "known")
        for row, discriminant in enumerate(getattr(model, kind))
        for name in _ARRAYS
    }
    facts = {
        "format": "graspmimic-reach-to-grasp",
        "version": 1,
        "sizes": model.sizes,
        "edges_m": model.edges_m,
        "duration_s": model.duration_s,
        "temperatures": model.temperatures,
        "phases": asdict(bounds),
        "origin": origin,
    }
    with output_file(path) as draft:
        save_file(arrays, draft)
    with output_file(path.with_suffix(".json")) as draft:
        draft.write_text(json.dumps(facts, indent=2) + "\n")


def load_model(path: str | Path) -> tuple[SizeModel, PhaseSettings]:
    """Read what `save_model` wrote.

    Raises:
        InputError: if a file is missing, damaged or something else.
    """
    path = Path(path)
    try:
        facts = json.loads(path.with_suffix(".json").read_text())
        arrays = load_file(path)
        discriminants = {
            kind: tuple(
                Discriminant(**{name: arrays[f"{kind}.{row}.{name}"].astype(float) for name in _ARRAYS})
                for row in range(len(PARTS_OF_REACH))
            )
            for kind in ("anybody", "known")
        }
        model = SizeModel(
            sizes=tuple(facts["sizes"]),
            edges_m=tuple(facts["edges_m"]),
            duration_s=float(facts["duration_s"]),
            temperatures=tuple(facts["temperatures"]),
            **discriminants,
        )
        return model, PhaseSettings(**facts["phases"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            str(path),
            expected="a reach-to-grasp model (.safetensors, with its .json beside it)",
            got=f"{type(error).__name__}: {error}",
        ) from None
