"""From a hand to a gripper, against hands made by hand, and against physics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from envs.demonstrator import Demonstration
from envs.manipulation import HAND_STEP_M
from geometry import FloatArray, InputError
from perception.pose import SKELETONS, Hand, Person, PoseFrame, SeenObject
from perception.pose.skeletons import HAND21
from policies.demonstrations import DemonstrationSet, collect, play_episode
from policies.programs.shown_frames import shown_frames
from policies.reinforcement import make_task_env
from policies.retargeting import MoveReplay, RetargetConfig, ShownMove, replay_plan, retarget, shown_moves
from policies.retargeting.replay_trial import motion_errors, replay_trial, shown_carry

RATE_HZ = 30.0
SHARP = RetargetConfig(smooth_s=0.0)
TUNING_SEED = 1_500_000


def analytic_hand(rotation: FloatArray, at_m: FloatArray, gap_m: FloatArray) -> FloatArray:
    """(T, 21, 3) a hand in a known grasp frame: tips at y = -gap / 2 and gap / 2, all else 8 cm behind the origin."""
    local = np.zeros((len(gap_m), 21, 3))
    local[:, :, 2] = -0.08
    local[:, HAND21.index("thumb_tip")] = np.column_stack([0 * gap_m, -0.5 * gap_m, 0 * gap_m])
    local[:, HAND21.index("index_tip")] = np.column_stack([0 * gap_m, 0.5 * gap_m, 0 * gap_m])
    return np.einsum("ij,tkj->tki", rotation, local) + at_m[:, None]


def times(count: int) -> FloatArray:
    return np.arange(count) / RATE_HZ


def test_a_known_frame_and_width_come_out() -> None:
    rotation = Rotation.from_euler("xyz", (140.0, 20.0, 35.0), degrees=True).as_matrix()
    at = np.linspace((0.3, 0.1, 0.2), (0.5, -0.1, 0.05), 40)
    gap = np.linspace(0.09, 0.03, 40)
    motion = retarget(times(40), analytic_hand(rotation, at, gap), SHARP)
    assert motion.T_world_grasp[:, :3, :3] == pytest.approx(np.repeat(rotation[None], 40, axis=0), abs=1e-9)
    assert motion.T_world_grasp[:, :3, 3] == pytest.approx(at, abs=1e-12)
    assert motion.width_m == pytest.approx(gap - 0.016, abs=1e-12)


def test_hysteresis_by_hand() -> None:
    # the range is 0 to 10 cm above 2 cm: quantiles 0.2 and 0.9 fall on the many rows at its two ends
    share = np.array([1.0] * 20 + [0.5, 0.36, 0.34, 0.5, 0.59, 0.61, 0.5, 0.36, 0.34] + [0.0] * 20)
    wanted = [False] * 20 + [False, False, True, True, True, False, False, False, True] + [True] * 20
    hand = analytic_hand(np.eye(3), np.zeros((len(share), 3)), 0.02 + 0.1 * share)
    assert retarget(times(len(share)), hand, SHARP).closed.tolist() == wanted


def test_a_hand_that_keeps_its_opening_never_closes() -> None:
    gap = 0.05 + 0.004 * np.sin(np.arange(60))
    assert not retarget(times(60), analytic_hand(np.eye(3), np.zeros((60, 3)), gap)).closed.any()


def test_wider_than_the_gripper_is_as_wide_as_it_opens() -> None:
    hand = analytic_hand(np.eye(3), np.zeros((30, 3)), np.full(30, 0.14))
    assert retarget(times(30), hand).width_m == pytest.approx(0.08)


def test_rotations_of_any_hand_are_right_handed() -> None:
    rng = np.random.default_rng(0)
    hand = rng.normal(scale=0.05, size=(80, 21, 3))
    hand[30:33, HAND21.index("thumb_tip")] = hand[30:33, HAND21.index("index_tip")]  # tips that meet have no frame
    rotations = retarget(times(80), hand, SHARP).T_world_grasp[:, :3, :3]
    assert rotations @ rotations.transpose(0, 2, 1) == pytest.approx(np.repeat(np.eye(3)[None], 80, axis=0), abs=1e-9)
    assert np.linalg.det(rotations) == pytest.approx(np.ones(80))


def test_gaps_are_filled_along_the_way() -> None:
    at = np.linspace((0.0, 0.0, 0.0), (0.3, 0.0, 0.1), 61)
    hand = analytic_hand(np.eye(3), at, np.full(61, 0.06))
    hand[10:25] = np.nan
    hand[40, HAND21.index("thumb_tip"), 1] = np.nan
    motion = retarget(times(61), hand, SHARP)
    assert motion.T_world_grasp[:, :3, 3] == pytest.approx(at, abs=1e-9)


@pytest.mark.parametrize("seen", [0, 5])
def test_a_hand_that_is_hardly_seen_is_told_in_one_line(seen: int) -> None:
    hand = analytic_hand(np.eye(3), np.zeros((30, 3)), np.full(30, 0.06))
    hand[seen:] = np.nan
    with pytest.raises(InputError, match=r"retarget: expected thumb and index finger in 20%.*film the hand"):
        retarget(times(30), hand)


def test_wrong_arrays_are_told_in_one_line() -> None:
    hand = np.zeros((30, 21, 3))
    for time_s, points in ((times(29), hand), (times(0), hand[:0]), (np.zeros(30), hand), (times(30), hand[:, :20])):
        with pytest.raises(InputError, match="at T times that grow"):
            retarget(time_s, points)
    with pytest.raises(InputError, match="apart at some time"):
        retarget(times(30), hand)
    with pytest.raises(InputError, match="close_below"):
        RetargetConfig(close_below=0.7)


def bent_move() -> ShownMove:
    reach = np.column_stack([np.linspace(0.4, 0.0, 50), np.zeros(50), 0.1 * np.linspace(1.0, 0.0, 50) ** 2 + 0.01])
    t = np.linspace(0.0, 1.0, 40)
    carry = np.column_stack([0.2 * t, -0.1 * t, 0.4 * t * (1.0 - t)])
    return ShownMove(reach_m=reach, carry_m=carry, width_m=0.04, rate_hz=RATE_HZ)


def test_elsewhere_begins_at_the_hand_grips_as_shown_and_ends_at_the_goal() -> None:
    rng = np.random.default_rng(1)
    move = bent_move()
    for hand, thing, goal in rng.uniform(-0.4, 0.4, size=(20, 3, 3)):
        reach, carry = move.elsewhere(hand, thing, goal)
        assert reach[0] == pytest.approx(hand, abs=1e-12)
        assert reach[-1] - thing == pytest.approx(move.grip_m, abs=1e-12)
        assert carry[0] == pytest.approx(reach[-1], abs=1e-12)
        assert carry[-1] - move.grip_m == pytest.approx(goal, abs=1e-12)
        near = np.linalg.norm(move.reach_m - move.grip_m, axis=1) < 0.09
        assert near.sum() > 5
        assert reach[near] - thing == pytest.approx(move.reach_m[near], abs=1e-12)


def test_elsewhere_where_nothing_is_elsewhere_is_what_was_shown() -> None:
    move, thing = bent_move(), np.array([0.5, 0.1, 0.02])
    reach, carry = move.elsewhere(thing + move.reach_m[0], thing, thing + move.carry_m[-1])
    assert reach == pytest.approx(thing + move.reach_m)
    assert carry == pytest.approx(thing + move.carry_m + move.grip_m)


def test_a_reach_of_one_point_still_goes_to_the_thing() -> None:
    move = ShownMove(reach_m=np.array([[0.0, 0.0, 0.01]]), carry_m=np.eye(3)[:2] * 0.1, width_m=0.04, rate_hz=RATE_HZ)
    reach, _ = move.elsewhere(np.zeros(3), np.array([0.3, 0.2, 0.02]), np.ones(3))
    assert reach == pytest.approx(np.array([[0.3, 0.2, 0.03]]))


def test_the_thing_tells_the_grip_whatever_the_offset_of_the_hand() -> None:
    shown, recording = shown_carry(TUNING_SEED, 0.0)
    frames = shown_frames(recording)
    straight, aside = shown_moves(frames)[0], shown_moves(moved_hands(frames, (0.02, -0.015, 0.0)))[0]
    assert aside.grip_m == pytest.approx(straight.grip_m, abs=1e-9)
    assert aside.carry_m == pytest.approx(straight.carry_m, abs=1e-9)
    T = shown.T_world_things[:, 0, :3, 3]
    assert straight.carry_m[-1] == pytest.approx(T[-1] - T[0], abs=0.002)
    true_height = (shown.T_world_things[0, 0] @ shown.grasps[0].T_thing_grasp)[2, 3] - T[0, 2]
    assert straight.grip_m == pytest.approx([0.0, 0.0, true_height], abs=0.002)


def test_the_fingers_alone_carry_the_offset_of_the_hand_along() -> None:
    frames = shown_frames(shown_carry(TUNING_SEED, 0.0)[1])
    straight, aside = (
        shown_moves(each, contact="fingers")[0] for each in (frames, moved_hands(frames, (0.02, -0.015, 0.0)))
    )
    assert aside.grip_m - straight.grip_m == pytest.approx([0.02, -0.015, 0.0], abs=1e-6)


def moved_hands(frames: list[PoseFrame], offset: tuple[float, float, float]) -> list[PoseFrame]:
    return [
        PoseFrame(
            time_s=frame.time_s, skeleton=frame.skeleton, objects=frame.objects, reference="world",
            persons=tuple(
                Person(
                    id=person.id, scores=person.scores, keypoints_m=person.keypoints_m,
                    right_hand=Hand(
                        scores=person.right_hand.scores, keypoints_m=person.right_hand.keypoints_m + np.array(offset)
                    ),
                )
                for person in frame.persons
            ),
        )
        for frame in frames
    ]  # fmt: skip


def test_nothing_carried_is_no_move_and_no_move_is_no_replay() -> None:
    frames = shown_frames(shown_carry(TUNING_SEED, 0.0)[1])
    assert shown_moves(frames[:40]) == []
    nobody = [
        PoseFrame(time_s=frame.time_s, skeleton=frame.skeleton, objects=frame.objects, reference="world")
        for frame in frames
    ]
    assert shown_moves(nobody) == []
    with pytest.raises(InputError, match="at least one shown move"):
        MoveReplay([])


def test_another_task_is_told_in_one_line() -> None:
    env = make_task_env("Push")
    with pytest.raises(InputError, match="expected the task PickPlace, got Push"):
        play_episode(env, MoveReplay([bent_move()]), seed=TUNING_SEED, rng=np.random.default_rng(0))
    env.close()


def test_the_hand_is_never_asked_for_more_than_a_step() -> None:
    """A way ten times too fast for the hand is slowed down: the episode's actions are mostly unsaturated."""
    slow = bent_move()
    hasty = ShownMove(reach_m=slow.reach_m[::10], carry_m=slow.carry_m[::10], width_m=0.04, rate_hz=RATE_HZ)
    env = make_task_env("PickPlace")
    replay = MoveReplay([hasty])
    env.reset(seed=TUNING_SEED)
    hand = np.array(env.unwrapped.scene.arm.state.position)  # type: ignore[attr-defined]
    replay.reset(env.unwrapped, np.random.default_rng(0))  # type: ignore[arg-type]
    steps = np.linalg.norm(np.diff(replay._way, axis=0), axis=1)
    assert np.isfinite(replay._way).all()
    assert replay._way[0] == pytest.approx(hand)
    assert steps.max() <= HAND_STEP_M
    assert steps.max() > 0.5 * HAND_STEP_M
    env.close()


