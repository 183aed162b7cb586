"""Humanoids filmed: colour and depth images of their motions, with the true keypoints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.humanoid.actor import SHIRT, HumanoidActor
from envs.humanoid.motion import BodyMotion
from envs.humanoid.sight import see_people
from envs.world import World
from geometry import FloatArray, InputError, PinholeCamera, transform

FAR_M, MARGIN_M = 30.0, 4.0
"""How far the camera sees, and how far the floor reaches beyond the people."""
LIGHT, DARK = (0.72, 0.72, 0.72), (0.62, 0.62, 0.62)
_SHIRTS = (SHIRT, (0.66, 0.22, 0.20), (0.25, 0.50, 0.28), (0.72, 0.56, 0.20), (0.45, 0.28, 0.55))
"""So that people can be told apart."""


class FilmFrame(NamedTuple):
    """One image of N people, and the truth about it."""

    time_s: float
    """Seconds."""
    rgb: NDArray[np.uint8]
    """(H, W, 3)."""
    depth_m: NDArray[np.float32]
    """(H, W) metres along the optical axis; 0 where nothing is."""
    keypoints_m: FloatArray
    """(N, 18, 3) the humanoid's `KEYPOINTS` in the world."""
    keypoints_px: FloatArray
    """(N, 18, 2) where they are in the image; NaN behind the camera."""
    visible: NDArray[np.bool_]
    """(N, 18) in the image and not behind somebody else."""
    T_world_camera: FloatArray
    """(4, 4)."""


def film(
    motions: Sequence[BodyMotion], camera: PinholeCamera, T_world_camera: ArrayLike, *, shadow: bool = True
) -> Iterator[FilmFrame]:
    """Images of people on a floor, one for each moment.

    Args:
        motions: the people's, all at the same moments.
        camera: intrinsics.
        T_world_camera: (4, 4), or (T, 4, 4) for a camera that moves.
        shadow: draw shadows; about twice the time.

    Raises:
        InputError: without people, or where their moments differ.
    """
    if not motions or any(not np.array_equal(motion.time_s, motions[0].time_s) for motion in motions):
        raise InputError("film", expected="at least one motion, all at the same moments", got=f"{len(motions)} motions")
    T = np.asarray(T_world_camera, dtype=np.float64)
    if T.shape not in ((4, 4), (len(motions[0]), 4, 4)):
        raise InputError("film", expected=f"T_world_camera (4, 4) or ({len(motions[0])}, 4, 4)", got=f"{T.shape}")
    return _frames(motions, camera, np.broadcast_to(T, (len(motions[0]), 4, 4)), shadow)


def _frames(
    motions: Sequence[BodyMotion], camera: PinholeCamera, poses: FloatArray, shadow: bool
) -> Iterator[FilmFrame]:
    from envs.cameras import TinyRendererCamera  # here, for the cameras bring Open3D, which crowds do not need

    points = np.stack([motion.keypoints_m() for motion in motions], axis=1)
    with World() as world:
        _lay_floor(world, points)
        actors = [HumanoidActor(world, shirt=_SHIRTS[number % len(_SHIRTS)]) for number in range(len(motions))]
        renderer = TinyRendererCamera(world, camera, near_m=0.1, far_m=FAR_M, shadow=shadow, segmentation=False)
        for row, time_s in enumerate(motions[0].time_s):
            for actor, motion in zip(actors, motions, strict=True):
                actor.pose(motion.root_m[row], motion.quats_xyzw[row])
            image = renderer.render(poses[row])
            view = see_people(points[row], camera, poses[row])
            if image.rgb is None:
                raise AssertionError("TinyRenderer gives colour")
            yield FilmFrame(
                float(time_s), image.rgb, image.depth_m, points[row], view.pixels, view.visible, poses[row].copy()
            )


def _lay_floor(world: World, points_m: FloatArray) -> None:
    """Tiles of two greys, 1 m wide, under and around all that happens, so that motion over the floor can be seen."""
    low, high = points_m[..., :2].min(axis=(0, 1, 2)) - MARGIN_M, points_m[..., :2].max(axis=(0, 1, 2)) + MARGIN_M
    world.add_box(
        (*(0.5 * (high - low)), 0.02), transform(translation=(*(0.5 * (low + high)), -0.021)),
        color=(*LIGHT, 1.0), name="floor",
    )  # fmt: skip
    for column in range(int(low[0]), int(high[0])):
        for row in range(int(low[1]), int(high[1])):
            if (column + row) % 2:
                middle = (column + 0.5, row + 0.5, -0.02)
                world.add_box((0.5, 0.5, 0.02), transform(translation=middle), color=(*DARK, 1.0), name="tile")
