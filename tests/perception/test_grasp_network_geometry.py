"""The network's orientations, canonical view, input channels and poses, against geometry worked out in another way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from geometry import InputError, PinholeCamera, invert, look_at, transform, transform_points
from perception.grasping.network import CANVAS, DEPTHS_M, ORIENTATIONS, canonical_camera, resample, view_rotation
from perception.grasping.network.backbone import sample_features
from perception.grasping.network.decode import depth_at, grasp_poses, seed_points, view_rotations
from perception.grasping.network.view_channels import view_channels

MIDDLE = (0.15, 0.15)
TARGET = (0.15, 0.15, 0.06)
EYE = (0.3, -0.25, 0.4)


def rolled(T: np.ndarray, degrees: float) -> np.ndarray:
    """A camera turned about its line of sight."""
    return T @ transform(Rotation.from_euler("z", degrees, degrees=True))


# --- orientations


def test_there_are_36_approaches_by_8_angles_by_4_depths() -> None:
    assert ORIENTATIONS.shape == (36 * 8, 3, 3) and DEPTHS_M.shape == (4,) and (np.diff(DEPTHS_M) > 0.0).all()
    assert not ORIENTATIONS.flags.writeable and not DEPTHS_M.flags.writeable


def test_orientations_are_rotations() -> None:
    identity = np.broadcast_to(np.eye(3), ORIENTATIONS.shape)
    np.testing.assert_allclose(ORIENTATIONS @ ORIENTATIONS.transpose(0, 2, 1), identity, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(ORIENTATIONS), 1.0, atol=1e-12)


def test_the_angles_turn_the_hand_about_its_approach_by_equal_steps_over_half_a_turn() -> None:
    grid = ORIENTATIONS.reshape(36, 8, 3, 3)
    assert np.ptp(grid[..., 2], axis=1).max() < 1e-12
    np.testing.assert_allclose(grid[:, 0, 2, 1], 0.0, atol=1e-12)  # closes level at angle 0
    steps = grid[:, :-1].transpose(0, 1, 3, 2) @ grid[:, 1:]
    turns = Rotation.from_matrix(steps.reshape(-1, 3, 3)).as_rotvec()
    np.testing.assert_allclose(turns, np.tile([0.0, 0.0, np.pi / 8], (36 * 7, 1)), atol=1e-9)


def test_approaches_cover_the_downward_half_evenly() -> None:
    approach = ORIENTATIONS[::8, :, 2]
    assert approach[:, 2].min() < -0.95 and 0.0 <= approach[:, 2].max() < 0.08
    # equal area: as many below any height as the cap's share says
    assert abs(int((approach[:, 2] < -0.5).sum()) - 36 * 0.5 / 1.05) <= 1.0
    assert np.linalg.norm(approach[:, :2].mean(axis=0)) < 0.05
    apart = np.degrees(np.arccos(np.clip(approach @ approach.T - 2.0 * np.eye(36), -1.0, 1.0))).min(axis=1)
    assert apart.min() > 18.0 and apart.max() < 28.0
    anywhere = Rotation.random(2000, np.random.default_rng(0)).as_matrix()[:, :, 2]
    anywhere = anywhere[anywhere[:, 2] < -0.05]
    nearest = np.degrees(np.arccos(np.clip((anywhere @ approach.T).max(axis=1), -1.0, 1.0)))
    assert nearest.max() < 24.0


# --- canonical view


def test_the_virtual_camera_is_level_and_looks_at_the_workspace_with_pixels_of_2_mm() -> None:
    camera, T = canonical_camera(rolled(look_at(EYE, (0.2, 0.1, 0.0)), 30.0), MIDDLE)
    np.testing.assert_allclose(T[:3, 3], EYE)
    assert abs(T[2, 0]) < 1e-12 and T[2, 1] < 0.0  # rows level, image upright
    assert (camera.height, camera.width) == CANVAS == (208, 240)
    step = 0.002 * T[:3, 0]
    one, two = camera.project(transform_points(invert(T), np.array([TARGET, TARGET + step])))
    np.testing.assert_allclose(one, (119.5, 103.5), atol=1e-9)
    np.testing.assert_allclose(two - one, (1.0, 0.0), atol=1e-9)


@pytest.mark.parametrize("roll", [-170.0, -40.0, 90.0])
def test_the_roll_and_aim_of_the_real_camera_do_not_matter(roll: float) -> None:
    camera, T = canonical_camera(look_at(EYE, TARGET), MIDDLE)
    again, T_again = canonical_camera(rolled(look_at(EYE, (0.05, 0.3, 0.0)), roll), MIDDLE)
    assert again == camera
    np.testing.assert_array_equal(T_again, T)


def test_straight_down_the_real_image_stays_upright() -> None:
    for yaw in (0.0, 50.0, -130.0):
        R = Rotation.from_euler("z", yaw, degrees=True).as_matrix() @ np.diag([1.0, -1.0, -1.0])
        _, T = canonical_camera(transform(R, (*MIDDLE, 0.6)), MIDDLE)
        np.testing.assert_allclose(T[:3, :3], R, atol=1e-12)


def test_a_camera_at_its_target_is_refused() -> None:
    with pytest.raises(InputError, match="at least 5 cm"):
        canonical_camera(transform(translation=(0.15, 0.15, 0.08)), MIDDLE)


def test_the_view_frame_is_level_with_x_along_the_image_and_y_away() -> None:
    for eye in (EYE, (-0.2, 0.4, 0.2), (0.1501, 0.1499, 0.6)):
        _, T = canonical_camera(look_at(eye, TARGET, up=(0.3, 1.0, 0.2)), MIDDLE)
        R = view_rotation(T)
        np.testing.assert_allclose(R.T @ R, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(R[:, 2], (0.0, 0.0, 1.0), atol=1e-12)
        np.testing.assert_allclose(R[:2, 0], T[:2, 0] / np.linalg.norm(T[:2, 0]), atol=1e-9)
        if abs(T[2, 2]) < 0.98:
            assert abs(T[2, 0]) < 1e-12 and R[:, 1] @ (np.array(TARGET) - eye) > 0.0


def table_depth(camera: PinholeCamera, T: np.ndarray, height_m: float = 0.0) -> np.ndarray:
    """Depth of an endless level plane."""
    rays = camera.rays() @ T[:3, :3].T
    depth = (height_m - T[2, 3]) / rays[..., 2]
    return np.where(depth > 0.0, depth, 0.0).astype(np.float32)


@pytest.mark.parametrize(
    ("focal", "size", "roll"), [((500.0, 500.0), (480, 640), 0.0), ((420.0, 380.0), (400, 640), 25.0)]
)
def test_points_are_found_at_their_place_in_both_images(
    focal: tuple[float, float], size: tuple[int, int], roll: float
) -> None:
    real = PinholeCamera(width=size[1], height=size[0], fx=focal[0], fy=focal[1], cx=318.0, cy=205.0)
    T_real = rolled(look_at(EYE, (0.16, 0.14, 0.03)), roll)
    camera, T = canonical_camera(T_real, MIDDLE)
    depth = table_depth(real, T_real)
    dot = np.array([[0.12, 0.17, 0.0], [0.2, 0.1, 0.0]])
    pixels = np.rint(real.project(transform_points(invert(T_real), dot))).astype(int)
    for u, v in pixels:
        depth[v - 3 : v + 4, u - 3 : u + 4] = 0.0  # two holes in the table
    out = resample(depth, real, T_real, camera, T)
    expected = table_depth(camera, T)
    seen = out > 0.0
    assert seen.mean() > 0.9 and out.dtype == np.float32
    half_a_pixel = 0.5 * np.abs(np.gradient(expected)).sum(axis=0) * camera.fx / min(focal)
    assert (np.abs(out - expected) < 1.5 * half_a_pixel + 1e-5)[seen].all()
    assert abs(float(np.median((out - expected)[seen]))) < 2e-5
    for u, v in np.rint(camera.project(transform_points(invert(T), dot))).astype(int):
        assert out[v, u] == 0.0 and out[v + 12, u] > 0.0 and out[v, u + 12] > 0.0


def test_what_the_real_camera_does_not_see_is_a_hole() -> None:
    real = PinholeCamera(width=64, height=64, fx=400.0, fy=400.0, cx=31.5, cy=31.5)
    T_real = look_at(EYE, TARGET)
    camera, T = canonical_camera(T_real, MIDDLE)
    depth = table_depth(real, T_real)
    depth[:20] = np.nan
    depth[20:30] = np.inf
    out = resample(depth, real, T_real, camera, T)
    assert np.isfinite(out).all()
    rows, columns = np.nonzero(out)
    width_px = 64 * camera.fx / 400.0
    assert columns.min() == pytest.approx(119.5 - width_px / 2, abs=1.5)
    assert columns.max() == pytest.approx(119.5 + width_px / 2, abs=1.5)
    assert rows.min() == pytest.approx(103.5 - 2 * camera.fx / 400.0, abs=1.5)  # rows 30 to 63 are seen
    assert rows.max() == pytest.approx(103.5 + width_px / 2, abs=1.5)
    away = look_at(EYE, 2.0 * np.array(EYE) - TARGET)
    assert not resample(np.full((64, 64), 0.5), real, away, camera, T).any()
    with pytest.raises(InputError, match="resample: depth_m"):
        resample(np.zeros((10, 10)), real, T_real, camera, T)


# --- channels


def channels_of(height_m: float, turn: float = 0.0, raise_m: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(8, H, W) of an endless plane at a height, seen from `EYE` turned about the workspace; and its depth."""
    spin = transform(Rotation.from_euler("z", turn, degrees=True))
    eye = transform_points(spin, np.array([EYE - np.array(TARGET)]))[0] + TARGET
    camera, T = canonical_camera(look_at(eye, TARGET), MIDDLE)
    depth = table_depth(camera, T, height_m)
    T = transform(translation=(0.0, 0.0, raise_m)) @ T
    seen = view_channels(
        torch.from_numpy(depth)[None], torch.tensor([camera.fx]).float(), torch.from_numpy(T)[None].float()
    )
    return seen[0].numpy(), depth


