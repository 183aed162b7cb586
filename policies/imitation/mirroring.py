"""Demonstrations seen in a mirror: where a task is the same with left and right exchanged, each counts for more.

A mirror plane stands upright, across the x axis or the y axis of the world. Vectors change the sign of one component;
angular velocities, which are axial, of the other two; a rotation R becomes M R M (columns of the thing's own axes, so
that a cube stays a rotated cube).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from policies.demonstrations import Episode, SetInfo

Signs = Mapping[str, NDArray[np.float32]]
_ROTATION = re.compile(r" R([012])([012])$")
_AXES = "xyz"
_SCALAR = re.compile(r"(opening|touched)")


def mirrored(episodes: Sequence[Episode], info: SetInfo) -> list[Episode]:
    """Four episodes for each: as it is, and mirrored left to right, front to back, and both.

    Args:
        episodes: of tasks whose work is the same in the mirror: free places, hands that point down and do not turn.
        info: names what the numbers are.

    Raises:
        InputError: where a number is neither a component along an axis nor one that no mirror changes, or there
            are clouds or images.
    """
    found = []
    for x in (1.0, -1.0):
        for y in (1.0, -1.0):
            signs = signs_of(info, np.array([x, y, 1.0]))
            found += [_through(episode, signs) for episode in episodes]
    return found


def signs_of(info: SetInfo, mirror: NDArray[np.float64]) -> Signs:
    """The factor of every number of observations and actions ("actions").

    Args:
        info: names what the numbers are.
        mirror: (3,) the diagonal of M: -1 for the axis across which the mirror stands.
    """
    tables = {**info.observation_names, "actions": info.action_names}
    for key, shape in info.observation_shapes.items():
        if not tables[key]:
            raise InputError("mirrored", expected="vectors whose numbers have names", got=f"{key} of shape {shape}")
    return {key: np.array([_sign(name, mirror) for name in names], np.float32) for key, names in tables.items()}


def _sign(name: str, mirror: NDArray[np.float64]) -> float:
    rotation = _ROTATION.search(name)
    if rotation is not None:
        row, column = map(int, rotation.groups())
        return float(mirror[row] * mirror[column])
    if _SCALAR.search(name):
        return 1.0
    axis = _AXES.find(name[-1:]) if name[-2:-1] == " " else -1
    if axis < 0:
        remedy = "leave mirroring out for this task"
        raise InputError("mirrored", expected="components along x, y or z", got=repr(name), remedy=remedy)
    axial = "angular" in name or "rotation" in name
    return float(np.prod(mirror) * mirror[axis] if axial else mirror[axis])


def _through(episode: Episode, signs: Signs) -> Episode:
    seen = {key: table * signs[key] for key, table in episode.observations.items()}
    return replace(episode, observations=seen, actions=episode.actions * signs["actions"])
