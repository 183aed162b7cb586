"""Ray casting and TinyRenderer see the same world."""

from pathlib import Path

import numpy as np
import pybullet_data
import pytest

from envs.cameras import RaycastCamera, TinyRendererCamera
from envs.objects import load_objects
from envs.world import World
from geometry import InputError, PinholeCamera, look_at, transform

DATA = Path(pybullet_data.getDataPath())
CENTRED = PinholeCamera(width=320, height=240, fx=270.0, fy=270.0, cx=160.0, cy=120.0)
ODD = PinholeCamera(width=333, height=201, fx=310.0, fy=260.0, cx=101.3, cy=140.7)


def both(world, camera, eye=(0.6, 0.3, 0.6), **options):
    T = look_at(eye, (0.0, 0.0, 0.05))
    return (
        RaycastCamera(world, camera, **options).render(T),
        TinyRendererCamera(world, camera, shadow=False, **options).render(T),
    )


def assert_agree(raycast, tiny, *, differ=0.002):
    seen = (raycast.depth_m > 0.0) & (tiny.depth_m > 0.0)
    assert seen.any()
    assert (raycast.segmentation != tiny.segmentation).mean() <= differ
    errors = np.abs(raycast.depth_m - tiny.depth_m)[seen]
    assert np.median(errors) < 1e-5 and np.percentile(errors, 99) < 1e-3


@pytest.mark.parametrize("camera", [CENTRED, ODD], ids=["centred", "odd"])
def test_eight_objects_on_a_table_agree(camera):
    with World() as world:
        world.add_box((0.5, 0.5, 0.02), transform(translation=(0, 0, -0.02)))
        for index, model in enumerate(load_objects("random_urdfs", limit=8)):
            model.load(world, transform(translation=(index % 4 * 0.12 - 0.18, index // 4 * 0.16 - 0.08, 0.06)))
        world.step(60)
        assert_agree(*both(world, camera))


@pytest.mark.parametrize("urdf, scale", [("duck_vhacd.urdf", 1.0), ("table/table.urdf", 0.3), ("plane.urdf", 1.0)])
def test_meshes_with_scales_offsets_and_several_shapes_agree(urdf, scale):
    with World() as world:
        world.load_urdf(DATA / urdf, np.eye(4), scale=scale)
        raycast, tiny = both(world, CENTRED, far_m=4.0)
        assert_agree(raycast, tiny)


def test_a_posed_robot_arm_agrees():
    with World() as world:
        arm = world.load_urdf(DATA / "franka_panda/panda.urdf", np.eye(4), fixed=True, scale=0.5)
        for joint, angle in enumerate([0.3, -0.5, 0.4, -2.0, 0.2, 1.7, 0.3]):
            world.bullet.resetJointState(arm.uid, joint, angle)
        assert_agree(*both(world, CENTRED))


def test_an_inertial_frame_off_the_link_frame_changes_neither():
    with World() as world:
        shape = world.bullet.createVisualShape(
            world.bullet.GEOM_BOX, halfExtents=(0.1, 0.05, 0.02), visualFramePosition=(0, 0.1, 0)
        )
        world.bullet.createMultiBody(
            1.0,
            -1,
            shape,
            (0.05, 0.0, 0.1),
            (0.2, 0.3, 0.1, 0.9273618),
            baseInertialFramePosition=(0.1, 0.05, 0.02),
            baseInertialFrameOrientation=(0, 0, 0.6, 0.8),
        )
        assert_agree(*both(world, ODD))


def test_tiny_renderer_alone_knows_the_depth_of_a_plane_and_leaves_the_sky_empty():
    with World() as world:
        world.add_box((0.3, 5.0, 0.05), transform(translation=(0, 0, -0.05)), color=(0.1, 0.8, 0.1, 1.0))
        down = look_at((0.0, 0.0, 1.0), (0.0, 0.0, 0.0), up=(0.0, 1.0, 0.0))
        frame = TinyRendererCamera(world, ODD).render(down)
        # 0.3 m is 93 pixels at 1 m, to both sides of column 101.3.
        u = np.arange(333)
        inside, outside = np.abs(u - 101.3) < 92, np.abs(u - 101.3) > 94
        np.testing.assert_allclose(frame.depth_m[:, inside], 1.0, atol=1e-4)
        assert not frame.depth_m[:, outside].any() and (frame.segmentation[:, outside] == -1).all()
        green = frame.rgb[100, 100].astype(int)
        assert green[1] > green[0] + 50
        plain = TinyRendererCamera(world, ODD, segmentation=False).render(down)
        np.testing.assert_array_equal(plain.depth_m, frame.depth_m)
        assert (plain.segmentation == -1).all()


def test_tiny_renderer_refuses_wrong_limits():
    with World() as world, pytest.raises(InputError, match="TinyRendererCamera"):
        TinyRendererCamera(world, CENTRED, near_m=-1.0)


@pytest.mark.slow
def test_bench_render_measures_both_and_finds_them_to_agree(tmp_path):
    from rich.console import Console

    from graspmimic.bench_render import BenchRender

    results = BenchRender(output=tmp_path, frames=15).run(Console(quiet=True))
    assert results["ratio"] > 0.0 and results["tinyrenderer_ms_p50"] > 0.0  # how fast is for benchmarks to say
    assert results["depth_error_mm_p50"] < 1.5 and results["depth_error_objects_mm_p50"] < 1.5
    assert (tmp_path / "agreement.png").stat().st_size > 10_000
