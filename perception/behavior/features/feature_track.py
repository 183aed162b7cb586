"""Named features over time: what rules, networks and decoders read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geometry import FloatArray, InputError
from perception.pose import check_times


@dataclass(frozen=True, kw_only=True)
class FeatureTrack:
    """F features at T moments. What could not be measured is NaN."""

    names: tuple[str, ...]
    """Name of each column, unique."""
    units: tuple[str, ...]
    """Unit of each column: "torso", "torso/s", "palm", "rad", "1" ..."""
    values: FloatArray
    """(T, F)."""
    time_s: FloatArray
    """(T,) seconds, growing."""

    def __post_init__(self) -> None:
        wanted = (len(self.time_s), len(self.names))
        if np.shape(self.values) != wanted or len(self.units) != len(self.names):
            raise InputError(
                "FeatureTrack",
                expected=f"values of shape {wanted} and a unit for each name",
                got=f"{np.shape(self.values)} and {len(self.units)} units",
            )
        if len(set(self.names)) != len(self.names):
            raise InputError("FeatureTrack", expected="unique names", got="a name twice")
        check_times(self.time_s, "FeatureTrack")

    def column(self, name: str) -> FloatArray:
        """(T,) one feature.

        Raises:
            InputError: if there is no such feature.
        """
        return self.values[:, self._row(name)]

    def select(self, names: Sequence[str]) -> FeatureTrack:
        """The named features alone, in the order given."""
        rows = [self._row(name) for name in names]
        return FeatureTrack(
            names=tuple(names),
            units=tuple(self.units[row] for row in rows),
            values=self.values[:, rows],
            time_s=self.time_s,
        )

    def beside(self, other: FeatureTrack, prefix: str = "") -> FeatureTrack:
        """These features and those of another track of the same moments, whose names take a prefix."""
        if not np.array_equal(self.time_s, other.time_s):
            raise InputError(
                "FeatureTrack.beside", expected="tracks of the same moments", got=f"{len(other.time_s)} others"
            )
        return FeatureTrack(
            names=self.names + tuple(prefix + name for name in other.names),
            units=self.units + other.units,
            values=np.hstack([self.values, other.values]),
            time_s=self.time_s,
        )

    def _row(self, name: str) -> int:
        if name not in self.names:
            raise InputError("FeatureTrack", expected=f"one of {', '.join(self.names)}", got=f"{name!r}")
        return self.names.index(name)