def test_channels_of_the_table_seen_obliquely() -> None:
    seen, _ = channels_of(0.0)
    assert seen.shape == (8, *CANVAS) and seen.dtype == np.float32
    assert np.abs(seen[0]).max() < 1e-5
    inner = seen[2:5, 3:-3, 3:-3]
    np.testing.assert_allclose(inner, np.broadcast_to([[[0.0]], [[0.0]], [[1.0]]], inner.shape), atol=5e-3)
    assert (seen[5] == 1.0).all()
    np.testing.assert_allclose(seen[7], 1.0, atol=1e-4)
    steep = (np.array(TARGET) - EYE)[2] / np.linalg.norm(np.array(TARGET) - EYE)
    assert seen[6][103:105, 119:121].mean() == pytest.approx(steep, abs=1e-4)


def test_channels_of_a_plane_above_the_table() -> None:
    seen, depth = channels_of(0.02)
    np.testing.assert_allclose(seen[0], 0.2, atol=1e-5)
    np.testing.assert_allclose(seen[7], np.exp(-((0.02 / 0.008) ** 2)), atol=1e-4)
    distance = np.linalg.norm(np.array(TARGET) - EYE)
    np.testing.assert_allclose(seen[1], np.clip((depth - distance) / 0.2, -2.0, 2.0), atol=1e-5)


