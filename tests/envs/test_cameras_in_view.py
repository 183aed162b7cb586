"""Leaving out what a camera cannot see changes nothing in its images."""

from __future__ import annotations

import numpy as np
import pytest

from envs.cameras import RaycastCamera, parts_in_view, visual_parts
from envs.panda import HOME_Q, PandaArm
from envs.world import World
from geometry import PinholeCamera, look_at, transform

CAMERA = PinholeCamera(width=160, height=120, fx=150.0, fy=150.0, cx=80.0, cy=60.0)


@pytest.mark.parametrize("seed", range(6))
def test_images_are_the_same_from_anywhere(seed: int) -> None:
    rng = np.random.default_rng(seed)
    with World() as world:
        world.add_box((0.8, 0.8, 0.05), transform(translation=(0.0, 0.0, -0.05)))
        PandaArm(world, q=np.array(HOME_Q) + rng.uniform(-0.3, 0.3, 7))
        for place in rng.uniform(-0.6, 0.6, (12, 3)) + (0.0, 0.0, 0.6):
            world.add_box(rng.uniform(0.01, 0.1, 3), transform(translation=place))
        T_world_camera = look_at(rng.uniform(-1.0, 1.0, 3) + (0.0, 0.0, 0.8), rng.uniform(-0.3, 0.3, 3))
        camera, parts = RaycastCamera(world, CAMERA), visual_parts(world)
        kept = parts_in_view(parts, T_world_camera, CAMERA)
        assert 0 < len(kept) < len(parts)
        np.testing.assert_allclose(
            camera.render_parts(kept, T_world_camera).depth_m, camera.render(T_world_camera).depth_m, atol=1e-6
        )


@pytest.mark.parametrize(
    ("place", "seen"),
    [
        ((0.0, 0.0, 1.0), True),
        ((0.0, 0.0, -1.0), False),
        ((0.0, 0.0, 0.02), False),
        ((0.56, 0.0, 1.0), True),
        ((0.66, 0.0, 1.0), False),
        ((-0.66, 0.0, 1.0), False),
        ((0.0, 0.43, 1.0), True),
        ((0.0, 0.53, 1.0), False),
        ((0.0, -0.53, 1.0), False),
    ],
)
def test_a_box_of_ten_centimetres_beside_the_view(place: tuple[float, float, float], seen: bool) -> None:
    # half the image's width is 80 / 150 of the distance, half its height 60 / 150
    with World() as world:
        world.add_box((0.05, 0.05, 0.05), transform(translation=place))
        assert bool(parts_in_view(visual_parts(world), np.eye(4), CAMERA)) is seen
