import numpy as np
import pytest

from envs.panda import HOME_Q, PANDA_LIMITS, JointLimits, PandaArm
from envs.world import World
from geometry import PANDA_HAND, InputError, invert, transform


@pytest.fixture
def world():
    with World() as world:
        yield world


def ray_hit_grasp(arm: PandaArm, start, end) -> tuple[int, np.ndarray]:
    """Link and hit point of a ray, both ends and the result in the grasp frame."""
    T = arm.T_world_grasp
    a, b = ((T @ [*point, 1.0])[:3] for point in (start, end))
    hit = arm.world.bullet.rayTest(a, b)[0]
    return hit[1], (invert(T) @ [*hit[3], 1.0])[:3]


def held_cube(world: World, arm: PandaArm, offset_y_m: float = 0.0, half_m: float = 0.02):
    """A cube between the fingers, on a plate that is taken away when they have closed."""
    T = arm.T_world_grasp
    plate = world.add_box((half_m, half_m, 0.005), T @ transform(translation=(0.0, 0.0, half_m + 0.005)))
    cube = world.add_box((half_m,) * 3, T @ transform(translation=(0.0, offset_y_m, 0.0)), mass_kg=0.1)
    arm.gripper.close()
    arm.gripper.settle()
    world.remove(plate)
    return cube


def test_the_arm_holds_its_posture(world):
    arm = PandaArm(world)
    world.step(480)
    assert np.abs(arm.q - HOME_Q).max() < 1e-4
    assert np.abs(arm.dq).max() < 1e-3


def test_the_grasp_frame_lies_between_the_fingertips(world):
    """Rays against the simulated fingers find their tips and inner faces; +y is the left finger."""
    arm = PandaArm(world, transform(translation=(0.2, 0.1, 0.3)))
    inner = {}
    for side in (-1.0, 1.0):
        link, point = ray_hit_grasp(arm, (0.0, 0.0, -0.005), (0.0, 0.1 * side, -0.005))
        assert link == (9 if side > 0 else 10)
        inner[side] = point[1]
        depths = [
            ray_hit_grasp(arm, (0.0, side * y, 0.05), (0.0, side * y, -0.1))[1][2] for y in np.arange(0.040, 0.05, 1e-3)
        ]
        assert max(depths) == pytest.approx(0.0, abs=1.5e-3)
    assert inner[1.0] == pytest.approx(-inner[-1.0], abs=1e-4)
    assert inner[1.0] - inner[-1.0] == pytest.approx(PANDA_HAND.max_width_m, abs=3e-3)


def test_fingers_move_at_the_speed_of_the_hand(world):
    arm = PandaArm(world)
    arm.gripper.close()
    world.step(60)
    assert arm.gripper.width_m == pytest.approx(0.08 - 2 * 0.05 * 0.25, abs=3e-3)
    arm.gripper.settle()
    assert arm.gripper.width_m == pytest.approx(0.0, abs=1e-4)
    assert not arm.gripper.hold().holds()
    arm.gripper.open(0.06)
    arm.gripper.settle()
    assert arm.gripper.width_m == pytest.approx(0.06, abs=1e-4)


def test_a_cube_is_held_and_felt_on_both_fingers(world):
    arm = PandaArm(world)
    cube = held_cube(world, arm)
    before = cube.pose()
    world.step(480)
    hold = arm.gripper.hold()
    assert hold.holds() and hold.bodies == (cube.uid,)
    assert hold.width_m == pytest.approx(0.04, abs=3e-3)
    assert hold.left_force_n == pytest.approx(40.0, rel=0.15) and hold.right_force_n == pytest.approx(40.0, rel=0.15)
    assert np.linalg.norm(cube.pose()[:3, 3] - before[:3, 3]) < 1e-3
    arm.gripper.open()
    arm.gripper.settle()
    world.step(120)
    assert not arm.gripper.hold().holds() and cube.pose()[2, 3] < before[2, 3] - 0.05


def test_the_fingers_centre_what_they_close_on(world):
    arm = PandaArm(world)
    cube = held_cube(world, arm, offset_y_m=0.012)
    left, right = (s[0] for s in world.bullet.getJointStates(arm.body.uid, (9, 10)))
    assert abs(left - right) < 1e-3
    assert abs((invert(arm.T_world_grasp) @ cube.pose())[1, 3]) < 1.5e-3


def test_contacts_name_what_the_arm_touches(world):
    arm = PandaArm(world)
    world.step()
    assert arm.contacts() == []
    box = world.add_box((0.03, 0.03, 0.03), arm.T_world_hand)
    world.step()
    assert {c.body_b for c in arm.contacts()} == {box.uid}


def test_two_arms_in_two_worlds_do_not_mix(world):
    arm = PandaArm(world)
    with World() as other:
        twin = PandaArm(other)
        twin.set_q(HOME_Q + 0.1)
        other.step(10)
    assert np.abs(arm.q - HOME_Q).max() < 1e-12


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda arm: arm.set_q(np.zeros(6)), "7 finite joint positions"),
        (lambda arm: arm.set_q([np.nan] * 7), "7 finite joint positions"),
        (lambda arm: arm.set_q(np.zeros(7)), "within PANDA_LIMITS"),
        (lambda arm: arm.gripper.open(0.09), "width_m <= 0.08"),
        (lambda arm: arm.gripper.close(force_n=0.0), "force_n > 0"),
    ],
)
def test_bad_commands_are_refused(world, act, message):
    with pytest.raises(InputError, match=message):
        act(PandaArm(world))


def test_limits_are_the_published_ones():
    """Franka Control Interface documentation, "Limits for Panda"."""
    assert PANDA_LIMITS.upper_rad == (2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973)
    assert PANDA_LIMITS.lower_rad == (-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973)
    assert PANDA_LIMITS.velocity == (2.175,) * 4 + (2.61,) * 3
    assert PANDA_LIMITS.acceleration == (15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0)
    assert PANDA_LIMITS.jerk == (7500.0, 3750.0, 5000.0, 6250.0, 7500.0, 10000.0, 10000.0)
    half = PANDA_LIMITS.scaled(velocity=0.5)
    assert half.velocity[0] == 1.0875 and half.jerk == PANDA_LIMITS.jerk


def test_bad_limits_are_refused():
    rates = dict.fromkeys(("velocity", "acceleration", "jerk", "torque_nm"), (1.0,))
    with pytest.raises(InputError, match="as many numbers"):
        JointLimits(lower_rad=(0.0,), upper_rad=(1.0, 2.0), **rates)
    with pytest.raises(InputError, match="lower < upper"):
        JointLimits(lower_rad=(1.0,), upper_rad=(0.0,), **rates)
