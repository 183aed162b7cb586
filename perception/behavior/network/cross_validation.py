"""What a model says of people it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.calibration import calibration_error, fit_temperature, log_loss
from perception.behavior.network.behavior_model import BehaviorModel
from perception.behavior.network.judgement import Judgement, judge, judge_together
from perception.behavior.sets import BehaviorSet, Split


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Beliefs of one head about recordings of people that the model never saw."""

    subjects: tuple[str, ...]
    """(R,) who each recording shows."""
    probabilities: tuple[FloatArray, ...]
    """(R) of (T, C) for frames, of (1, C) for clips."""
    labels: tuple[NDArray[np.int64], ...]
    """(R) of (T,) or (1,); -1 unlabelled."""

    def of(self, subject: str) -> Judgement:
        """One subject's."""
        rows = [row for row, each in enumerate(self.subjects) if each == subject]
        truth = np.concatenate([self.labels[row] for row in rows])
        return judge(
            truth,
            np.concatenate([self.probabilities[row].argmax(axis=1) for row in rows]),
            self.probabilities[0].shape[1],
        )

    def results(self) -> dict[str, float]:
        """Pooled over everything, the mean and spread over subjects, and calibration.

        Raises:
            InputError: if nothing is labelled.
        """
        judged = {subject: self.of(subject) for subject in sorted(set(self.subjects)) if self._labelled(subject)}
        if not judged:
            raise InputError("HeldOut.results", expected="labelled recordings of the people judged on", got="none")
        pooled = judge_together(list(judged.values()))
        f1 = np.array([each.macro_f1 for each in judged.values()])
        p, y = np.concatenate(self.probabilities), np.concatenate(self.labels)
        p, y = p[y >= 0], y[y >= 0]
        return {
            "macro_f1": pooled.macro_f1,
            "accuracy": pooled.accuracy,
            "subjects": float(len(f1)),
            "subject_macro_f1_mean": float(f1.mean()),
            "subject_macro_f1_low": float(f1.min()),
            "subject_macro_f1_high": float(f1.max()),
            "log_loss": log_loss(p, y),
            "calibration_error": calibration_error(p.max(axis=1), p.argmax(axis=1) == y),
        }

    def temperature(self) -> float:
        """The factor on the temperature that fits these people."""
        chances = np.maximum(np.concatenate(self.probabilities), 1e-12)
        return fit_temperature(np.log(chances), np.concatenate(self.labels))

    def _labelled(self, subject: str) -> bool:
        return any((self.labels[row] >= 0).any() for row, each in enumerate(self.subjects) if each == subject)


def predict(model: BehaviorModel, data: BehaviorSet, head: str) -> HeldOut:
    """Beliefs of one head about every recording of a set.

    A "person" model reads the statistics of all of the person's recordings in the set, whose labels it does not see.

    Raises:
        InputError: if the set's joints or labels are not the model's, or it has no labels for the head.
    """
    _check_fits(model, data, head)
    beliefs, labels = [], []
    for sequence in data:
        person = None
        if model.spec.normalisation == "person":
            same = [each.keypoints for each in data.of_subjects(sequence.subject)]
            person = model.person_statistics(same)
        if head == "frame":
            beliefs.append(model.frame_probabilities(sequence.keypoints, person))
            labels.append(np.asarray(sequence.frame_labels))
        else:
            beliefs.append(model.clip_probabilities(sequence.keypoints, person)[-1:])
            labels.append(np.array([sequence.clip_label]))
    return HeldOut(subjects=tuple(data.subjects.tolist()), probabilities=tuple(beliefs), labels=tuple(labels))


def _check_fits(model: BehaviorModel, data: BehaviorSet, head: str) -> None:
    spec = model.spec
    for what, wanted, given in (
        ("joints", spec.preparation.joints, tuple(data.joints.tolist())),
        ("labels", spec.label_names, tuple(data.label_names.tolist())),
    ):
        if wanted != given:
            raise InputError(
                "predict", expected=f"the model's {what}, in its order: {', '.join(wanted)}", got=", ".join(given)
            )
    if (data.frame_labels if head == "frame" else data.clip_labels) is None:
        raise InputError("predict", expected=f"{head} labels to judge by", got="a set without")


def cross_validate(
    data: BehaviorSet,
    splits: Sequence[Split],
    head: str,
    train: Callable[[BehaviorSet, Split], BehaviorModel],
) -> HeldOut:
    """Train on one side of each split and predict the other.

    Args:
        data: all recordings.
        splits: who is held out.
        head: "frame" or "clip".
        train: makes a model of the set it is given, which lacks the held-out people.
    """
    parts = [predict(train(data.select(split.train), split), data.select(split.test), head) for split in splits]
    return join_held_out(parts)


def join_held_out(parts: Sequence[HeldOut]) -> HeldOut:
    """The beliefs of several models, each about its own held-out people."""
    return HeldOut(
        subjects=tuple(subject for part in parts for subject in part.subjects),
        probabilities=tuple(p for part in parts for p in part.probabilities),
        labels=tuple(y for part in parts for y in part.labels),
    )
