"""The simulated person: bones of constant length, human timing, things that are rigid in the hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.demonstrator import (
    BODY_POINTS,
    HAND_POINTS,
    Demonstration,
    HandModel,
    demonstrate,
    demonstrate_scene,
)
from envs.demonstrator.minimum_jerk import PEAK_SPEED, minimum_jerk
from envs.workbench import TASKS, Pick, Put, Thing
from geometry import InputError, invert, transform
from perception.pose.skeletons import BODY18, HAND21

TIPS = [HAND_POINTS.index("thumb_tip"), HAND_POINTS.index("index_tip")]


def shown(name: str, seed: int) -> Demonstration:
    rng = np.random.default_rng(1_000_000 + seed)
    return demonstrate_scene(TASKS[name].draw(rng), rng)


def test_points_are_in_perceptions_order() -> None:
    assert BODY18.joints == BODY_POINTS
    assert HAND21.joints == HAND_POINTS


@pytest.mark.parametrize("name", TASKS)
def test_every_demonstration_ends_in_success(name: str) -> None:
    for seed in range(50):
        rng = np.random.default_rng(1_000_000 + seed)
        scene = TASKS[name].draw(rng)
        demonstration = demonstrate_scene(scene, rng)
        assert scene.succeeded(demonstration.outcome), seed
        for row, thing in enumerate(demonstration.things):
            np.testing.assert_array_equal(
                demonstration.T_world_things[-1, row], demonstration.outcome.layout[thing.name]
            )
            np.testing.assert_array_equal(demonstration.T_world_things[0, row], scene.layout[thing.name])


@pytest.mark.parametrize("name", TASKS)
def test_bones_keep_their_lengths_and_the_hand_is_at_the_arm(name: str) -> None:
    for seed in range(5):
        demonstration = shown(name, seed)
        people = [(demonstration.body_m, demonstration.hand_m)]
        if demonstration.taker_body_m is not None and demonstration.taker_hand_m is not None:
            people.append((demonstration.taker_body_m, demonstration.taker_hand_m))
        for body, hand in people:
            for points, skeleton in ((body, BODY18), (hand, HAND21)):
                parents, children = np.array(skeleton.bone_rows).T
                lengths = np.linalg.norm(points[:, children] - points[:, parents], axis=-1)
                assert np.ptp(lengths, axis=0).max() < 1e-8
            wrist = body[:, BODY18.index("right_wrist")]
            np.testing.assert_allclose(hand[:, 0], wrist, atol=1e-8)


def test_a_hand_of_anatomical_size() -> None:
    points = HandModel(0.19).points(np.eye(4)[None], np.array([0.125]))[0]
    middle = [HAND_POINTS.index(f"middle_{part}") for part in ("mcp", "pip", "dip", "tip")]
    length = np.linalg.norm(np.diff(points[[0, *middle]], axis=0), axis=-1).sum()
    assert length == pytest.approx(0.19 * (0.446 + 0.266 + 0.170 + 0.108), abs=1e-6)


@pytest.mark.parametrize("aperture", [0.005, 0.03, 0.08, 0.125])
def test_the_hands_frame_lies_between_the_tips_of_thumb_and_index_finger(aperture: float) -> None:
    T = transform([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], (0.4, 0.1, 0.2))
    thumb, index = HandModel().points(T[None], np.array([aperture]))[0, TIPS]
    np.testing.assert_allclose(0.5 * (thumb + index), T[:3, 3], atol=1e-7)
    np.testing.assert_allclose(index - thumb, aperture * T[:3, 1], atol=1e-7)


def test_minimum_jerk_is_the_polynomial_with_the_least_jerk() -> None:
    t = np.linspace(0.0, 1.0, 2001)
    share = minimum_jerk(t)
    # rests at both ends, and its sixth derivative vanishes: a polynomial of degree five
    fitted = np.polynomial.Polynomial.fit(t, share, 5)
    assert np.abs(fitted(t) - share).max() < 1e-12
    speed = np.gradient(share, t)
    assert speed.max() == pytest.approx(PEAK_SPEED, rel=1e-4) and t[speed.argmax()] == pytest.approx(0.5)
    acceleration = np.gradient(speed, t)
    assert abs(speed[0]) < 1e-5 and abs(acceleration[1]) < 0.05
    jerk = np.gradient(acceleration, t)
    assert np.trapezoid(jerk[3:-3] ** 2, t[3:-3]) == pytest.approx(720.0, rel=0.03)


def test_a_push_moves_by_the_closed_form() -> None:
    demonstration = shown("push_to_line", 3)
    push = demonstration.segments[-1]
    block = demonstration.T_world_things[:, 0, :3, 3]
    moving = np.flatnonzero(np.linalg.norm(np.diff(block, axis=0), axis=-1) > 0.0)
    first, last = moving[0], moving[-1] + 1
    assert demonstration.time_s[first] == pytest.approx(push.start_s, abs=1e-6)
    t = (np.arange(first, last + 1) - first) / (last - first)
    share = np.linalg.norm(block[first : last + 1] - block[first], axis=-1) / np.linalg.norm(block[last] - block[first])
    np.testing.assert_allclose(share, 10 * t**3 - 15 * t**4 + 6 * t**5, atol=1e-9)


@pytest.mark.parametrize("name", ["place_on", "stack", "pour", "hand_over"])
def test_the_hand_opens_the_most_before_it_touches(name: str) -> None:
    for seed in range(10):
        demonstration = shown(name, seed)
        reach = next(segment for segment in demonstration.segments if segment.kind == "reach")
        rows = np.flatnonzero(
            (demonstration.time_s >= reach.start_s - 1e-9) & (demonstration.time_s <= reach.end_s + 1e-9)
        )
        aperture = np.linalg.norm(np.diff(demonstration.hand_m[rows][:, TIPS], axis=1)[:, 0], axis=-1)
        share = aperture.argmax() / (len(rows) - 1)
        assert 0.55 < share < 0.75
        assert aperture.max() > demonstration.grasps[0].width_m + 0.02
        assert aperture[-1] > demonstration.grasps[0].width_m + 0.014


@pytest.mark.parametrize("name", TASKS)
def test_things_are_rigid_in_the_hand_and_still_elsewhere(name: str) -> None:
    demonstration = shown(name, 7)
    times = demonstration.time_s
    for row, thing in enumerate(demonstration.things):
        T = demonstration.T_world_things[:, row]
        held = np.zeros(len(times), dtype=bool)
        for grasp in (each for each in demonstration.grasps if each.object == thing.name):
            rows = (times >= grasp.start_s - 1e-9) & (times <= grasp.end_s + 1e-9)
            held |= rows
            T_world_grasp = T[rows] @ grasp.T_thing_grasp
            thumb, index = demonstration.hand_m[rows][:, TIPS[0]], demonstration.hand_m[rows][:, TIPS[1]]
            np.testing.assert_allclose(0.5 * (thumb + index), T_world_grasp[:, :3, 3], atol=1e-6)
            np.testing.assert_allclose(index - thumb, (grasp.width_m + 0.014) * T_world_grasp[:, :3, 1], atol=1e-6)
            wrist = np.einsum(
                "tij,tj->ti", invert(T[rows])[:, :3, :3], demonstration.hand_m[rows][:, 0] - T[rows, :3, 3]
            )
            assert np.ptp(wrist, axis=0).max() < 1e-6
        pushed = [s for s in demonstration.segments if s.kind in ("push", "hand_over") and s.object == thing.name]
        for segment in pushed:
            held |= (times >= segment.start_s - 1e-9) & (times <= segment.end_s + 1e-9)
        moves = np.abs(np.diff(T, axis=0)).max(axis=(1, 2)) > 0.0
        assert not (moves & ~(held[1:] & held[:-1])).any()


def test_poured_cups_are_tilted_by_two_thirds_of_a_half_turn_above_the_bowl() -> None:
    for seed in range(10):
        demonstration = shown("pour", seed)
        cup, bowl = demonstration.things
        T = demonstration.T_world_things[:, 0]
        tilt = np.arccos(np.clip(T[:, 2, 2], -1.0, 1.0))
        row = int(tilt.argmax())
        assert 1.9 < tilt[row] < 2.3
        rim = 0.5 * cup.size_m[0] * np.stack([np.cos(np.linspace(0, 6.28, 50)), np.sin(np.linspace(0, 6.28, 50)),
                                              np.full(50, cup.size_m[2] / cup.size_m[0])], -1)  # fmt: skip
        lip = min(rim @ T[row, :3, :3].T + T[row, :3, 3], key=lambda point: float(point[2]))
        T_bowl = demonstration.T_world_things[row, 1]
        assert math.dist(lip[:2], T_bowl[:2, 3]) < 0.3 * 0.5 * bowl.size_m[0]
        assert 0.02 < lip[2] - bowl.size_m[2] < 0.06


def test_people_differ_and_seeds_repeat() -> None:
    one, again, other = shown("place_on", 0), shown("place_on", 0), shown("place_on", 1)
    np.testing.assert_array_equal(one.hand_m, again.hand_m)
    assert len(one.time_s) != len(other.time_s)


def test_any_things_and_script() -> None:
    cube = Thing(name="cube", category="cube", size_m=(0.04, 0.04, 0.04))
    layout = {"cube": transform(translation=(0.5, 0.1, 0.02))}
    script = (Pick(object="cube"), Put(object="cube", to="table", relation="at", offset_m=(0.4, -0.1)))
    demonstration = demonstrate((cube,), layout, script, np.random.default_rng(0))
    end = demonstration.outcome.layout["cube"][:3, 3]
    assert math.dist(end, (0.4, -0.1, 0.02)) < 0.015
    assert [segment.kind for segment in demonstration.segments] == [
        "reach",
        "grasp",
        "lift",
        "carry",
        "place",
        "release",
    ]


def test_what_cannot_be_shown_is_said() -> None:
    cube = Thing(name="cube", category="cube", size_m=(0.04, 0.04, 0.04))
    rng, layout = np.random.default_rng(0), {"cube": transform(translation=(0.5, 0.1, 0.02))}
    put = Put(object="cube", to="table", relation="at", offset_m=(0.4, 0.0))
    with pytest.raises(InputError, match="picks"):
        demonstrate((cube,), layout, (put,), rng)
    with pytest.raises(InputError, match="ball"):
        demonstrate((cube,), layout, (Pick(object="ball"),), rng)
    with pytest.raises(InputError, match="script"):
        demonstrate((cube,), layout, (), rng)
    with pytest.raises(InputError, match="reach"):
        demonstrate((cube,), {"cube": transform(translation=(-0.5, 0.1, 0.02))}, (Pick(object="cube"),), rng)
    wide = Thing(name="cube", category="cube", size_m=(0.12, 0.12, 0.04))
    with pytest.raises(InputError, match="faces"):
        demonstrate((wide,), layout, (Pick(object="cube"),), rng)
