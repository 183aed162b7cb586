"""Six motion-capture recordings of twelve exercises, and how well they are segmented without labels.

The set of Fox, Hughes, Sudderth and Jordan (2014): 12 joint angles and positions at 10 frames a second, of subjects 13
and 14 of the CMU motion capture database.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.decoding.discovery import DiscoveryConfig, discover_segments
from perception.behavior.decoding.frame_hamming import frame_hamming


@dataclass(frozen=True)
class ExerciseRecording:
    """One recording."""

    name: str
    """Subject and trial."""
    time_s: FloatArray
    """(T,) seconds."""
    channels: FloatArray
    """(T, 12) degrees, and the height of the root."""
    labels: NDArray[np.int_]
    """(T,) number of the exercise, from 0."""


def load_mocap6(path: str | Path) -> list[ExerciseRecording]:
    """Read `mocap6.mat`.

    Raises:
        InputError: if the file is missing, cut off, or something else.
    """
    from scipy.io import loadmat  # slow to import, and few come here

    try:
        stored = loadmat(str(path), squeeze_me=True, struct_as_record=False)["DataBySeq"]
        return [
            ExerciseRecording(
                str(each.filename),
                np.arange(len(each.X)) / float(each.framerate),
                np.asarray(each.X, dtype=float),
                np.asarray(each.TrueZ, dtype=int) - 1,
            )
            for each in np.atleast_1d(stored)
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
        raise InputError(
            str(path), expected="mocap6.mat with its struct DataBySeq", got=str(error).splitlines()[0] or repr(error)
        ) from None


def evaluate_mocap6(
    path: str | Path,
    *,
    seeds: int = 5,
    seed: int = 0,
    config: DiscoveryConfig = DiscoveryConfig(),  # noqa: B008
) -> dict[str, float]:
    """Segment the six recordings without labels, several times over, and count wrong frames.

    Args:
        path: of `mocap6.mat`.
        seeds: independent repetitions, each with its own choice of the number of states.
        seed: of the first.
        config: how segments are looked for; nothing in it or in the fits sees a label.
    Returns:
        `hamming_mean`, `hamming_std`, `hamming_low` and `hamming_high` over the repetitions with one naming of states
        for all recordings; `hamming_each_mean` with one naming per recording; `states_mean`; `seeds`.
    """
    recordings = load_mocap6(path)
    truth = [each.labels for each in recordings]
    together, apart, states = [], [], []
    for number in range(seed, seed + seeds):
        rng = np.random.default_rng(number)
        found = discover_segments([(each.time_s, each.channels) for each in recordings], rng=rng, config=config)
        together.append(frame_hamming(found.paths, truth))
        wrong = [frame_hamming([a], [b]) * len(b) for a, b in zip(found.paths, truth, strict=True)]
        apart.append(sum(wrong) / sum(map(len, truth)))
        states.append(found.states)
    return {
        "hamming_mean": float(np.mean(together)),
        "hamming_std": float(np.std(together, ddof=1)) if seeds > 1 else 0.0,
        "hamming_low": float(min(together)),
        "hamming_high": float(max(together)),
        "hamming_each_mean": float(np.mean(apart)),
        "states_mean": float(np.mean(states)),
        "seeds": float(seeds),
    }
