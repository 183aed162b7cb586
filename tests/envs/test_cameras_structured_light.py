"""The structured-light model: steps of disparity, noise that grows with z^2, and where depth is lost."""

from dataclasses import replace

import numpy as np
import pytest

from envs.cameras import Frame, RaycastCamera, StructuredLight
from envs.world import World
from geometry import InputError, PinholeCamera, look_at, transform

CAMERA = PinholeCamera(width=160, height=120, fx=400.0, fy=400.0, cx=80.0, cy=60.0)
CLEAN = StructuredLight(
    subpixel_step_px=0.0,
    noise_px=0.0,
    depth_step_m=0.0,
    ragged_px=0.0,
    edge_dropout=0.0,
    shadow=False,
    grazing_rad=2.0,
    speckle=0.0,
)
"""A camera without any fault."""


def wall(depth_m, angle_rad=0.0, camera=CAMERA):
    """Frame of a plane across the optical axis, turned about the image's y axis."""
    normal = np.array([np.sin(angle_rad), 0.0, -np.cos(angle_rad)])
    depth = depth_m * normal[2] / (camera.rays() @ normal)
    depth = np.where(depth > 0.0, depth, 0.0).astype(np.float32)
    normals = np.broadcast_to(normal, (*depth.shape, 3)).astype(np.float32)
    return Frame(depth, np.zeros(depth.shape, np.int32), normals, None, camera, np.eye(4))


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_camera_without_faults_gives_the_exact_depth():
    frame = wall(0.8, 0.4)
    np.testing.assert_allclose(CLEAN.apply(frame, rng()), frame.depth_m, rtol=1e-6)


def test_depth_comes_in_steps_of_disparity():
    frame = wall(1.0, 0.6)
    depth = replace(CLEAN, subpixel_step_px=1.0 / 8.0).apply(frame, rng())
    disparity = 400.0 * 0.05 / depth.astype(np.float64)
    np.testing.assert_allclose(disparity * 8.0, np.round(disparity * 8.0), atol=1e-4)
    assert len(np.unique(depth)) > 10
    # A step at 1 m is z^2 / (f b) / 8 = 6.25 mm.
    assert np.abs(depth - frame.depth_m)[:, 80].max() <= 0.5 * 0.00625 + 1e-6


def test_depth_comes_in_millimetres():
    depth = replace(CLEAN, depth_step_m=0.001).apply(wall(0.8, 0.4), rng()).astype(np.float64)
    np.testing.assert_allclose(depth * 1e3, np.round(depth * 1e3), atol=1e-4)


@pytest.mark.parametrize("grain_px", [0.0, 2.0])
def test_noise_grows_with_the_square_of_the_distance(grain_px):
    camera = replace(CLEAN, noise_px=0.05, noise_grain_px=grain_px)
    spread = [np.mean([(camera.apply(wall(z), rng(s)) - z).std() for s in range(8)]) for z in (0.5, 1.0)]
    # sigma_z = z^2 / (f b) sigma_d
    assert spread[1] == pytest.approx(1.0 / 20.0 * 0.05, rel=0.05)
    assert spread[1] / spread[0] == pytest.approx(4.0, rel=0.02)


def test_grazing_surfaces_are_lost():
    camera = replace(CLEAN, grazing_rad=1.2)
    narrow = PinholeCamera(width=160, height=120, fx=4000.0, fy=4000.0, cx=80.0, cy=60.0)
    camera = replace(camera, max_disparity_px=1e4)
    share = [(camera.apply(wall(0.8, angle, narrow), rng()) == 0.0).mean() for angle in (1.0, 1.2, 1.4)]
    assert share[0] == 0.0 and share[2] == 1.0
    assert 0.3 < share[1] < 0.7


def test_dark_and_transparent_bodies_are_lost_in_proportion():
    frame = wall(0.8)
    frame.segmentation[:, 80:] = 3
    camera = replace(CLEAN, dark_reflectance=0.1)

    def lost(reflectance):
        depth = camera.apply(frame, rng(), reflectance={3: reflectance})
        assert (depth[:, :80] > 0.0).all()
        return (depth[:, 80:] == 0.0).mean()

    assert lost(0.0) == 1.0 and lost(0.1) == 0.0 and lost(0.5) == 0.0
    assert 0.4 < lost(0.05) < 0.6


