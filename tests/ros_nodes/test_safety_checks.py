"""The guard's checks of commands: every reason to refuse one, by hand-made commands of a two-joint arm."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import BPoly, CubicHermiteSpline

from envs.arms import HOME_Q, PANDA, PANDA_LIMITS, joint_motion
from ros_nodes.safety.arm_state import ArmState
from ros_nodes.safety.braking import braking_motion
from ros_nodes.safety.command import MAX_POINTS, Command, read_command
from ros_nodes.safety.findings import Cause, Finding
from ros_nodes.safety.interpolation import Motion, motion_through
from ros_nodes.safety.limits import ArmLimits
from ros_nodes.safety.rules import Rules
from ros_nodes.safety.stream_check import StreamTarget, check_streamed
from ros_nodes.safety.trajectory_check import check_trajectory
from ros_nodes.safety.workspace import Workspace, link_points

NAMES = ("shoulder", "elbow")
LIMITS = ArmLimits(names=NAMES, lower=(-2.0, -1.0), upper=(2.0, 1.0), velocity=(1.0, 2.0), acceleration=(4.0, 8.0))
EXACT = Rules(
    limits=LIMITS, speed_peak_allowance=0.0, acceleration_peak_allowance=0.0, start_tolerance_rad=0.05,
    max_duration_s=10.0, max_start_delay_s=1.0,
)  # fmt: skip
AT_ZERO = ArmState(np.zeros(2), np.zeros(2), 0.0)


def planar(q: np.ndarray) -> dict[str, np.ndarray]:
    """Two links of 1 m that turn in the upright x-z plane about y, upwards at zero."""
    first, both = q[..., 0], q[..., 0] + q[..., 1]
    elbow = np.stack([np.sin(first), np.zeros_like(first), np.cos(first)], axis=-1)
    return {"elbow": elbow, "grasp": elbow + np.stack([np.sin(both), np.zeros_like(both), np.cos(both)], axis=-1)}


def command(times: Any, q: Any, dq: Any = None, ddq: Any = None, delay_s: float = 0.0) -> Command:
    q = np.asarray(q, dtype=float)
    unknown = np.full(q.shape, np.nan)
    rates = [unknown if rate is None else np.asarray(rate, dtype=float) for rate in (dq, ddq)]
    return Command(np.asarray(times, dtype=float), q, *rates, start_delay_s=delay_s)


def refused(verdict: Motion | Finding, cause: Cause, *words: str) -> None:
    assert isinstance(verdict, Finding), "it was let through"
    assert verdict.cause is cause, str(verdict)
    assert all(word in str(verdict) for word in words), str(verdict)


def rest_to_rest(joint: int, target: float, duration_s: float) -> Command:
    end = np.zeros(2)
    end[joint] = target
    return command([0.0, duration_s], [np.zeros(2), end], np.zeros((2, 2)))


def test_a_gentle_motion_passes() -> None:
    motion = check_trajectory(rest_to_rest(0, 1.0, 3.0), AT_ZERO, EXACT)
    assert isinstance(motion, Motion)
    np.testing.assert_allclose(motion.at(1.5)[0], [0.5, 0.0])
    np.testing.assert_allclose(motion.at(1.5)[1], [0.5, 0.0])  # 1.5 times the mean speed
    np.testing.assert_allclose(motion.at(9.0), ([1.0, 0.0], [0.0, 0.0]))


@pytest.mark.parametrize(
    ("times", "index"), [([0.0, 1.0, 1.0], 2), ([0.0, 1.0, 0.5], 2), ([-0.1, 1.0, 2.0], 0), ([0.0, 0.0, 1.0], 1)]
)
def test_times_must_increase(times: list[float], index: int) -> None:
    refused(check_trajectory(command(times, np.zeros((3, 2))), AT_ZERO, EXACT), Cause.TIMES, f"point {index} ")


def test_a_start_elsewhere_is_a_jump() -> None:
    far = command([0.0, 2.0], [[0.0, 0.06], [0.0, 0.1]])
    refused(check_trajectory(far, AT_ZERO, EXACT), Cause.START_JUMP, "elbow", "0.060")
    assert isinstance(check_trajectory(replace(far, q=far.q - [0.0, 0.02]), AT_ZERO, EXACT), Motion)
    later = replace(far, times_s=np.array([0.1, 2.0]))  # 0.06 rad in 0.1 s: driven, not jumped
    assert isinstance(check_trajectory(later, AT_ZERO, EXACT), Motion)
    at_once = replace(far, times_s=np.array([0.01, 2.0]))  # 6 rad/s
    refused(check_trajectory(at_once, AT_ZERO, EXACT), Cause.VELOCITY, "elbow", "6.000")


def test_a_single_point_now_must_be_here() -> None:
    assert isinstance(check_trajectory(command([0.0], [[0.0, 0.04]]), AT_ZERO, EXACT), Motion)
    refused(check_trajectory(command([0.0], [[0.0, 0.4]]), AT_ZERO, EXACT), Cause.START_JUMP)


def test_duration_and_stamp_have_limits() -> None:
    refused(check_trajectory(rest_to_rest(0, 1.0, 10.5), AT_ZERO, EXACT), Cause.TOO_LONG, "10.5 s", "10.0 s")
    held = replace(rest_to_rest(0, 1.0, 9.5), start_delay_s=0.9)
    refused(check_trajectory(held, AT_ZERO, EXACT), Cause.TOO_LONG)
    for delay_s in (1.1, -0.3):
        late = replace(rest_to_rest(0, 1.0, 3.0), start_delay_s=delay_s)
        refused(check_trajectory(late, AT_ZERO, EXACT), Cause.START_TIME)


def test_positions_at_and_between_points() -> None:
    slow = replace(EXACT, max_duration_s=100.0)
    refused(check_trajectory(rest_to_rest(1, 1.01, 30.0), AT_ZERO, slow), Cause.POSITION, "elbow", "1.0100")
    refused(check_trajectory(rest_to_rest(0, -2.01, 30.0), AT_ZERO, slow), Cause.POSITION, "shoulder", "-2.0100")
    # both points at 0.95 rad, entered at 0.4 rad/s and left at -0.4: the cubic peaks at 0.95 + 0.4 * 1 / 4
    bulge = command([0.0, 1.0], [[0.0, 0.95]] * 2, [[0.0, 0.4], [0.0, -0.4]])
    there = ArmState(np.array([0.0, 0.95]), np.array([0.0, 0.4]), 0.0)
    refused(check_trajectory(bulge, there, slow), Cause.POSITION, "elbow", "1.0500")
    flatter = replace(bulge, dq=bulge.dq * 0.4)
    assert isinstance(check_trajectory(flatter, there, slow), Motion)


def test_speed_from_positions_alone() -> None:
    assert isinstance(check_trajectory(command([0.0, 1.0], [[0.0, 0.0], [0.99, 0.0]]), AT_ZERO, EXACT), Motion)
    fast = command([0.0, 1.0], [[0.0, 0.0], [1.01, 0.0]])
    refused(check_trajectory(fast, AT_ZERO, EXACT), Cause.VELOCITY, "shoulder", "1.010 rad/s", "limit 1.000")


def test_given_speed_alone() -> None:
    given = command([0.0, 1.0, 2.0], np.zeros((3, 2)), [[np.nan] * 2, [1.2, 0.0], [np.nan] * 2])
    refused(check_trajectory(given, AT_ZERO, EXACT), Cause.VELOCITY, "shoulder", "1.200")


def test_the_peak_between_points_counts() -> None:
    """From rest to rest a cubic's peak is 1.5 times the mean speed, its first acceleration 6 d / T^2."""
    refused(check_trajectory(rest_to_rest(0, 1.0, 1.49), AT_ZERO, EXACT), Cause.VELOCITY, f"{1.5 / 1.49:.3f} rad/s")
    assert isinstance(check_trajectory(rest_to_rest(0, 1.0, 1.51), AT_ZERO, EXACT), Motion)
    quick = rest_to_rest(0, 0.1, 0.38)
    refused(check_trajectory(quick, AT_ZERO, EXACT), Cause.ACCELERATION, "shoulder", f"{0.6 / 0.38**2:.3f}")
    assert isinstance(check_trajectory(rest_to_rest(0, 0.1, 0.39), AT_ZERO, EXACT), Motion)
    assert isinstance(check_trajectory(quick, AT_ZERO, replace(EXACT, acceleration_peak_allowance=0.05)), Motion)


