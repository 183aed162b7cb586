"""Check for idle frames: neither a command nor anything that is seen changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from policies.demonstrations.finding import Finding
from policies.demonstrations.observation_keys import DESIRED
from policies.demonstrations.set_info import SetInfo
from policies.demonstrations.vitals import Vitals

_STILL = 0.03
"""Share of the fast movements' speed below which nothing moves."""
_LEADING_S, _TRAILING_S = 0.4, 1.5
"""Longest mean stillness before the first and after the last movement; staying at the goal is to be learned too."""
_BETWEEN = 0.15
"""Share of still frames between the first and the last movement."""


def check_idle(episodes: Sequence[Vitals], info: SetInfo) -> Iterator[Finding]:
    """Findings about frames in which neither the commands nor what is seen changes."""
    stills = _still_frames(episodes)
    if stills is None:
        return
    leading, trailing, between, inside = [], [], 0, 0
    for still in stills:
        moving = np.flatnonzero(~still)
        first, last = (int(moving[0]), int(moving[-1])) if len(moving) else (len(still), len(still) - 1)
        leading.append(first)
        trailing.append(len(still) - 1 - last)
        between += int(still[first : last + 1].sum())
        inside += max(last + 1 - first, 0)
    for name, frames, longest, remedy in (
        ("leading", leading, _LEADING_S, "cut them off: a policy learns to wait for ever"),
        ("trailing", trailing, _TRAILING_S, "cut them, unless policies are to learn to stay until the time limit"),
    ):
        mean_s = float(np.mean(frames)) / info.rate_hz
        if mean_s > longest:
            worst = int(np.argmax(frames))
            yield Finding("warning", "idle frames", f"{mean_s:.1f} s of {name} stillness on average",
                          f"up to {frames[worst] / info.rate_hz:.1f} s in episode {episodes[worst].name}",
                          remedy)  # fmt: skip
    if inside and between / inside > _BETWEEN:
        yield Finding("warning", "idle frames", f"{between / inside:.0%} of the frames between first and last movement",
                      "whole set", "demonstrate without long pauses, or leave the still frames out")  # fmt: skip


def _still_frames(episodes: Sequence[Vitals]) -> list[NDArray[np.bool_]] | None:
    """(T,) for each episode, whether nothing moves; None where no vector is observed."""
    keys = [key for key in episodes[0].vectors if key != DESIRED]
    if not keys:
        return None
    seen = [np.concatenate([each.vectors[key][: each.steps] for key in keys], axis=1) for each in episodes]
    speeds = _speeds(seen)
    commands = _speeds([each.actions for each in episodes])
    if speeds is None or commands is None:
        return None
    return [(speed < _STILL) & (command < _STILL) for speed, command in zip(speeds, commands, strict=True)]


def _speeds(tables: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]] | None:
    """(T,) change from row to row, all columns alike, as a share of the fast changes of the whole set."""
    rows = np.concatenate(tables)
    spread = rows.std(axis=0)
    kept = spread > 1e-6 * max(float(np.abs(rows).max()), 1e-12)
    if not kept.any():
        return None
    changes = [np.diff(table[:, kept], axis=0, append=table[-1:, kept]) / spread[kept] for table in tables]
    speeds = [np.sqrt((change**2).mean(axis=1)) for change in changes]
    fast = float(np.quantile(np.concatenate(speeds), 0.9))
    if fast == 0.0:
        return None
    for speed in speeds:  # no row follows the last: it goes with the one before
        speed[-1] = speed[-2] if len(speed) > 1 else 0.0
    return [speed / fast for speed in speeds]
