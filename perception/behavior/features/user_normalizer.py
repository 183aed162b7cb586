"""Features of one user on the scale of everybody, learned from that user's own motion without labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.figures import output_file

_LEVELS = np.linspace(0.02, 0.98, 33)
_MEMORY_ROWS = 1024


class UserNormalizer:
    """Maps each feature through its quantiles in the user's motion seen so far.

    Without a population the result is the quantile itself, from -1 to 1 within the user's usual range and in
    proportion beyond it. With a population (another normalizer, fitted on many people), a value goes to the
    population's value of the same quantile; while few frames of the user are known, the quantiles are drawn
    towards the population's, so that a new user begins unchanged.

    Memory is bounded: when it is full, every second row is dropped and from then on every second frame is taken.
    """

    def __init__(
        self, names: tuple[str, ...], *, population: UserNormalizer | None = None, prior_rows: float = 100.0
    ) -> None:
        """Nothing seen yet.

        Args:
            names: the features, in the order of their columns.
            population: whose scale to map to; None maps to quantiles.
            prior_rows: number of the user's rows that weigh as much as the population.
        """
        if population is not None and population.names != names:
            raise InputError("UserNormalizer", expected="a population of the same features", got="other names")
        if not prior_rows >= 0.0:
            raise InputError("UserNormalizer", expected="prior_rows >= 0", got=f"{prior_rows}")
        self.names: tuple[str, ...] = names
        self._population, self._prior_rows = population, prior_rows
        self._rows = np.empty((0, len(names)))
        self._stride, self._seen = 1, 0
        self._knots: FloatArray | None = None

    def update(self, values: FloatArray) -> None:
        """Take frames (T, F) or one frame (F,) of the user; NaN where a feature was not measured."""
        rows = self._checked(np.atleast_2d(values))
        taken = rows[(-self._seen) % self._stride :: self._stride]
        self._seen += len(rows)
        if not len(taken):
            return
        self._rows = np.concatenate([self._rows, taken])
        while len(self._rows) > _MEMORY_ROWS:
            self._rows = self._rows[::2]
            self._stride *= 2
        self._knots = None

    def transform(self, values: FloatArray) -> FloatArray:
        """The features (T, F) or (F,) on the common scale; NaN stays NaN, and so does a feature never seen."""
        rows = self._checked(np.atleast_2d(values))
        own = self.knots()
        target = self._population.knots() if self._population else np.tile(2.0 * _LEVELS[:, None] - 1.0, own.shape[1])
        return _through(rows, own, target).reshape(np.shape(values))

    def knots(self) -> FloatArray:
        """(33, F) quantiles of each feature, drawn towards the population's while few rows are known."""
        if self._knots is None:
            self._knots = self._fit()
        return self._knots

    def _fit(self) -> FloatArray:
        seen = np.isfinite(self._rows).sum(axis=0)
        own = _quantiles(self._rows, seen)
        if self._population is None:
            return own
        prior = self._population.knots()
        count = seen * self._stride
        share = count / np.maximum(count + self._prior_rows, 1.0)
        return np.where(np.isfinite(own), share * np.nan_to_num(own) + (1.0 - share) * prior, prior)

    def save(self, path: str | Path) -> None:
        """Write everything known of the user (and of the population) as JSON."""
        with output_file(path) as draft:
            draft.write_text(json.dumps(self._state()) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> UserNormalizer:
        """Read what `save` wrote.

        Raises:
            InputError: if the file is not there or is something else.
        """
        try:
            return cls._from_state(json.loads(Path(path).read_text()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                str(path), expected="a file that UserNormalizer.save wrote", got=f"{type(error).__name__}: {error}"
            ) from None

    def _state(self) -> dict[str, object]:
        rows = [[None if np.isnan(value) else float(f"{value:.7g}") for value in row] for row in self._rows]
        return {
            "names": list(self.names),
            "prior_rows": self._prior_rows,
            "stride": self._stride,
            "seen": self._seen,
            "rows": rows,
            "population": None if self._population is None else self._population._state(),
        }

    @classmethod
    def _from_state(cls, state: dict[str, object]) -> UserNormalizer:
        above = state["population"]
        normalizer = cls(
            tuple(map(str, state["names"])),  # type: ignore[call-overload]
            population=cls._from_state(above) if isinstance(above, dict) else None,
            prior_rows=float(state["prior_rows"]),  # type: ignore[arg-type]
        )
        normalizer._rows = np.array(state["rows"], dtype=float).reshape(-1, len(normalizer.names))
        normalizer._stride, normalizer._seen = int(state["stride"]), int(state["seen"])  # type: ignore[call-overload]
        return normalizer

    def _checked(self, rows: FloatArray) -> FloatArray:
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            raise InputError("UserNormalizer", expected=f"rows of {len(self.names)} features", got=f"{rows.shape}")
        values = np.asarray(rows, dtype=float)
        return np.where(np.isfinite(values), values, np.nan)


def _quantiles(rows: FloatArray, seen: NDArray[np.int_]) -> FloatArray:
    """(33, F) of each column's finite values, as many as `seen` (F,) says; NaN where there are none."""
    if not len(rows):
        return np.full((len(_LEVELS), rows.shape[1]), np.nan)
    ordered = np.sort(rows, axis=0)  # NaN comes last
    place = _LEVELS[:, None] * np.maximum(seen - 1, 0)
    low = place.astype(int)
    high, columns = np.minimum(low + 1, np.maximum(seen - 1, 0)), np.arange(rows.shape[1])
    below, above = ordered[low, columns], ordered[high, columns]
    return np.asarray(below + (place - low) * (above - below))


def _through(values: FloatArray, own: FloatArray, target: FloatArray) -> FloatArray:
    """Values (T, F) through the lines that join the knots; beyond the outermost, along the line from end to end."""
    columns, last = np.arange(own.shape[1]), len(own) - 1
    within = np.clip(values, own[0], own[-1])
    low = np.clip((within[:, None] >= own).sum(axis=1) - 1, 0, last)
    high = np.minimum(low + 1, last)
    step, width = own[high, columns] - own[low, columns], own[-1] - own[0]
    share = (within - own[low, columns]) / np.where(step > 0.0, step, np.inf)
    inside = target[low, columns] + share * (target[high, columns] - target[low, columns])
    beyond = (values - within) * (target[-1] - target[0]) / np.where(width > 0.0, width, np.inf)
    mapped = np.where(width > 0.0, inside + beyond, target[len(target) // 2])
    known = np.isfinite(own).all(axis=0) & np.isfinite(target).all(axis=0)
    return np.where(known & np.isfinite(values), mapped, np.nan)