def test_what_a_mean_exceeds_no_allowance_excuses() -> None:
    """From rest to 1 rad/s within 0.24 s is 4.17 rad/s^2 on average, with a peak of no more."""
    generous = replace(EXACT, speed_peak_allowance=1.0, acceleration_peak_allowance=1.0)
    ramp = command([0.0, 0.24], [[0.0, 0.0], [0.12, 0.0]], [[0.0, 0.0], [1.0, 0.0]])
    refused(check_trajectory(ramp, AT_ZERO, generous), Cause.ACCELERATION, "4.167")
    line = command([0.0, 1.0], [[0.0, 0.0], [1.01, 0.0]])
    refused(check_trajectory(line, AT_ZERO, generous), Cause.VELOCITY, "1.010")


def test_given_acceleration_counts() -> None:
    given = replace(rest_to_rest(0, 0.5, 3.0), ddq=np.array([[4.2, 0.0], [np.nan, np.nan]]))
    refused(check_trajectory(given, AT_ZERO, EXACT), Cause.ACCELERATION, "4.200")


@pytest.mark.parametrize("with_accelerations", [False, True])
def test_interpolation_is_scipys(with_accelerations: bool) -> None:
    rng = np.random.default_rng(3)
    times = np.array([0.0, 0.3, 1.0, 1.2])
    q, dq, ddq = rng.normal(size=(3, 4, 2))
    motion = motion_through(times, q, dq, ddq if with_accelerations else np.full((4, 2), np.nan))
    if with_accelerations:
        oracle = BPoly.from_derivatives(times, np.stack([q, dq, ddq], axis=1))
    else:
        oracle = CubicHermiteSpline(times, q, dq)
    grid = np.linspace(0.0, 1.2, 4001)
    lowest, highest, speed, acceleration = motion.extremes()
    np.testing.assert_allclose(lowest.min(axis=0), oracle(grid).min(axis=0), atol=2e-3)
    np.testing.assert_allclose(highest.max(axis=0), oracle(grid).max(axis=0), atol=2e-3)
    np.testing.assert_allclose(speed.max(axis=0), np.abs(oracle(grid, 1)).max(axis=0), rtol=1e-2)
    np.testing.assert_allclose(acceleration.max(axis=0), np.abs(oracle(grid, 2)).max(axis=0), rtol=1e-2)
    sampled, postures = motion.samples(0.02)
    np.testing.assert_allclose(postures, oracle(sampled), atol=1e-9)
    assert np.abs(np.diff(postures, axis=0)).max() < 0.021
    for time_s in (0.0, 0.31, 0.999, 1.2):
        np.testing.assert_allclose(motion.at(time_s), (oracle(time_s), oracle(time_s, 1)), atol=1e-9)


