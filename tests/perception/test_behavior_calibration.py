"""Temperature, log loss and calibration error: a known sharpening is undone, and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from geometry import FloatArray, InputError
from perception.behavior.calibration import calibration_error, fit_temperature, log_loss


def drawn(rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Logits, their chances, and labels drawn from these."""
    logits = 2.0 * rng.standard_normal((20_000, 4))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return logits, chances, (chances.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)


def test_the_temperature_undoes_a_known_sharpening() -> None:
    logits, true, labels = drawn(np.random.default_rng(0))
    assert fit_temperature(3.0 * logits, labels) == pytest.approx(3.0, rel=0.05)
    sharp = np.exp(3.0 * logits) / np.exp(3.0 * logits).sum(axis=1, keepdims=True)
    assert log_loss(true, labels) < log_loss(sharp, labels)
    error, sharp_error = (calibration_error(p.max(axis=1), p.argmax(axis=1) == labels) for p in (true, sharp))
    assert error < 0.02 < sharp_error


def test_what_is_unlabelled_or_unknown_does_not_count() -> None:
    logits, _, labels = drawn(np.random.default_rng(1))
    whole = fit_temperature(logits, labels)
    more = np.concatenate([logits, np.full((9, 4), np.nan), 50.0 * np.ones((9, 4))])
    assert fit_temperature(more, np.concatenate([labels, np.zeros(9, int), np.full(9, -1)])) == pytest.approx(whole)


def test_log_loss_by_hand() -> None:
    assert log_loss([[0.25, 0.75], [0.5, 0.5]], [0, 1]) == pytest.approx((np.log(4.0) + np.log(2.0)) / 2.0)


def test_calibration_error_by_hand() -> None:
    # two bins: 0.1 and 0.3 with none right, 0.7 and 0.9 with one of two
    told = calibration_error([0.1, 0.3, 0.7, 0.9], [False, False, True, False], bins=2)
    assert told == pytest.approx((abs(0.0 - 0.4) + abs(1.0 - 1.6)) / 4.0)
    weighted = calibration_error([0.1, 0.3, 0.7, 0.9], [0, 0, 1, 0], bins=2, weights=[1.0, 1.0, 2.0, 0.0])
    assert weighted == pytest.approx((abs(0.0 - 0.4) + abs(2.0 - 1.4)) / 4.0)


@pytest.mark.parametrize(
    ("confidence", "correct"), [([2.0], [True]), ([], []), ([0.5], [True, False]), ([np.nan], [1])]
)
def test_confidences_that_are_none_are_named(confidence: list[float], correct: list[bool]) -> None:
    with pytest.raises(InputError, match=r"both \(N,\), N > 0"):
        calibration_error(confidence, correct)


def test_nothing_labelled_is_named() -> None:
    with pytest.raises(InputError, match="labelled rows"):
        fit_temperature(np.zeros((3, 2)), [-1, -1, -1])
    with pytest.raises(InputError, match="truth"):
        fit_temperature(np.zeros((3, 2)), [0, 1, 2])