def rms_width(shown: Demonstration, frame: int) -> float:
    tips = shown.hand_m[frame, [HAND21.index("thumb_tip"), HAND21.index("index_tip")]]
    return float(np.linalg.norm(tips[1] - tips[0]))


def test_errors_of_an_offset_hand_are_the_offset() -> None:
    shown, recording = shown_carry(TUNING_SEED + 1, 0.0)
    straight = motion_errors(shown, recording)
    assert straight.place_m < 0.004
    assert np.degrees(straight.turn_rad) < 1.5
    held = int(shown.grasps[0].start_s * RATE_HZ) + 20
    assert straight.width_m == pytest.approx(abs(rms_width(shown, held) - 0.016 - shown.grasps[0].width_m), abs=0.002)
    recording.persons[0].hand_m[:] = recording.persons[0].hand_m + (0.0, 0.03, 0.0)
    assert motion_errors(shown, recording).place_m == pytest.approx(0.03, abs=0.002)


def test_replays_of_synthetic_keypoints_work_in_physics() -> None:
    env = make_task_env("PickPlace")
    outcomes = [replay_trial(env, TUNING_SEED + number, 0.01, "thing") for number in range(4)]
    assert all(each.shown and each.success and each.held for each in outcomes)
    assert max(each.distance_m for each in outcomes) < 0.025
    env.close()


