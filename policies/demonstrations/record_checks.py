"""Checks of whole episodes and of what is seen: copies, lengths, failures, bounds, dead cameras."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from policies.demonstrations.finding import Finding, episodes_named
from policies.demonstrations.set_info import SetInfo
from policies.demonstrations.vitals import Vitals

_LENGTHS = 3.0
"""Times the median: so much longer or shorter is odd."""
_BEYOND = 1e-6
_FROZEN, _EMPTY = 0.2, 0.01
"""Share of a camera's frames or of clouds."""


def check_episodes(episodes: Sequence[Vitals], info: SetInfo) -> Iterator[Finding]:
    """Findings about episodes as wholes."""
    total, seen = len(episodes), dict[str, str]()
    copies = [each.name for each in episodes if seen.setdefault(each.digest, each.name) != each.name]
    if copies:
        yield Finding("error", "duplicates", "the same episode as an earlier one", episodes_named(copies, total),
                      "delete them: they count twice, and reach into held-out parts")  # fmt: skip
    middle = float(np.median([each.steps for each in episodes]))
    odd = [each.name for each in episodes if not middle / _LENGTHS <= each.steps <= _LENGTHS * middle]
    if odd:
        yield Finding("warning", "lengths", f"below a third or beyond three times the median of {middle:g} steps",
                      episodes_named(odd, total), "watch them: they may be cut off, or forgotten to stop")  # fmt: skip
    failed = [each.name for each in episodes if not each.success]
    if failed:
        yield Finding("error" if len(failed) == total else "warning", "failures",
                      f"the task is not done at the end: success {1 - len(failed) / total:.0%}",
                      episodes_named(failed, total), "leave them out of imitation, unless they are meant")  # fmt: skip


def check_observations(episodes: Sequence[Vitals], info: SetInfo) -> Iterator[Finding]:
    """Findings about what is seen."""
    for key, low in info.observation_low.items():
        if key in episodes[0].vectors:
            yield from _beyond_bounds(episodes, key, np.array(low), np.array(info.observation_high[key]), info)
    for key in episodes[0].frozen:
        frozen = [each for each in episodes if each.frozen[key] > _FROZEN]
        if frozen:
            share = float(np.mean([each.frozen[key] for each in frozen]))
            yield Finding("warning", "frozen view", f"{share:.0%} of the frames are the one before, to the last bit",
                          f"{key}, {episodes_named([each.name for each in frozen], len(episodes))}",
                          "see whether the camera delivers at the set's rate")  # fmt: skip
        empty = [each for each in episodes if each.empty[key] > _EMPTY]
        if empty:
            share = float(np.mean([each.empty[key] for each in empty]))
            yield Finding("error", "empty view", f"{share:.0%} of the frames hold nothing",
                          f"{key}, {episodes_named([each.name for each in empty], len(episodes))}",
                          "see whether the camera is covered, out of range, or cropped away")  # fmt: skip


def _beyond_bounds(
    episodes: Sequence[Vitals], key: str, low: NDArray[np.float64], high: NDArray[np.float64], info: SetInfo
) -> Iterator[Finding]:
    slack = _BEYOND * (high - low)
    names = info.observation_names.get(key) or tuple(map(str, range(len(low))))
    tables = [each.vectors[key] for each in episodes]
    outside = [(table < low - slack) | (table > high + slack) for table in tables]
    shares = np.concatenate(outside).mean(axis=0)
    for number in np.flatnonzero(shares):
        guilty = [each.name for each, table in zip(episodes, outside, strict=True) if table[:, number].any()]
        what = f"{shares[number]:.1%} of the values beyond {low[number]:g} to {high[number]:g}"
        yield Finding("warning", "out of bounds", what,
                      f"{key} {number} ({names[number]}), {episodes_named(guilty, len(episodes))}",
                      "see whether the unit is right; features scaled by the bounds leave -1 to 1")  # fmt: skip
