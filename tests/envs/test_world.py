"""The owner of Bullet: separate clients, link frames, steps, contacts, and files that cannot be loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from envs.world import World
from geometry import InputError, transform

OFFSET_URDF = """<robot name="offset"><link name="base">
  <inertial><origin xyz="0.1 -0.2 0.3" rpy="0.4 0.5 0.6"/><mass value="2"/>
    <inertia ixx="0.1" iyy="0.2" izz="0.3" ixy="0" ixz="0" iyz="0"/></inertial>
  <collision><geometry><box size="0.1 0.1 0.1"/></geometry></collision>
</link></robot>"""
MESH_URDF = """<robot name="meshed"><link name="base"><inertial><mass value="1"/></inertial>
  <collision><geometry><mesh filename="missing.obj"/></geometry></collision></link></robot>"""


@pytest.fixture
def world():
    with World() as world:
        yield world


def cube(world: World, z_m: float, mass_kg: float = 0.5):
    return world.add_box((0.05, 0.05, 0.05), transform(translation=(0, 0, z_m)), mass_kg=mass_kg)


def test_two_worlds_do_not_mix(world: World) -> None:
    """The same body ids in both; what happens in one leaves the other where it was, bit for bit."""
    with World(timestep_s=1.0 / 80.0) as other:
        here, there = cube(world, 1.0), cube(other, 2.0)
        assert here.uid == there.uid
        other.step(20)
        assert np.array_equal(here.pose(), transform(translation=(0, 0, 1.0)))
        assert world.steps == 0 and other.time_s == pytest.approx(0.25)
        world.step()
        other.remove(there)
        assert here.pose()[2, 3] == pytest.approx(1.0 - 9.81 / 240**2, abs=1e-12)
        assert not other.bodies and list(world.bodies) == [here.uid]


def test_closing_twice_leaves_a_later_world_alone() -> None:
    """Bullet gives the freed id to the next client; a second close must not free that one."""
    first = World()
    first.close()
    with World() as second:
        body = cube(second, 1.0)
        first.close()
        del first
        second.step()
        assert second.bullet.isConnected() and body.pose()[2, 3] < 1.0


def test_a_pose_is_that_of_the_link_not_of_the_centre_of_mass(world: World, tmp_path: Path) -> None:
    path = tmp_path / "offset.urdf"
    path.write_text(OFFSET_URDF)
    T = transform(Rotation.from_euler("xyz", (0.3, -0.7, 1.1)), (0.5, 0.6, 0.7))
    for scale in (1.0, 0.5):
        body = world.load_urdf(path, T, scale=scale)
        np.testing.assert_allclose(body.pose(), T, atol=1e-9)
        body.set_pose(np.eye(4))
        np.testing.assert_allclose(body.pose(), np.eye(4), atol=1e-9)
        center, quat_xyzw = world.bullet.getBasePositionAndOrientation(body.uid)
        np.testing.assert_allclose(center, scale * np.array((0.1, -0.2, 0.3)), atol=1e-9)
        expected = Rotation.from_euler("xyz", (0.4, 0.5, 0.6))
        assert (Rotation.from_quat(quat_xyzw).inv() * expected).magnitude() < 1e-6


def test_setting_a_pose_stops_the_body(world: World) -> None:
    body = cube(world, 1.0)
    world.step(24)
    assert body.speed() == pytest.approx(0.981, rel=0.01)
    body.set_pose(transform(translation=(0, 0, 3.0)))
    assert body.speed() == 0.0
    world.bullet.resetBaseVelocity(body.uid, (0.3, 0, 0.4), (0, 0.7, 0))
    assert body.speed() == pytest.approx(0.7)


def test_free_fall_is_semi_implicit_euler(world: World) -> None:
    body = cube(world, 5.0)
    world.bullet.changeDynamics(body.uid, -1, linearDamping=0.0)
    world.step(100)
    assert 5.0 - body.pose()[2, 3] == pytest.approx(9.81 / 240**2 * 100 * 101 / 2, rel=1e-9)


def test_on_step_is_called_after_each_step(world: World) -> None:
    body, heights = cube(world, 1.0), []
    world.on_step = lambda: heights.append(body.pose()[2, 3])
    world.step(3)
    world.step()
    assert len(heights) == world.steps == 4
    assert heights[-1] == body.pose()[2, 3] and np.all(np.diff(heights) < 0.0)
    world.on_step = None
    world.step()
    assert len(heights) == 4 and world.time_s == pytest.approx(5 / 240)


def test_a_resting_cube_presses_with_its_weight(world: World) -> None:
    floor = cube(world, -0.05, mass_kg=0.0)
    body = cube(world, 0.0501)
    world.step(240)
    pressing = world.contacts(body)
    assert {c.body_a for c in pressing} == {body.uid} and {c.body_b for c in pressing} == {floor.uid}
    assert sum(c.normal_force_n for c in pressing) == pytest.approx(0.5 * 9.81, rel=0.02)
    assert all(c.normal_on_b == pytest.approx((0, 0, 1), abs=1e-3) for c in pressing)
    far = cube(world, 1.0)
    assert world.contacts(body, floor) and not world.contacts(body, far)
    assert {b.uid for b in world.moving()} == {body.uid, far.uid}


def test_contacts_now_takes_no_time(world: World) -> None:
    cube(world, -0.05, mass_kg=0.0)
    body = cube(world, 0.045)
    before = body.pose()
    assert world.contacts(body) == []
    assert min(c.distance_m for c in world.contacts_now(body)) == pytest.approx(-0.005, abs=1e-4)
    assert world.steps == 0 and np.array_equal(body.pose(), before)
    body.set_pose(transform(translation=(0, 0, 1.0)))
    assert world.contacts_now(body) == []


def test_urdfs_that_cannot_be_loaded(world: World, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file at"):
        world.load_urdf(tmp_path / "none.urdf")
    with pytest.raises(InputError, match="no file at"):
        world.load_urdf(tmp_path)
    for name, text in (("mesh", MESH_URDF), ("broken", "<robot name='x'><link"), ("empty", "")):
        path = tmp_path / f"{name}.urdf"
        path.write_text(text)
        with pytest.raises(InputError, match=f"Bullet can read in .*{name}.urdf"):
            world.load_urdf(path)
    assert not world.bodies and world.bullet.getNumBodies() == 0


@pytest.mark.parametrize("timestep_s", [0.0, -0.01, 0.2, float("nan")])
def test_bad_time_steps_are_refused(timestep_s: float) -> None:
    with pytest.raises(InputError, match="timestep_s"):
        World(timestep_s=timestep_s)
