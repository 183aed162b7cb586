"""What is imagined of the hidden sides of the seen objects.

`prism` fills the space beneath what was seen, down to the table. `symmetric` first mirrors what was
seen through a vertical plane. `predicted` takes a network's word for where each line of sight leaves
the object. None of them fills a place that the camera looked through.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, PinholeCamera, invert, transform_points
from perception.cloud import voxel_downsample
from perception.grasping import TableScene
from policies.imagination.mirror import Mirror, find_mirror
from policies.imagination.sight import Sight

Completion = Literal["prism", "symmetric", "predicted"]
"""How hidden sides are guessed."""

_SPACING_M = 0.004
_STEP_M = 0.004
_IN_AIR_M = 0.004
_HIDDEN_BY_OTHER_M = 0.02
_LEAST_POINTS = 12
_LEAST_THICKNESS_M = 0.004


class DepthSpans(NamedTuple):
    """Where lines of sight enter and leave what they first meet."""

    front_m: FloatArray
    """(H, W) depth along +z at which they enter."""
    exit_m: FloatArray
    """(H, W) depth at which they leave."""
    is_object: NDArray[np.bool_]
    """(H, W) pixels that show an object."""
    camera: PinholeCamera
    """Intrinsics of the maps."""
    T_table_camera: FloatArray
    """(4, 4) pose of the camera in the table frame."""


@dataclass(frozen=True)
class CompletedObject:
    """Points on the whole surface of one object, seen and imagined, in the table frame."""

    number: int
    """Its number in the labels."""
    points: FloatArray
    """(N, 3) metres."""
    is_empty: Callable[[FloatArray], NDArray[np.bool_]]
    """From places (M, 3) to (M,): whether the object cannot be there."""


def complete(
    scene: TableScene, sight: Sight, method: Completion, spans: DepthSpans | None = None
) -> list[CompletedObject]:
    """Imagine the hidden sides of every object that enough was seen of.

    Args:
        scene: the look.
        sight: the same look with an object's number at each pixel.
        method: how to guess.
        spans: what `predicted` needs.
    """
    if method == "predicted" and spans is not None:
        return _predicted(sight, spans)
    found = []
    for number in range(int(sight.labels.max()) + 1):
        seen = voxel_downsample(scene.points[sight.labels == number], _SPACING_M)
        if len(seen) < _LEAST_POINTS:
            continue
        mirror = find_mirror(seen, number, sight) if method == "symmetric" else None
        found.append(_filled(number, seen, mirror, sight, scene.has_table))
    return found


def _filled(number: int, seen: FloatArray, mirror: Mirror | None, sight: Sight, has_table: bool) -> CompletedObject:
    """Seen points, their mirror images, and all that lies hidden beneath both."""

    def is_empty(points: FloatArray) -> NDArray[np.bool_]:
        empty = _in_air(points, sight)
        return empty if mirror is None else empty | _in_air(mirror.reflect(points), sight)

    surface = seen
    if mirror is not None:
        reflected = mirror.reflect(seen)
        surface = np.concatenate([seen, reflected[~_in_air(reflected, sight)]])
    if has_table:
        surface = np.concatenate([surface, _undersides(surface, number, sight, is_empty)])
    return CompletedObject(number, surface, is_empty)


def _in_air(points: FloatArray, sight: Sight) -> NDArray[np.bool_]:
    return np.asarray(sight.depth_behind(points)[0] < -_IN_AIR_M)


def _undersides(
    surface: FloatArray, number: int, sight: Sight, is_empty: Callable[[FloatArray], NDArray[np.bool_]]
) -> FloatArray:
    """(M, 3) where the columns beneath the highest surface points end: on the table, in view, or at a neighbour."""
    tops = _highest(surface)
    steps = np.arange(1, max(2, int(np.ceil(tops[:, 2].max() / _STEP_M)) + 1))
    heights = np.maximum(tops[:, 2, None] - _STEP_M * steps, 0.0)
    columns = np.concatenate([np.repeat(tops[:, None, :2], len(steps), axis=1), heights[..., None]], axis=-1)
    flat = columns.reshape(-1, 3)
    behind, owner = sight.depth_behind(flat)
    others = (owner >= 0) & (owner != number) & (behind < _HIDDEN_BY_OTHER_M)
    blocked = (is_empty(flat) | others).reshape(heights.shape)
    reached = np.where(blocked.any(axis=1), np.argmax(blocked, axis=1), len(steps))
    some = reached > 0
    return np.asarray(columns[some, reached[some] - 1])


def _highest(points: FloatArray) -> FloatArray:
    """(M, 3) the highest point of each cell of the table."""
    cells = np.floor(points[:, :2] / _SPACING_M).astype(np.int64)
    order = np.lexsort((-points[:, 2], cells[:, 1], cells[:, 0]))
    cells = cells[order]
    first = np.ones(len(cells), dtype=bool)
    first[1:] = np.any(cells[1:] != cells[:-1], axis=1)
    return points[order[first]]


def _predicted(sight: Sight, spans: DepthSpans) -> list[CompletedObject]:
    """Front and back of each line of sight, by the object that the look itself shows there."""
    camera, shown = spans.camera, spans.is_object
    rays = camera.rays()[shown]
    exit_m = np.maximum(spans.exit_m, spans.front_m + _LEAST_THICKNESS_M)
    front = transform_points(spans.T_table_camera, rays * spans.front_m[shown][:, None])
    back = transform_points(spans.T_table_camera, rays * exit_m[shown][:, None])
    owner = sight.depth_behind(front)[1]
    image = np.full(shown.shape, -1)
    image[shown] = owner
    T_camera_table = invert(spans.T_table_camera)
    found = []
    for number in range(int(sight.labels.max()) + 1):
        own = owner == number
        if own.sum() < _LEAST_POINTS:
            continue
        own_exit = np.where(image == number, exit_m, np.inf)
        through = Sight(own_exit, image, camera, T_camera_table)

        def is_empty(points: FloatArray, through: Sight = through, number: int = number) -> NDArray[np.bool_]:
            behind, owners = through.depth_behind(points)
            return _in_air(points, sight) | ((owners == number) & (behind > _IN_AIR_M))

        surface = np.concatenate([voxel_downsample(front[own], _SPACING_M), voxel_downsample(back[own], _SPACING_M)])
        found.append(CompletedObject(number, surface, is_empty))
    return found
