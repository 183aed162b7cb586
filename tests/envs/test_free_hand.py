"""The free-flying hand: where its grasp frame is, how it moves, and how hard it closes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from envs.free_hand import FreeHand, HandDynamics
from envs.world import World
from geometry import PANDA_HAND, invert, rotation_angle, transform

DOWN = np.diag([1.0, -1.0, -1.0])
AIM = transform(DOWN, (0.15, 0.15, 0.30))
TILTED = transform(Rotation.from_matrix(DOWN) * Rotation.from_euler("xyz", (0.5, -0.4, 0.9)), (0.1, 0.2, 0.3))


@pytest.fixture
def world():
    with World(solver_iterations=150) as world:
        yield world


def ray_hit(hand: FreeHand, start, end) -> tuple[int, np.ndarray]:
    """Link that a ray hits and where, both ends and the result in the grasp frame."""
    T = hand.pose()
    hit = hand.world.bullet.rayTest((T @ [*start, 1.0])[:3], (T @ [*end, 1.0])[:3])[0]
    assert hit[0] == hand.body.uid
    return hit[1], (invert(T) @ [*hit[3], 1.0])[:3]


@pytest.mark.parametrize("T", [AIM, TILTED])
def test_it_appears_at_its_grasp_frame_fully_open_and_stays(world: World, T: np.ndarray) -> None:
    hand = FreeHand(world, T)
    np.testing.assert_allclose(hand.pose(), T, atol=1e-9)
    assert hand.width_m == pytest.approx(0.08) and not hand.in_contact()
    world.step(240)
    np.testing.assert_allclose(hand.pose(), T, atol=1e-4)
    assert hand.width_m == pytest.approx(0.08, abs=1e-4)


def test_rays_find_tips_and_inner_faces_where_the_gripper_spec_has_them(world: World) -> None:
    hand = FreeHand(world, TILTED)
    inner = {}
    for side, link in ((1.0, 0), (-1.0, 1)):
        hit, point = ray_hit(hand, (0, 0, -0.005), (0, 0.1 * side, -0.005))
        assert hit == link
        inner[side] = point[1]
        tips = [ray_hit(hand, (0, side * y, 0.05), (0, side * y, -0.1))[1][2] for y in np.arange(0.040, 0.05, 1e-3)]
        assert max(tips) == pytest.approx(0.0, abs=1.5e-3)
    assert inner[1.0] == pytest.approx(-inner[-1.0], abs=1e-4)
    assert inner[1.0] - inner[-1.0] == pytest.approx(PANDA_HAND.max_width_m, abs=3e-3)
    palm = ray_hit(hand, (0, 0, 0.05), (0, 0, -0.1))
    assert palm[0] == -1 and palm[1][2] == pytest.approx(-PANDA_HAND.finger_depth_m, abs=2e-3)


def test_it_closes_on_the_plate_at_the_grasp_frame(world: World) -> None:
    """A thin plate in the plane of the closing direction: both fingers press on its faces, about the origin."""
    hand = FreeHand(world, AIM)
    half = 0.003
    plate = world.add_box((0.03, half, 0.03), AIM)
    hand.close_fingers()
    points = world.contacts(plate, hand.body)
    local = np.array([(invert(AIM) @ [*p.position_world, 1.0])[:3] for p in points])
    assert {p.link_b for p in points} == {0, 1}
    assert np.abs(np.abs(local[:, 1]) - half).max() < 1.5e-3
    assert np.all(np.abs(local[:, 0]) <= 0.5 * PANDA_HAND.finger_breadth_m + 1e-3)
    assert np.all((local[:, 2] > -PANDA_HAND.tip_depth_m) & (local[:, 2] < 2e-3))
    assert hand.width_m == pytest.approx(2 * half, abs=1.5e-3)


@pytest.mark.parametrize("half_m", [0.002, 0.01, 0.03])
def test_each_finger_presses_with_twenty_newtons(world: World, half_m: float) -> None:
    hand = FreeHand(world, AIM)
    box = world.add_box((0.02, half_m, 0.02), AIM)
    hand.close_fingers()
    force = {link: 0.0 for link in (0, 1)}
    for contact in world.contacts(hand.body, box):
        force[contact.link_a] += contact.normal_force_n
    assert sum(force.values()) == pytest.approx(40.0, rel=0.05)
    assert min(force.values()) > 14.0
    assert hand.width_m == pytest.approx(2 * half_m, abs=1.5e-3)


def test_it_closes_to_nothing_in_half_a_second(world: World) -> None:
    hand = FreeHand(world, AIM)
    hand.close_fingers()
    assert world.steps == 120 and hand.width_m == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("direction", [(0, 0, -1), (1, 0, 0), (0.6, -0.48, 0.64)])
def test_it_follows_a_straight_line(world: World, direction: tuple[float, float, float]) -> None:
    """Off the line by less than 1 mm, behind on it by less than 5 mm, without turning, at 0.12 m/s."""
    hand = FreeHand(world, TILTED)
    goal = TILTED.copy()
    goal[:3, 3] += 0.1 * np.array(direction)
    seen: list[np.ndarray] = []
    world.on_step = lambda: seen.append(hand.pose())
    assert hand.move_to(goal, stop_on_contact=True)
    offset = np.array([T[:3, 3] for T in seen]) - TILTED[:3, 3]
    along = offset @ np.array(direction, float)
    assert np.linalg.norm(offset - along[:, None] * np.array(direction), axis=1).max() < 1e-3
    assert rotation_angle(np.array(seen)[:, :3, :3], TILTED[:3, :3]).max() < 0.01
    assert np.all(np.diff(along) > -1e-6)
    assert len(seen) in (4 * 49, 4 * 50)
    assert 0.095 < along[-1] < 0.101
    world.step(60)
    np.testing.assert_allclose(hand.pose()[:3, 3], goal[:3, 3], atol=5e-4)


def test_it_stops_at_a_contact_or_pushes_on(world: World) -> None:
    goal = AIM.copy()
    goal[2, 3] -= 0.05
    plate = transform(translation=(0.15, 0.15, 0.27))
    for stop in (True, False):
        hand = FreeHand(world, AIM)
        body, before = world.add_box((0.1, 0.1, 0.005), plate), world.steps
        assert hand.move_to(goal, stop_on_contact=stop) is not stop
        assert hand.in_contact()
        if stop:
            assert hand.pose()[2, 3] == pytest.approx(0.276, abs=0.003)
            assert 40 < world.steps < 60
        else:
            assert world.steps - before in (4 * 24, 4 * 25)
        hand.remove()
        world.remove(body)


def test_a_goal_within_a_step_is_reached_at_once(world: World) -> None:
    hand = FreeHand(world, AIM)
    assert hand.move_to(AIM, stop_on_contact=True) and world.steps == 0


def test_the_dialects_settings_reach_the_hand(world: World) -> None:
    hand = FreeHand(world, AIM, HandDynamics(finger_friction=0.75, finger_spinning_friction=0.05))
    for link in (0, 1):
        info = world.bullet.getDynamicsInfo(hand.body.uid, link)
        assert (info[1], info[7]) == (0.75, 0.05)
        assert info[8:10] == (1000.0, 30000.0)
    assert world.bullet.getDynamicsInfo(hand.body.uid, -1)[1] == 0.5


def test_removing_it_leaves_nothing(world: World) -> None:
    hand = FreeHand(world, AIM)
    hand.remove()
    assert not world.bodies and world.bullet.getNumBodies() == 0 and world.bullet.getNumConstraints() == 0
