"""Check for actions that stand beside the wrong observation.

Every command is compared with every observed number, by how well it explains its change at lags of -5 to 5 steps;
a command that is a place rather than a step is compared by its own change. Lag L pairs the command of step t with the
change from t + L to t + L + 1: 0 is right, up to 3 is a robot that follows late, below 0 is a record gone wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from policies.demonstrations.finding import Finding, episodes_named
from policies.demonstrations.observation_keys import DESIRED
from policies.demonstrations.set_info import SetInfo
from policies.demonstrations.vitals import Vitals

_LAGS = range(-5, 6)
_LATEST = 3
"""Steps by which a robot may follow its command."""
_TOLD = 0.5
"""A correlation from which command and motion are known to belong together."""
_PEAK = 0.2
"""By so much it must be greater at its best lag than at its worst to tell any."""
_STEPS_FIRST = 0.05
"""Commands count as places only if that explains so much more."""
_MARGIN, _OWN_MARGIN = 0.02, 0.2
"""By so much the wrong lag must be better, over the set and within one episode."""
_SHORTEST = 20

Pair = tuple[int, int, int]
"""Whether commands are places (1) or steps (0), number of the action, observed number."""


def check_alignment(episodes: Sequence[Vitals], info: SetInfo) -> Iterator[Finding]:
    """Findings about actions that explain other steps' motion better than their own."""
    if not any(key != DESIRED for key in episodes[0].vectors):
        return
    curves = _curves(episodes)
    pairs = [pair for number in range(len(info.action_names)) if (pair := _best_pair(curves, number))]
    if not pairs:
        return
    curve = _mean_curve(curves, pairs)
    right = [place for place, lag in enumerate(_LAGS) if 0 <= lag <= _LATEST]
    best = int(curve.argmax())
    if best not in right and curve[best] > curve[right].max() + _MARGIN:
        what = (
            f"actions explain the motion of {_LAGS[best]:+d} steps best: correlation {curve[best]:.2f}, "
            f"of their own {curve[_LAGS.index(0)]:.2f}"
        )
        remedy = f"move the actions by {_LAGS[best]:+d} steps against the observations"
        yield Finding("error", "misaligned frames", what, "whole set", remedy)
        return
    odd = [each.name for each in episodes if _is_odd(each, pairs)]
    if odd:
        yield Finding("error", "misaligned frames", "actions explain the motion of other steps best",
                      episodes_named(odd, len(episodes)), "leave these episodes out, or record them anew")  # fmt: skip


def _is_odd(each: Vitals, pairs: Sequence[Pair]) -> bool:
    """Whether one episode's actions clearly belong to other steps."""
    if each.steps < _SHORTEST:
        return False
    curve = _mean_curve(_curves([each]), pairs)
    best = int(curve.argmax())
    right = [place for place, lag in enumerate(_LAGS) if 0 <= lag <= _LATEST]
    return best not in right and curve[best] > max(_TOLD, curve[right].max() + _OWN_MARGIN)


def _best_pair(curves: NDArray[np.float64], number: int) -> Pair | None:
    """What an action moves; None where nothing tells."""
    strength = curves[:, :, number].max(axis=0)
    strength[curves[:, :, number].min(axis=0) > strength - _PEAK] = 0.0
    strength[1] -= _STEPS_FIRST
    places, column = np.unravel_index(int(strength.argmax()), strength.shape)
    return (int(places), number, int(column)) if strength[places, column] > _TOLD else None


def _mean_curve(curves: NDArray[np.float64], pairs: Sequence[Pair]) -> NDArray[np.float64]:
    """(lags,) over what is known to belong together."""
    mean: NDArray[np.float64] = np.mean([curves[:, places, number, column] for places, number, column in pairs], axis=0)
    return mean


def _curves(episodes: Sequence[Vitals]) -> NDArray[np.float64]:
    """(lags, 2, A, D) size of the correlation of commands, as steps and as places, with observed changes."""
    keys = [key for key in episodes[0].vectors if key != DESIRED]
    commands = [np.stack([each.actions[1:], np.diff(each.actions, axis=0)], axis=1) for each in episodes]
    changes = [np.diff(np.concatenate([each.vectors[key] for key in keys], axis=1), axis=0)[1:] for each in episodes]
    found = []
    for lag in _LAGS:
        cut = [_overlap(one, two, lag) for one, two in zip(commands, changes, strict=True)]
        one, two = (np.concatenate(side) for side in zip(*cut, strict=True))
        found.append(np.abs(_correlations(one.reshape(len(one), -1), two)).reshape(*one.shape[1:], two.shape[1]))
    return np.stack(found)


def _overlap(
    commands: NDArray[np.float64], changes: NDArray[np.float64], lag: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Commands of steps t and changes of t + lag, where both are there."""
    first = max(0, -lag)
    last = max(first, min(len(commands), len(changes) - lag))
    return commands[first:last], changes[first + lag : last + lag]


def _correlations(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, m) of the columns of (N, n) and (N, m); 0 where a column does not change."""
    if len(one) < 3:
        return np.zeros((one.shape[1], two.shape[1]))
    a, b = one - one.mean(axis=0), two - two.mean(axis=0)
    sizes = np.linalg.norm(a, axis=0)[:, None] * np.linalg.norm(b, axis=0)
    correlations: NDArray[np.float64] = np.where(sizes > 1e-12, a.T @ b / np.maximum(sizes, 1e-12), 0.0)
    return correlations
