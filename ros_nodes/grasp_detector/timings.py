"""How long frames take lately: medians and 95 % marks by name."""

from __future__ import annotations

from collections import deque

import numpy as np

_KEPT = 300


class Timings:
    """The last few hundred times of each kind."""

    def __init__(self) -> None:
        self._values: dict[str, deque[float]] = {}

    def add(self, **times_ms: float) -> None:
        """Take times of one frame, milliseconds."""
        for name, value in times_ms.items():
            self._values.setdefault(name, deque(maxlen=_KEPT)).append(value)

    def summary(self) -> dict[str, float]:
        """Median and 95 % of each kind: `NAME_ms` and `NAME_ms_p95`."""
        found: dict[str, float] = {}
        for name, values in self._values.items():
            kept = np.array(values)
            found[f"{name}_ms"] = round(float(np.median(kept)), 2)
            found[f"{name}_ms_p95"] = round(float(np.percentile(kept, 95.0)), 2)
        return found