def message(q: Any, *, names: Any = NAMES, **fields: Any) -> SimpleNamespace:
    """One message of points a second apart; `fields` replaces those of every point."""
    points = [
        SimpleNamespace(
            positions=list(row), velocities=fields.get("velocities", []),
            accelerations=fields.get("accelerations", []), effort=fields.get("effort", []),
            time_from_start=SimpleNamespace(sec=index, nanosec=250_000_000),
        )
        for index, row in enumerate(q)
    ]  # fmt: skip
    header = SimpleNamespace(stamp=SimpleNamespace(sec=fields.get("sec", 0), nanosec=0))
    return SimpleNamespace(joint_names=list(names), points=points, header=header)


def test_a_message_is_read_in_the_arms_order() -> None:
    read = read_command(message([[1, 2], [3, 4]], names=("elbow", "shoulder"), sec=12), NAMES, now_s=11.5)
    assert isinstance(read, Command)
    np.testing.assert_array_equal(read.q, [[2, 1], [4, 3]])
    np.testing.assert_array_equal(read.times_s, [0.25, 1.25])
    assert np.isnan(read.dq).all() and read.start_delay_s == 0.5 and read.duration_s == 1.75


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("broken", "cause", "word"),
    [
        (message([[0.0, NAN]]), Cause.NOT_FINITE, "positions of point 0"),
        (message([[0, 0], [INF, 0]]), Cause.NOT_FINITE, "positions of point 1"),
        (message([[0, 0]], velocities=[0, NAN]), Cause.NOT_FINITE, "velocities"),
        (message([[0, 0]], accelerations=[-INF, 0]), Cause.NOT_FINITE, "accelerations"),
        (message([[0, 0]], velocities=[0]), Cause.MALFORMED, "1 velocities for 2 joints"),
        (message([[0]]), Cause.MALFORMED, "1 positions"),
        (message([[]]), Cause.MALFORMED, "0 positions"),
        (message([]), Cause.MALFORMED, "0 points"),
        (message([[0, 0]] * (MAX_POINTS + 1)), Cause.MALFORMED, "points"),
        (message([[0, 0]], effort=[1, 1]), Cause.MALFORMED, "efforts"),
        (message([[0]], names=("elbow",)), Cause.WRONG_JOINTS, "missing shoulder"),
        (message([[0, 0, 0]], names=("elbow", "shoulder", "gripper")), Cause.WRONG_JOINTS, "unknown gripper"),
        (message([[0, 0, 0]], names=("elbow", "shoulder", "elbow")), Cause.WRONG_JOINTS, "twice"),
        (message([[0, 0]], names=("a", "b")), Cause.WRONG_JOINTS, "missing shoulder, elbow; unknown a, b"),
    ],
)  # fmt: skip
def test_broken_messages(broken: Any, cause: Cause, word: str) -> None:
    read = read_command(broken, NAMES, now_s=0.0)
    assert isinstance(read, Finding) and read.cause is cause and word in str(read), str(read)


