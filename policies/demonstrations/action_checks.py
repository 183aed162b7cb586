"""Checks of the actions: constant, nearly constant, cut off at their bounds, far out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from policies.demonstrations.finding import Finding, episodes_named
from policies.demonstrations.set_info import SetInfo
from policies.demonstrations.vitals import Vitals

_TINY = 1e-3
"""Of the range of an action: who moves less does not move."""
_CLIPPED = 0.2
"""Share of an action's values at its bounds."""
_AT_BOUND = 1e-6
_SWITCH = 0.98
"""An action that so often stands at one of its bounds is a switch, such as a gripper, and not cut off."""
_FAR = 10.0
"""Times the range of the middle 98 %."""


def check_actions(episodes: Sequence[Vitals], info: SetInfo) -> Iterator[Finding]:
    """Findings about single numbers of the actions."""
    rows = np.concatenate([each.actions for each in episodes])
    low, high = action_bounds(rows, info)
    for number, name in enumerate(info.action_names):
        values, where = rows[:, number], f"action {number} ({name})"
        width = high[number] - low[number]
        if np.ptp(values) == 0:
            yield Finding(
                "warning", "constant action", f"always {values[0]:g}", where,
                "leave this action out, or see whether it was recorded",
            )  # fmt: skip
            continue
        if info.action_low and values.std() < _TINY * width:
            yield Finding(
                "warning", "tiny action", f"standard deviation {values.std():.2g} of a range of {width:g}", where,
                "see whether its unit is right; divided by this deviation, noise becomes a command",
            )  # fmt: skip
        at_bound = (np.minimum(values - low[number], high[number] - values) <= _AT_BOUND * width).mean()
        if _CLIPPED < at_bound < _SWITCH:
            yield Finding(
                "warning", "clipped action", f"{at_bound:.0%} of the values stand at a bound", where,
                "demonstrate more slowly, or take a wider action space: what was wanted beyond is lost",
            )  # fmt: skip
        yield from _far_out(episodes, number, where)


def action_bounds(rows: NDArray[np.float64], info: SetInfo) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(A,) least and greatest actions: those of the set where they are known, else those that occur."""
    if info.action_low:
        return np.array(info.action_low), np.array(info.action_high)
    return rows.min(axis=0), rows.max(axis=0)


def _far_out(episodes: Sequence[Vitals], number: int, where: str) -> Iterator[Finding]:
    values = np.concatenate([each.actions[:, number] for each in episodes])
    least, middle, greatest = np.quantile(values, (0.01, 0.5, 0.99))
    reach = _FAR * (greatest - least)
    guilty = [each.name for each in episodes if (np.abs(each.actions[:, number] - middle) > reach).any()]
    if reach > 0 and guilty:
        farthest = values[np.abs(values - middle).argmax()]
        yield Finding(
            "error", "action far out", f"{farthest:g}, where 98 % lie in {least:.3g} to {greatest:.3g}",
            f"{where}, {episodes_named(guilty, len(episodes))}",
            "see whether units or wrapped angles are mixed; leave these episodes out",
        )  # fmt: skip