def test_channels_follow_the_table_not_the_camera() -> None:
    seen, _ = channels_of(0.02)
    for turn in (70.0, -150.0):
        np.testing.assert_allclose(channels_of(0.02, turn)[0], seen, atol=2e-3)
    np.testing.assert_allclose(channels_of(0.0, raise_m=0.03)[0][0], 0.3, atol=1e-5)


@pytest.mark.parametrize("normal", [(0.0, -1.0, 0.0), (0.6, -0.8, 0.0), (-0.48, -0.64, 0.6)])
def test_a_wall_has_its_normal_towards_the_camera(normal: tuple[float, float, float]) -> None:
    eye = np.array((0.15, -0.3, 0.2))
    camera, T = canonical_camera(look_at(eye, TARGET), MIDDLE)
    rays = camera.rays() @ T[:3, :3].T
    depth = ((np.array(TARGET) - eye) @ normal / (rays @ normal)).astype(np.float32)
    seen = view_channels(
        torch.from_numpy(depth)[None], torch.tensor([camera.fx]).float(), torch.from_numpy(T)[None].float()
    )[0].numpy()
    inner = seen[2:5, 4:-4, 4:-4]
    # seen along y, the view frame is turned as the table's
    np.testing.assert_allclose(inner, np.broadcast_to(np.reshape(normal, (3, 1, 1)), inner.shape), atol=5e-3)