BOX = Workspace(lower_m=(-3.0, -1.0, -0.2), upper_m=(1.5, 1.0, 3.0), table_z_m=0.0, link_clearance_m=0.1)
PLACED = replace(EXACT, workspace=BOX, link_points=planar, max_duration_s=100.0)


def test_the_whole_path_stays_in_the_box() -> None:
    """The tip at 2 m turns about the base: x = 1.5 at 0.848 rad; both ends of the swing below are inside."""
    swing = command([0.0, 4.0, 8.0], [[0.0, 0.0], [0.84, 0.0], [0.0, 0.0]])
    assert isinstance(check_trajectory(swing, AT_ZERO, PLACED), Motion)
    wider = replace(swing, q=swing.q * 0.87 / 0.84)
    refused(check_trajectory(wider, AT_ZERO, PLACED), Cause.WORKSPACE, "grasp at (1.5", "mm outside")
    over = command([0.0, 10.0], [[-0.9, 0.0], [0.9, 0.0]])
    refused(check_trajectory(over, ArmState(over.q[0], np.zeros(2), 0.0), PLACED), Cause.WORKSPACE)
    narrow = replace(PLACED, workspace=replace(BOX, upper_m=(1.5, 1.0, 1.9)))
    below = ArmState(np.array([-0.5, 0.0]), np.zeros(2), 0.0)  # 2 cos 0.5 = 1.76 m high at both ends, 2 m between
    through = command([0.0, 4.0], [[-0.5, 0.0], [0.5, 0.0]])
    refused(check_trajectory(through, below, narrow), Cause.WORKSPACE, "2.000")


