"""What `eval behavior` measures: each evaluation by its name, from a folder of data to flat figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geometry import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Tell = Callable[[float, str], None]
"""Takes the share that is done and what is being done."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be measured."""

    data: Path | None
    """Folder or file of the data."""
    model: Path | None
    """A trained network."""
    seeds: tuple[int, ...]
    """Of what is trained or drawn."""
    mode: str
    """What a label may rest on: causal, late, offline."""
    subjects: tuple[str, ...]
    """Subjects that count; empty: all."""
    tell: Tell
    """Progress."""

    def folder(self, contents: str) -> Path:
        """The data, or an error that says what is missing."""
        if self.data is None:
            raise InputError("--data", expected=contents, got="nothing")
        if not self.data.exists():
            raise InputError("--data", expected=contents, got=f"{self.data}, which does not exist")
        return self.data


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What came out."""

    results: dict[str, Any]
    """Flat."""
    figure: Figure | None = None
    """A picture, where the evaluation draws one."""


def reach_to_grasp(request: Request) -> Scores:
    """Object size and phases from a reaching hand, one person left out (Roboskel)."""
    from matplotlib.figure import Figure

    from perception.behavior.reach_to_grasp import draw_reach_evaluation, evaluate_reach_to_grasp
    from perception.behavior.sets import read_reach_to_grasp

    recordings = read_reach_to_grasp(request.folder("the Roboskel folder with roboskel.npz"))
    evaluation = evaluate_reach_to_grasp(recordings, np.random.default_rng(request.seeds[0]))
    figure = Figure(figsize=(6.4, 4.2), dpi=120, layout="constrained")
    draw_reach_evaluation(evaluation, figure.add_subplot())
    return Scores(results=evaluation.results, figure=figure)


def gestures(request: Request) -> Scores:
    """Gesture phases, one user left out (UCI)."""
    from perception.behavior.network.gesture_phases import eval_gesture_phases

    folder = request.folder("the UCI gesture phase folder with a1_raw.csv")
    results = eval_gesture_phases(
        folder,
        mode=request.mode,  # type: ignore[arg-type]
        seeds=request.seeds,
        on_step=lambda step: request.tell(step.done / step.total, step.what),
    )
    return Scores(results=results)


def verbs(request: Request) -> Scores:
    """Verbs from body-part states, by rules and by a network; pairs never seen (HAKE)."""
    from perception.behavior.reasoning.hake import evaluate_hake, evaluate_unseen_pairs, read_hake
    from perception.behavior.reasoning.hake.learners import network_learner, rule_learner

    images = read_hake(request.folder("the HAKE-HICO folder with hico-image-level.tar.gz"))
    request.tell(0.05, "rules and networks on the fixed split")
    results = evaluate_hake(images, seeds=request.seeds)
    for share, name, learn in ((0.5, "rules", rule_learner(images)), (0.8, "network", network_learner(images))):
        request.tell(share, f"pairs that were never seen, {name}")
        pairs = evaluate_unseen_pairs(images, learn, draws=request.seeds)
        results |= {f"pairs_{name}_{key}": value for key, value in pairs.items()}
    return Scores(results=results)


def exercises(request: Request) -> Scores:
    """Unlabelled segments of six exercise recordings (mocap6)."""
    from perception.behavior.decoding import evaluate_mocap6

    path = request.folder("mocap6.mat, or its folder")
    file = path / "mocap6.mat" if path.is_dir() else path
    parts = []
    for number, seed in enumerate(request.seeds):
        request.tell(number / len(request.seeds), f"seed {seed}")
        parts.append(evaluate_mocap6(file, seeds=1, seed=seed))
    hamming = np.array([part["hamming_mean"] for part in parts])
    return Scores(
        results={
            "hamming_mean": float(hamming.mean()),
            "hamming_std": float(hamming.std(ddof=1)) if len(hamming) > 1 else 0.0,
            "hamming_low": float(hamming.min()),
            "hamming_high": float(hamming.max()),
            "hamming_each_mean": float(np.mean([part["hamming_each_mean"] for part in parts])),
            "states_mean": float(np.mean([part["states_mean"] for part in parts])),
        }
    )


def semi_coupled(request: Request) -> Scores:
    """Two streams with isolated and with coupled gradients, on new sizes, new people and unseen pairs."""
    from matplotlib.figure import Figure

    from perception.behavior.semi_coupled import draw_transfer, transfer_scores

    folder = request.folder("the folder that holds roboskel_reach_to_grasp and hake_hico_pasta")
    parts = [folder / name for name in ("roboskel_reach_to_grasp", "hake_hico_pasta")]
    results = transfer_scores(*(part if part.is_dir() else None for part in parts), seeds=request.seeds)
    figure = Figure(figsize=(8.0, 4.8), dpi=120, layout="constrained")
    draw_transfer(results, figure.add_subplot())
    return Scores(results=results, figure=figure)


def watch(request: Request) -> Scores:
    """Behaviours of simulated people, recorded and live, at 0, 1 and 2 cm of noise."""
    from graspmimic.watch_scores import watch_scores

    return Scores(results=dict(watch_scores(request.seeds)))


def model(request: Request) -> Scores:
    """A network of `train behavior` on labelled recordings."""
    from perception.behavior.network import BehaviorModel, predict
    from perception.behavior.sets import load_behavior_set

    if request.model is None:
        raise InputError("--model", expected="behavior.safetensors of `train behavior`", got="nothing")
    data = load_behavior_set(request.folder("a set of recordings (.npz)"))
    if request.subjects:
        data = data.of_subjects(*request.subjects)
    network = BehaviorModel.load(request.model)
    heads = [
        head
        for head, labels in (("frame", data.frame_labels), ("clip", data.clip_labels))
        if labels is not None and head in network.spec.heads
    ]
    if not heads:
        raise InputError(f"{request.data}", expected=f"labels of {', '.join(network.spec.heads)}", got="others")
    results = {
        f"{head}_{name}": value for head in heads for name, value in predict(network, data, head).results().items()
    }
    return Scores(results=results)


EVALUATIONS: dict[str, Callable[[Request], Scores]] = {
    "reach-to-grasp": reach_to_grasp,
    "gestures": gestures,
    "verbs": verbs,
    "exercises": exercises,
    "semi-coupled": semi_coupled,
    "watch": watch,
    "model": model,
}
"""Every evaluation by its name."""
