"""The network on the UCI gesture phases: five phases, three people, each of whom is left out once.

Figures are of frames. "Pooled" counts the frames of all held-out people together, each predicted by the model that
never saw that person; "user" figures are those of single people. Settings are chosen for each held-out person from a
short list, by leaving out in turn each of the other people (nested cross-validation): the held-out person's labels
serve for nothing but the score. The lists themselves were drawn up after about twenty settings had been tried on pairs
of these people (trained on one, judged on another), so that each person's labels have had a say in what stands there.

Three ways to answer, never mixed in one figure:
    causal   each frame from what came before it; movements in units of the stream so far
    late     the same half a second later
    offline  up to a second later, movements in units of the person's whole, unlabelled recordings
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from perception.behavior.network.augment import STRONG_AUGMENTATION
from perception.behavior.network.behavior_model import BehaviorModel
from perception.behavior.network.cross_validation import HeldOut, join_held_out, predict
from perception.behavior.network.gesture_decoding import Unseen, best_weight, decoded, decoded_figures
from perception.behavior.network.judgement import judge
from perception.behavior.network.training import train
from perception.behavior.network.training_config import TrainingConfig
from perception.behavior.sets import BehaviorSet, Split, leave_one_out, read_gesture_phases

Mode = Literal["causal", "late", "offline"]
REST = 0
"""Row of the label that is no gesture."""
HEAD_TO_SPINE_M = 0.55
"""From the middle of the head to Kinect's spine, of a grown person."""

_ONLINE = (
    TrainingConfig(epochs=120, prior_s=1.0),
    TrainingConfig(epochs=120, prior_s=1.0, augmentation=STRONG_AUGMENTATION),
    TrainingConfig(epochs=120, prior_s=1.0, augmentation=STRONG_AUGMENTATION, dropout=0.4),
)
CANDIDATES: dict[Mode, tuple[TrainingConfig, ...]] = {
    "causal": _ONLINE,
    "late": tuple(replace(each, delay_s=0.5) for each in _ONLINE[:2]),
    "offline": tuple(replace(_ONLINE[1], normalisation="person", delay_s=delay_s) for delay_s in (0.5, 1.0)),
}
"""Settings that are chosen from, by mode."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What the evaluation has come to; for a progress bar."""

    done: int
    """Networks trained."""
    total: int
    """Networks to train."""
    what: str
    """The latest one, in words."""