def test_the_projectors_shadow_is_as_wide_as_the_jump_of_disparity():
    frame = wall(1.0)
    frame.depth_m[40:80, 60:100] = 0.5  # disparity 40 against 20: 20 pixels of the wall are hidden, to the left
    depth = replace(CLEAN, shadow=True).apply(frame, rng())
    expected = np.zeros((120, 160), bool)
    expected[40:80, 40:60] = True
    np.testing.assert_array_equal(depth == 0.0, expected)


def test_outlines_are_lost_and_frayed_and_flat_surfaces_are_not():
    frame = wall(1.0)
    frame.depth_m[40:80, 60:100] = 0.8
    lost = replace(CLEAN, edge_dropout=1.0, edge_width_px=5).apply(frame, rng()) == 0.0
    v, u = np.mgrid[:120, :160]
    outline = np.minimum(np.abs(u - 59.5), np.abs(u - 99.5)) * ((v >= 40) & (v < 80)) + 99 * ((v < 40) | (v >= 80))
    assert lost[outline < 3].all()
    assert not lost[:, :50].any() and not lost[50:70, 70:90].any()
    frayed = replace(CLEAN, ragged_px=1.5).apply(frame, rng())
    changed = ~np.isclose(frayed, frame.depth_m)
    assert changed.sum() > 50 and not changed[50:70, 70:90].any() and not changed[:30].any()


def test_too_near_is_lost():
    camera = replace(CLEAN, max_disparity_px=100.0)  # nearer than 0.2 m
    assert not camera.apply(wall(0.19), rng()).any()
    assert (camera.apply(wall(0.21), rng()) > 0.0).all()


def test_speckle_takes_its_share():
    big = PinholeCamera(width=640, height=480, fx=400.0, fy=400.0, cx=320.0, cy=240.0)
    depth = replace(CLEAN, speckle=0.02).apply(wall(0.8, camera=big), rng())
    assert (depth == 0.0).mean() == pytest.approx(0.02, rel=0.3)


def test_a_table_looks_like_a_real_sensors_depth():
    """Defaults: holes around objects but not all over, and errors of a millimetre at 0.6 m."""
    camera = PinholeCamera(width=640, height=480, fx=615.0, fy=615.0, cx=320.0, cy=240.0)
    with World() as world:
        world.add_box((1.0, 1.0, 0.05), transform(translation=(0, 0, -0.05)))
        for x in (-0.1, 0.1):
            world.add_box((0.03, 0.03, 0.05), transform(translation=(x, 0, 0.05)))
        frame = RaycastCamera(world, camera).render(look_at((0.0, -0.3, 0.5), (0, 0, 0)))
    given = frame.depth_m.copy()
    depth = StructuredLight().apply(frame, rng())
    np.testing.assert_array_equal(frame.depth_m, given)
    assert depth.dtype == np.float32 and depth.shape == (480, 640)
    holes = (depth == 0.0) & (given > 0.0)
    assert 0.01 < holes.mean() < 0.2
    errors = np.abs(depth - given)[depth > 0.0]
    assert 0.0002 < np.median(errors) < 0.001
    np.testing.assert_array_equal(depth, StructuredLight().apply(frame, rng()))
    assert (depth != StructuredLight().apply(frame, rng(1))).any()


def test_an_empty_image_stays_empty():
    frame = wall(0.8)
    empty = replace(frame, depth_m=np.zeros_like(frame.depth_m))
    assert not StructuredLight().apply(empty, rng()).any()


def test_wrong_settings_and_a_frame_without_normals_are_refused():
    with pytest.raises(InputError, match="baseline_m"):
        StructuredLight(baseline_m=0.0)
    with pytest.raises(InputError, match="noise_px"):
        StructuredLight(noise_px=-1.0)
    with pytest.raises(InputError, match="edge_dropout"):
        StructuredLight(edge_dropout=1.5)
    with pytest.raises(InputError, match="normals"):
        StructuredLight().apply(replace(wall(1.0), normals_camera=None), rng())
