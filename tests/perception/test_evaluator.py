"""The evaluator's input against geometry worked out by hand, and the symmetries that it must have."""

import numpy as np
import pytest
import torch

from geometry import look_at, transform
from perception.grasping.network import canonical_camera
from perception.grasping.network.backbone import SceneMaps
from perception.grasping.network.evaluator import Evaluator, Volumes

EYE = (0.15, -0.30, 0.45)


@pytest.fixture(name="scene")
def fixture_scene() -> tuple[SceneMaps, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A bumpy canonical image of no scene in particular."""
    camera, T = canonical_camera(look_at(EYE, (0.15, 0.15, 0.05)), (0.15, 0.15))
    rng = np.random.default_rng(0)
    depth = torch.from_numpy(0.55 + 0.05 * rng.random((1, 208, 240))).float()
    front = depth[:, ::2, ::2] + 0.002
    maps = SceneMaps(front, front + 0.03, torch.zeros_like(front), torch.zeros(1, 52, 60), torch.zeros(1, 64, 52, 60))
    return maps, depth, torch.tensor([camera.fx]).float(), torch.from_numpy(T)[None].float()


def poses() -> torch.Tensor:
    """Two grasps near the middle of the workspace."""
    down = transform(np.diag([1.0, -1.0, -1.0]), (0.15, 0.15, 0.05))
    tilted = down @ transform(np.array([[1.0, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]]), (0.01, 0.02, 0.0))
    return torch.from_numpy(np.stack([down, tilted])).float()


def volumes_of(scene: tuple[SceneMaps, torch.Tensor, torch.Tensor, torch.Tensor], at: torch.Tensor) -> Volumes:
    maps, depth, focal, T = scene
    return Evaluator().volumes(at, torch.zeros(len(at), dtype=torch.int64), maps, depth, focal, T)


def test_a_hand_turned_by_half_a_turn_meets_the_mirror_of_the_mirror_image(scene) -> None:  # type: ignore[no-untyped-def]
    both = torch.ones(2, dtype=torch.bool)
    turned = poses() @ torch.diag(torch.tensor([-1.0, -1.0, 1.0, 1.0]))
    expected = volumes_of(scene, poses()).mirrored(both, both)
    got = volumes_of(scene, turned)
    # a point on the border of two pixels may fall to either
    assert (got.fine - expected.fine).abs().gt(1e-4).float().mean() < 1e-3
    assert (got.palm - expected.palm).abs().gt(1e-4).float().mean() < 1e-3
    torch.testing.assert_close(got.scalars, expected.scalars)


def test_mirroring_twice_is_nothing(scene) -> None:  # type: ignore[no-untyped-def]
    volumes = volumes_of(scene, poses())
    y, x = torch.tensor([True, False]), torch.tensor([True, True])
    for one, two in zip(volumes, volumes.mirrored(y, x).mirrored(y, x), strict=True):
        assert torch.equal(one, two)


def test_heights_above_the_table_are_those_of_the_grid_points(scene) -> None:  # type: ignore[no-untyped-def]
    heights = volumes_of(scene, poses()).fine[0].unflatten(0, (12, 4))[:, 3]  # z, y, x of the first, downward grasp
    z = torch.linspace(-0.066, 0.022, 12)
    expected = ((0.05 - z) / 0.02).clamp(-1.0, 1.0)
    torch.testing.assert_close(heights, expected[:, None, None].expand_as(heights), atol=1e-5, rtol=0.0)


def test_distances_to_a_level_surface_seen_from_above_are_depth_differences() -> None:
    camera, T = canonical_camera(look_at((0.15, 0.15, 0.66), (0.15, 0.15, 0.0), (0, 1, 0)), (0.15, 0.15))
    depth = torch.full((1, 208, 240), 0.6)  # a surface 6 cm above the table
    front = torch.full((1, 104, 120), 0.61)
    maps = SceneMaps(front, front + 0.02, front, torch.zeros(1, 52, 60), torch.zeros(1, 64, 52, 60))
    scene = (maps, depth, torch.tensor([camera.fx]).float(), torch.from_numpy(T)[None].float())
    fields = volumes_of(scene, poses()[:1]).fine[0].unflatten(0, (12, 4))
    below_eye = 0.66 - (0.05 - torch.linspace(-0.066, 0.022, 12))
    for number, surface in enumerate((0.60, 0.61, 0.63)):
        expected = ((surface - below_eye) / 0.02).clamp(-1.0, 1.0)
        torch.testing.assert_close(fields[:, number], expected[:, None, None].expand(12, 22, 8), atol=1e-3, rtol=0.0)