def test_holes_are_zero_in_all_channels_but_the_steepness() -> None:
    camera, T = canonical_camera(look_at(EYE, TARGET), MIDDLE)
    depth = torch.from_numpy(table_depth(camera, T))[None]
    depth[0, 100:110, 50:60] = 0.0
    seen = view_channels(depth, torch.tensor([camera.fx]).float(), torch.from_numpy(T)[None].float())[0]
    hole = seen[:, 100:110, 50:60]
    assert not hole[[0, 1, 2, 3, 4, 5, 7]].any() and (hole[6] < 0.0).all()
    assert torch.isfinite(seen).all()


# --- decode


def camera_at(eye: tuple[float, float, float]) -> tuple[PinholeCamera, np.ndarray]:
    return canonical_camera(look_at(eye, TARGET), MIDDLE)


def test_seed_points_are_where_the_camera_sees_them() -> None:
    cameras = [camera_at(EYE), camera_at((-0.1, 0.3, 0.5))]
    points = np.random.default_rng(0).uniform((0.05, 0.05, 0.0), (0.25, 0.25, 0.1), (2, 20, 3))
    local = [transform_points(invert(T), p) for (_, T), p in zip(cameras, points, strict=True)]
    pixels = np.stack([camera.project(p)[:, ::-1] for (camera, _), p in zip(cameras, local, strict=True)])
    found = seed_points(
        torch.from_numpy(pixels),
        torch.from_numpy(np.stack(local)[..., 2]),
        torch.tensor([camera.fx for camera, _ in cameras], dtype=torch.float64),
        torch.from_numpy(np.stack([T for _, T in cameras])),
        CANVAS,
    )
    np.testing.assert_allclose(found.numpy(), points, atol=1e-9)


def test_depth_is_read_at_half_the_pixel_and_at_the_border() -> None:
    front = torch.arange(2 * 3 * 4).reshape(2, 3, 4).float()
    pixels = torch.tensor([[[0.0, 0.0], [5.0, 7.0], [2.0, 3.0]], [[3.9, 1.9], [99.0, 99.0], [4.0, 0.0]]])
    assert depth_at(front, pixels).tolist() == [[0.0, 11.0, 5.0], [16.0, 23.0, 20.0]]


def test_poses_are_composed_as_the_design_says() -> None:
    rng = np.random.default_rng(1)
    cameras = [camera_at(eye)[1] for eye in (EYE, (-0.1, 0.3, 0.5), (0.15, 0.15001, 0.7))]
    which = rng.integers(0, 3, 30)
    points, k, d = rng.uniform(0.0, 0.3, (30, 3)), rng.integers(0, 288, 30), rng.integers(0, 4, 30)
    offset = rng.uniform(-0.02, 0.02, 30)
    T = torch.from_numpy(np.stack(cameras)[which])
    for shift in (None, offset):
        found = grasp_poses(
            torch.from_numpy(points),
            T,
            torch.from_numpy(k),
            torch.from_numpy(d),
            None if shift is None else torch.from_numpy(shift),
        )
        for i in range(30):
            R = view_rotation(cameras[which[i]]) @ ORIENTATIONS[k[i]]
            along = transform(translation=(0.0, 0.0 if shift is None else shift[i], DEPTHS_M[d[i]]))
            np.testing.assert_allclose(found[i].numpy(), transform(R, points[i]) @ along, atol=1e-12)


def test_view_rotations_are_those_of_the_canonical_view() -> None:
    poses = np.stack([camera_at(eye)[1] for eye in (EYE, (-0.1, 0.3, 0.5), (0.15, 0.15001, 0.7))])
    expected = np.stack([view_rotation(T) for T in poses])
    np.testing.assert_allclose(view_rotations(torch.from_numpy(poses)).numpy(), expected, atol=1e-12)


def test_features_are_sampled_between_the_middles_of_their_pixels() -> None:
    rows, columns = torch.meshgrid(torch.arange(13.0), torch.arange(15.0), indexing="ij")
    features = torch.stack([rows, columns])[None]
    pixels = torch.tensor([[[1.5, 1.5], [5.5, 9.5], [7.5, 3.5], [0.0, 59.0]]])
    sampled = sample_features(features, pixels)[0]
    torch.testing.assert_close(sampled, torch.tensor([[0.0, 0.0], [1.0, 2.0], [1.5, 0.5], [0.0, 14.0]]))