def test_the_table() -> None:
    """Bent down at the elbow, the tip reaches the table before the elbow comes near it."""
    bent = ArmState(np.array([1.2, 1.0]), np.zeros(2), 0.0)
    wide = replace(PLACED, workspace=replace(BOX, upper_m=(3.0, 1.0, 3.0)), limits=replace(LIMITS, upper=(2.0, 2.0)))
    heights = {q1: np.cos(1.2) + np.cos(1.2 + q1) for q1 in (1.5, 1.55, 1.95)}
    to = {q1: command([0.0, 5.0], [[1.2, 1.0], [1.2, q1]]) for q1 in heights}
    assert heights[1.5] < 0.0 < 0.1  # the tip is below the table there
    refused(check_trajectory(to[1.5], bent, wide), Cause.WORKSPACE, "grasp")
    lower_table = replace(wide, workspace=replace(wide.workspace, table_z_m=-0.6, lower_m=(-3.0, -1.0, -1.0)))
    assert isinstance(check_trajectory(to[1.5], bent, lower_table), Motion)
    elbow_down = command([0.0, 5.0], [[1.2, 1.0], [1.48, -1.0]])  # cos 1.48 = 0.09 m
    refused(check_trajectory(elbow_down, bent, wide), Cause.WORKSPACE, "elbow")


def test_tip_speed() -> None:
    """At full stretch the tip moves at 2 m for each radian."""
    slow = replace(PLACED, workspace=None, tip_speed_m_s=1.0)
    assert isinstance(check_trajectory(command([0.0, 1.0], [[0, 0], [0.49, 0]]), AT_ZERO, slow), Motion)
    refused(check_trajectory(command([0.0, 1.0], [[0, 0], [0.51, 0]]), AT_ZERO, slow), Cause.TIP_SPEED, "1.02 m/s")
    lead_in = command([0.004, 1.0], [[0.03, 0], [0.04, 0]])  # within the start's tolerance: no speed worth a name
    assert isinstance(check_trajectory(lead_in, AT_ZERO, slow), Motion)


def test_an_arm_outside_may_only_come_back() -> None:
    outside = ArmState(np.array([0.0, 1.1]), np.zeros(2), 0.0)
    back, on = (command([0.0, 1.0], [[0.0, 1.1], [0.0, to]]) for to in (0.5, 1.12))
    refused(check_trajectory(back, outside, EXACT), Cause.POSITION)
    returning = replace(EXACT, allow_return=True)
    assert isinstance(check_trajectory(back, outside, returning), Motion)
    refused(check_trajectory(on, outside, returning), Cause.POSITION, "1.12")
    tall = ArmState(np.array([0.9, 0.0]), np.zeros(2), 0.0)  # x = 1.567 m, 67 mm outside
    in_, out = (command([0.0, 1.0], [[0.9, 0.0], [to, 0.0]]) for to in (0.5, 0.93))
    refused(check_trajectory(in_, tall, PLACED), Cause.WORKSPACE)
    assert isinstance(check_trajectory(in_, tall, replace(PLACED, allow_return=True)), Motion)
    refused(check_trajectory(out, tall, replace(PLACED, allow_return=True)), Cause.WORKSPACE)


def test_streamed_points() -> None:
    def check(target: list[float], *, at: Any = (0.0, 0.0), last: Any = (0.0, 0.0), since_s: float = 0.05) -> Any:
        state = ArmState(np.array(at, dtype=float), np.zeros(2), 0.0)
        before = None if last is None else StreamTarget(np.array(last, dtype=float), 1.0 - since_s)
        return check_streamed(command([0.1], [target]), state, before, 1.0, EXACT)

    assert isinstance(check([0.09, 0.19]), Motion)  # 0.1 s at 1 and 2 rad/s
    refused(check([0.11, 0.0]), Cause.VELOCITY, "shoulder", "0.110", "last target")
    assert isinstance(check([0.19, 0.0], since_s=0.2), Motion)  # the stream paused: more time since the last
    assert isinstance(check([0.28, 0.0], last=(0.2, 0.0)), Motion)  # the arm lags behind
    refused(check([0.32, 0.0], last=(0.25, 0.0)), Cause.START_JUMP, "shoulder", "from the arm")
    refused(check([0.0, 1.01], at=(0, 0.95), last=(0, 0.95)), Cause.POSITION, "elbow")
    refused(check([0.11, 0.0], last=None), Cause.VELOCITY)  # the first: from where the arm is
    fast = command([0.1], [[0.05, 0.0]], [[1.3, 0.0]])
    refused(check_streamed(fast, AT_ZERO, StreamTarget(np.zeros(2), 0.95), 1.0, EXACT), Cause.VELOCITY, "1.300")
    placed = check_streamed(
        command([0.1], [[0.87, 0.0]]), ArmState(np.array([0.84, 0]), np.zeros(2), 0.0),
        StreamTarget(np.array([0.84, 0.0]), 0.95), 1.0, PLACED,
    )  # fmt: skip
    refused(placed, Cause.WORKSPACE)