def eval_gesture_phases(
    folder: str | Path,
    *,
    mode: Mode = "causal",
    seeds: Sequence[int] = (0, 1, 2),
    candidates: Sequence[TrainingConfig] | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> dict[str, Any]:
    """Train and judge, each person left out once.

    Args:
        folder: of the recordings, `a1_raw.csv` and the others.
        mode: what a frame's label may rest on.
        seeds: of weights, order and augmentation; their predictions are also averaged.
        candidates: settings to choose from; None takes those of the mode.
        on_step: called after each network.
    Returns:
        flat figures: `macro_f1` and `accuracy` of the seeds' average prediction, pooled; `seed_macro_f1_mean`, `_low`,
        `_high` of single networks, pooled; `user_macro_f1_mean` and one for each user, of the average prediction;
        `rest_or_gesture_f1` (gesture being the positive class); `chosen_USER` settings by their place in the list.
        Offline also `decoded_*`, of the average prediction made consistent by `gesture_decoding`, the numbers of
        segments, and `weight_USER`, of a frame's belief.
    Raises:
        InputError: if the folder holds no such recordings.
    """
    data = read_gesture_phases(folder)
    splits, settings = leave_one_out(data), CANDIDATES[mode] if candidates is None else tuple(candidates)
    inner = [leave_one_out(data.select(split.train)) for split in splits]
    total = len(settings) * sum(len(each) for each in inner) + len(seeds) * len(splits)
    done = 0

    def trained(part: BehaviorSet, config: TrainingConfig, what: str) -> BehaviorModel:
        nonlocal done
        model, done = train(part, config), done + 1
        if on_step is not None:
            on_step(Step(done=done, total=total, what=what))
        return model

    by_seed: list[list[HeldOut]] = [[] for _ in seeds]
    chosen: dict[str, float] = {}
    consistent: list[HeldOut] = []
    for split, below in zip(splits, inner, strict=True):
        rest, test = data.select(split.train), data.select(split.test)
        tried = [_inner(rest, below, replace(each, seed=seeds[0]), trained) for each in settings]
        best = int(np.argmax([join_held_out([part.beliefs for part in each]).results()["macro_f1"] for each in tried]))
        chosen[f"chosen_{split.name}"] = best
        for place, seed in enumerate(seeds):
            model = trained(rest, replace(settings[best], seed=seed), f"without {split.name}, seed {seed}")
            by_seed[place].append(predict(model, test, "frame"))
        if mode == "offline":
            beliefs = averaged([parts[-1] for parts in by_seed])
            unseen = Unseen(training=rest, test=test, beliefs=beliefs, balance=settings[best].balance)
            chosen[f"weight_{split.name}"] = best_weight(tried[best])
            consistent.append(decoded(unseen, chosen[f"weight_{split.name}"]))
    held = [join_held_out(parts) for parts in by_seed]
    more = decoded_figures(averaged(held), join_held_out(consistent)) if consistent else {}
    return {**figures(held), **more, **chosen}


def figures(held: Sequence[HeldOut]) -> dict[str, Any]:
    """Figures of networks that differ by their seed, and of the average of their predictions."""
    together = averaged(held)
    singles = np.array([each.results()["macro_f1"] for each in held])
    results = together.results()
    truth = np.concatenate(together.labels)
    guess = np.concatenate([p.argmax(axis=1) for p in together.probabilities])
    binary = judge(np.where(truth < 0, -1, truth != REST), guess != REST, 2)
    return {
        "macro_f1": results["macro_f1"],
        "accuracy": results["accuracy"],
        "user_macro_f1_mean": results["subject_macro_f1_mean"],
        **{f"user_macro_f1_{user}": together.of(user).macro_f1 for user in sorted(set(together.subjects))},
        "seed_macro_f1_mean": float(singles.mean()),
        "seed_macro_f1_low": float(singles.min()),
        "seed_macro_f1_high": float(singles.max()),
        "rest_or_gesture_f1": float(binary.f1[1]),
        "calibration_error": results["calibration_error"],
        "frames": int((truth >= 0).sum()),
    }


def camera_view(data: BehaviorSet, *, metres: bool) -> BehaviorSet:
    """The recordings as a camera that faces the person gives them, for networks that shall read such.

    Columns are turned round, as the Kinect's picture is a mirror, with the left hand on the left. In metres, columns
    and rows are scaled for each video, since one is ten times smaller than the others, such that head and spine are
    `HEAD_TO_SPINE_M` apart; depth is in metres already. Without metres, depth goes.
    """
    points = data.keypoints * np.array([-1.0, 1.0, 1.0], dtype=np.float32)
    if not metres:
        return replace(data, keypoints=points[..., :2])
    head, spine = (data.joints.tolist().index(joint) for joint in ("head", "spine"))
    for low, high in zip(data.offsets[:-1], data.offsets[1:], strict=True):
        apart = np.linalg.norm(points[low:high, head, :2] - points[low:high, spine, :2], axis=1).mean()
        points[low:high, :, :2] *= HEAD_TO_SPINE_M / apart
    return replace(data, keypoints=points)


def averaged(held: Sequence[HeldOut]) -> HeldOut:
    """The mean of several networks' beliefs about the same recordings."""
    rows = zip(*(each.probabilities for each in held), strict=True)
    return replace(held[0], probabilities=tuple(np.mean(beliefs, axis=0) for beliefs in rows))


def _inner(
    rest: BehaviorSet,
    splits: Sequence[Split],
    config: TrainingConfig,
    trained: Callable[[BehaviorSet, TrainingConfig, str], BehaviorModel],
) -> list[Unseen]:
    """Beliefs about the people who are not held out, each left out in turn."""
    parts = []
    for split in splits:
        part, test = rest.select(split.train), rest.select(split.test)
        model = trained(part, config, f"{split.name} from {'+'.join(sorted(set(part.subjects)))}")
        beliefs = predict(model, test, "frame")
        parts.append(Unseen(training=part, test=test, beliefs=beliefs, balance=config.balance))
    return parts
