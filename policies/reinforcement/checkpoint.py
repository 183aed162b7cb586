"""What a training run leaves behind to go on from: the model, its replay, and how far it is.

The model and the replay are files of Stable-Baselines3, which hold pickles: resume only your own runs.
What is shared is the policy's safetensors file instead (see `policy_file`).
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from geometry import InputError
from policies.reinforcement.evaluation import Evaluation
from policies.reinforcement.replay_file import load_replay, save_replay
from policies.reinforcement.settings import TrainSettings

_FOLDER = "checkpoint"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is."""

    steps: int = 0
    """Environment steps."""
    wall_s: float = 0.0
    """Time of learning and collecting, evaluations excluded."""
    cpu_s: float = 0.0
    """Processor time of the same in this process; workers' time is theirs."""
    best_success: float = -1.0
    """Largest share of validation episodes that ended in success."""
    best_steps: int = 0
    """Steps after which it was reached; of equals the latest."""
    curve: tuple[tuple[int, float, float, float], ...] = ()
    """(steps, CPU seconds, success at the end, return) of every evaluation."""

    def after(self, steps: int, wall_s: float, cpu_s: float) -> Progress:
        """With some more learning done."""
        return replace(self, steps=steps, wall_s=self.wall_s + wall_s, cpu_s=self.cpu_s + cpu_s)

    def judged(self, result: Evaluation) -> tuple[Progress, bool]:
        """With an evaluation added, and whether it is the best so far."""
        point = (self.steps, round(self.cpu_s, 2), result.at_end, float(result.returns.mean()))
        best = result.at_end >= self.best_success
        judged = replace(self, curve=(*self.curve, point))
        return (replace(judged, best_success=result.at_end, best_steps=self.steps) if best else judged), best


def save_checkpoint(output: Path, model: BaseAlgorithm, settings: TrainSettings, seed: int, progress: Progress) -> None:
    """Write a checkpoint beside the last one, then put it in its place."""
    draft, place = output / f"{_FOLDER}.new", output / _FOLDER
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    model.save(draft / "model.zip")
    if isinstance(model, OffPolicyAlgorithm):
        save_replay(model, draft / "replay.pkl")
    state = {"seed": seed, "settings": _plain(settings), "progress": asdict(progress)}
    (draft / "state.json").write_text(json.dumps(state, indent=2), encoding="utf-8")
    old = output / f"{_FOLDER}.old"
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    draft.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(
    output: Path, model: BaseAlgorithm, settings: TrainSettings, seed: int
) -> tuple[BaseAlgorithm, Progress]:
    """The model and the progress of the last checkpoint; what was passed in where there is none.

    Raises:
        InputError: if the checkpoint is of a run with other settings or another seed, or is damaged.
    """
    place = output / _FOLDER
    if not place.exists():
        place = output / f"{_FOLDER}.old"  # a run that was stopped between two renames
    if not place.exists():
        return model, Progress()
    try:
        state: dict[str, Any] = json.loads((place / "state.json").read_text(encoding="utf-8"))
        progress = Progress(**{**state["progress"], "curve": tuple(map(tuple, state["progress"]["curve"]))})
        before = {**state["settings"], "seed": state["seed"]}
        now = {**_plain(settings), "seed": seed, "steps": before["steps"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(place, error) from None
    if other := sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name)):
        raise InputError(
            str(place),
            expected="a checkpoint of this run: the same settings and seed; only the steps may grow",
            got=", ".join(f"{name} {before.get(name)} instead of {now.get(name)}" for name in other),
            remedy="choose another --output, or remove the folder",
        )
    try:
        loaded = type(model).load(place / "model.zip", env=model.get_env(), device=model.device)
        if isinstance(loaded, OffPolicyAlgorithm):
            load_replay(loaded, place / "replay.pkl")
    except Exception as error:  # a damaged zip or pickle may fail in any way
        raise _damaged(place, error) from None
    return loaded, progress


def _damaged(place: Path, error: Exception) -> InputError:
    got = f"{type(error).__name__}: {error}"
    return InputError(str(place), expected="a checkpoint", got=got, remedy="remove the folder to begin anew")


def _plain(settings: TrainSettings) -> dict[str, Any]:
    """As JSON gives it back."""
    return dict(json.loads(json.dumps(asdict(settings))))