def test_braking_keeps_its_course_and_its_limits() -> None:
    q, dq = np.array([0.3, 0.2]), np.array([1.0, -0.5])
    times, path, speeds = braking_motion(q, dq, LIMITS, scale=0.5)
    assert times[-1] == pytest.approx(0.5)  # 1 rad/s at half of 4 rad/s^2
    np.testing.assert_allclose(path[-1], q + dq * 0.25)
    np.testing.assert_allclose(speeds[-1], 0.0)
    whole = CubicHermiteSpline([0.0, *times], [q, *path], [dq, *speeds])
    np.testing.assert_allclose(whole(np.linspace(0.01, 0.49, 9), 2), np.tile(-dq / 0.5, (9, 1)), atol=1e-6)
    later, onward, _ = braking_motion(q, dq, LIMITS, scale=0.5, age_s=0.1)
    assert later[-1] == times[-1]
    np.testing.assert_allclose(onward[-1], path[-1] + 0.1 * dq)
    _, at_limit, _ = braking_motion(np.array([1.95, 0.0]), dq, LIMITS, scale=0.5)
    assert at_limit[-1, 0] == pytest.approx(2.0)
    _, still, none = braking_motion(np.array([2.1, 0.0]), np.zeros(2), LIMITS)
    np.testing.assert_array_equal(still, np.tile([2.1, 0.0], (len(still), 1)))
    assert not none.any()


PANDA_ARM = ArmLimits(
    names=tuple(f"panda_joint{i}" for i in range(1, 8)), lower=PANDA_LIMITS.lower_rad, upper=PANDA_LIMITS.upper_rad,
    velocity=PANDA_LIMITS.velocity, acceleration=PANDA_LIMITS.acceleration,
)  # fmt: skip


@pytest.mark.parametrize("step_ms", [1, 8, 50])
def test_the_fastest_allowed_panda_motion_passes(step_ms: int) -> None:
    """Our own planner's motions at the published limits, sampled as they are sent: nothing false is refused."""
    target = HOME_Q + np.array([1.2, 0.8, -0.5, 1.0, 0.4, 0.9, -0.7])
    motion = joint_motion(HOME_Q, target)
    times = np.append(np.arange(0.0, motion.duration_s - 1e-6, step_ms / 1000.0), motion.duration_s)
    q, dq = motion.sample(times)
    verdict = check_trajectory(
        command(times, q, dq),
        ArmState(HOME_Q, np.zeros(7), 0.0),
        Rules(limits=PANDA_ARM, link_points=link_points(PANDA)),
    )
    assert isinstance(verdict, Motion), str(verdict)
    faster = check_trajectory(
        command(times / 1.2, q, dq * 1.2), ArmState(HOME_Q, np.zeros(7), 0.0), Rules(limits=PANDA_ARM)
    )
    assert isinstance(faster, Finding) and faster.cause in (Cause.VELOCITY, Cause.ACCELERATION)


def test_the_pandas_points() -> None:
    """At zero the arm stands upright: Franka's drawing gives the heights and the offsets."""
    points = link_points(PANDA)(np.zeros(7))
    np.testing.assert_allclose(points["panda_joint4"], [0.0825, 0.0, 0.333 + 0.316], atol=1e-12)
    np.testing.assert_allclose(points["panda_joint6"], [0.0, 0.0, 0.333 + 0.316 + 0.384], atol=1e-12)
    np.testing.assert_allclose(points["panda_joint7"], [0.088, 0.0, 0.333 + 0.316 + 0.384], atol=1e-12)
    np.testing.assert_allclose(points["grasp"], PANDA.grasp_pose(np.zeros(7))[:3, 3])