def test_replays_become_a_set_of_episodes(tmp_path: Path) -> None:
    moves = shown_moves(shown_frames(shown_carry(TUNING_SEED, 0.01)[1]))
    collect(replay_plan(moves, seed=90), tmp_path / "set", episodes=3)
    episodes = list(DemonstrationSet.open(tmp_path / "set"))
    assert [each.success for each in episodes] == [True] * 3
    assert episodes[0].provenance["source"] == "human"
    assert episodes[0].provenance["retargeted"]


@pytest.mark.slow
@pytest.mark.parametrize(("noise_m", "least"), [(0.0, 29), (0.01, 29), (0.02, 28)])
def test_replays_of_many_people_work_in_physics(noise_m: float, least: int) -> None:
    env = make_task_env("PickPlace")
    outcomes = [replay_trial(env, TUNING_SEED + 100 + number, noise_m, "thing") for number in range(30)]
    assert sum(each.success for each in outcomes) >= least
    env.close()


def test_a_wide_thing_of_unknown_size_opens_the_gripper_fully() -> None:
    """A box of 11 cm moved by hand: a move comes out, told with all the gripper's width."""
    move = shown_moves(wide_carry())[0]
    assert move.width_m == pytest.approx(0.08)


def wide_carry() -> list[PoseFrame]:
    skeleton, count = SKELETONS["body18"], 150
    t = np.clip((np.arange(count) - 60) / 45.0, 0.0, 1.0)
    share = t**3 * (10.0 - 15.0 * t + 6.0 * t * t)
    thing = np.column_stack([0.4 + 0.0 * share, 0.2 * share, 0.05 + 0.4 * share * (1.0 - share)])
    come = np.clip(np.abs(np.arange(count) - 82) - 24, 0, 40) / 40.0
    grip = thing + np.column_stack([0.3 * come, 0.0 * come, 0.1 * come])
    hands = analytic_hand(np.diag((1.0, -1.0, -1.0)), grip, 0.126 + 0.03 * (come > 0.0))
    frames = []
    for row in range(count):
        T = np.eye(4)
        T[:3, 3] = thing[row]
        body = np.repeat(hands[row, :1] + (0.3, 0.0, 0.3), len(skeleton), axis=0)
        body[skeleton.index("right_wrist")] = hands[row, 0]
        person = Person(
            id=0, scores=np.ones(len(skeleton)), keypoints_m=body,
            right_hand=Hand(scores=np.ones(21), keypoints_m=hands[row]),
        )  # fmt: skip
        box = SeenObject(name="box", category="box", T_reference_object=T)
        frames.append(
            PoseFrame(time_s=row / RATE_HZ, skeleton=skeleton, persons=(person,), objects=(box,), reference="world")
        )
    return frames
