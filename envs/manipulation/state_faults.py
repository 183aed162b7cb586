"""What perception gets wrong in a state observation: offsets, noise, and readings that repeat."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from envs.manipulation.entries import Entry
from envs.manipulation.randomization import Draw, Randomization

_ROTATION = re.compile(r" R[0-2][01]$")


class StateFaults:
    """Spoils the readings of one environment.

    Only what perception tells is wrong; the arm's encoders are exact. A prop's place seen from the hand
    has the same error as its place in the world.

    Args:
        entries: what the numbers mean.
        perceived: number of the first entry that is not the arm's own.
        props: names, in the order of the draw's rows.
        faults: how much goes wrong.
    """

    def __init__(self, entries: Sequence[Entry], perceived: int, props: Sequence[str], faults: Randomization) -> None:
        self._stuck = faults.stuck
        numbers = {entry.name: i for i, entry in enumerate(entries)}
        self._sigma = np.array([0.0 if i < perceived else _sigma(e, faults) for i, e in enumerate(entries)])
        self._source = [
            numbers.get(entry.name.replace(" from the hand ", " position "), i) for i, entry in enumerate(entries)
        ]
        """Whose error each entry has."""
        self._positions = [numbers[f"{prop} position {axis}"] for prop in props for axis in "xyz"]
        self._bias = np.zeros(len(entries))
        self._last: NDArray[np.float32] | None = None
        self._low = np.array([entry.low for entry in entries], dtype=np.float32)
        self._high = np.array([entry.high for entry in entries], dtype=np.float32)

    def begin(self, draw: Draw) -> None:
        """Take the offsets of a new episode."""
        self._last = None
        self._bias[self._positions] = np.ravel(draw.biases_m)

    def apply(self, reading: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """A reading (n,) as perception gives it; the last one again where it is stuck."""
        errors = rng.standard_normal(len(reading)) * self._sigma + self._bias
        stuck = rng.random() < self._stuck
        if stuck and self._last is not None:
            return self._last.copy()
        faulty = (reading + errors[self._source]).astype(np.float32)
        self._last = np.minimum(np.maximum(faulty, self._low), self._high)
        return self._last.copy()


def _sigma(entry: Entry, faults: Randomization) -> float:
    """Standard deviation of an entry's noise, by what it is."""
    if _ROTATION.search(entry.name):
        return faults.rotation_noise
    return {"m": faults.position_noise_m, "m/s": faults.velocity_noise, "rad/s": faults.velocity_noise}.get(
        entry.unit, 0.0
    )
