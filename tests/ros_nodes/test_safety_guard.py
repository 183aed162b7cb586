"""The guard as a whole without ROS: signals, the watch over a motion, stops that stay, and resets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ros_nodes.safety.command import Command
from ros_nodes.safety.findings import Cause, Finding
from ros_nodes.safety.guard import Guard
from ros_nodes.safety.guard_clock import GuardClock
from ros_nodes.safety.interpolation import Motion
from ros_nodes.safety.limits import ArmLimits
from ros_nodes.safety.rules import Rules
from ros_nodes.safety.signals import SignalRules
from ros_nodes.safety.workspace import Workspace

LIMITS = ArmLimits(names=("a", "b"), lower=(-2.0, -1.0), upper=(2.0, 1.0), velocity=(1.0, 2.0), acceleration=(4.0, 8.0))
RULES = Rules(limits=LIMITS, tracking_tolerance_rad=0.1, tracking_window_s=0.2, overdue_after_s=1.0)
SIGNALS = SignalRules(stale_after_s=0.25, heartbeat_timeout_s=0.5, deadman_timeout_s=0.5)


class Stage:
    """A guard with an arm that follows what was let through, in steps of 10 ms."""

    def __init__(self, rules: Rules = RULES, signals: SignalRules = SIGNALS, refusals_to_stop: int = 3) -> None:
        self.guard = Guard(rules, signals, refusals_to_stop=refusals_to_stop)
        self.now = 100.0
        self.q, self.dq = np.zeros(2), np.zeros(2)
        self.motion: Motion | None = None
        self.began = 0.0
        self.frozen = self.silent = False
        self.sees()

    def sees(self) -> None:
        self.guard.signals.joint_state(self.q, self.dq, self.now, self.now)

    def goal(self, joint: int = 0, to: float = 1.0, seconds: float = 4.0) -> Motion | Finding:
        end = self.q.copy()
        end[joint] = to
        command = Command(np.array([0.0, seconds]), np.stack([self.q, end]), np.zeros((2, 2)), np.full((2, 2), np.nan))
        verdict = self.guard.admit_goal(command, self.now)
        if isinstance(verdict, Motion):
            self.guard.begin_goal(verdict, 0.0, 0.0, self.now)
            self.motion, self.began = verdict, self.now
        return verdict

    def point(self, q: tuple[float, float], seconds: float = 0.1) -> Finding | None:
        nothing = np.full((1, 2), np.nan)
        return self.guard.admit_streamed(Command(np.array([seconds]), np.array([q]), nothing, nothing), self.now)

    def run(self, seconds: float, *, beat: bool = False, hold: bool = False) -> Finding | None:
        """Until the first stop, or for so long."""
        for _ in range(round(seconds / 0.01)):
            self.now += 0.01
            if self.motion is not None and not self.frozen:
                self.q, self.dq = self.motion.at(self.now - self.began)
            if not self.silent:
                self.sees()
            if beat:
                self.guard.signals.heartbeat(self.now)
            if hold:
                self.guard.signals.deadman(True, self.now)
            finding = self.guard.tick(self.now)
            if finding is not None:
                return finding
        return None

    def rest(self) -> None:
        """The arm obeys the stop."""
        self.motion, self.dq = None, np.zeros(2)
        self.guard.forget_motion()
        self.now += 0.01
        self.sees()

    def reset(self, controller_ready: bool = True) -> list[Cause]:
        return [finding.cause for finding in self.guard.reset(self.now, controller_ready=controller_ready)]

    def level(self) -> str:
        return self.guard.status(self.now).level

    def message(self) -> str:
        return self.guard.status(self.now).message


def stopped_for(finding: Finding | None, cause: Cause, *words: str) -> None:
    assert finding is not None, "nothing stopped it"
    assert finding.cause is cause and all(word in str(finding) for word in words), str(finding)


def test_a_followed_goal_ends_in_peace() -> None:
    stage = Stage()
    assert stage.message() == "ready"
    assert isinstance(stage.goal(), Motion)
    assert stage.run(4.2) is None and stage.message() == "lets a motion through"
    stage.guard.end_goal()
    assert stage.run(3.0) is None and stage.message() == "ready"
    assert stage.guard.counts == {"goals_let_through": 1}


def test_no_joint_states_no_motion() -> None:
    guard = Guard(RULES, SIGNALS)
    assert guard.status(0.0).level == "warn" and "none came yet" in guard.status(0.0).message
    stage = Stage()
    stage.now += 0.3
    verdict = stage.goal()
    assert isinstance(verdict, Finding) and verdict.cause is Cause.STALE and "0.30 s" in str(verdict)
    stage.sees()
    assert isinstance(stage.goal(), Motion)


def test_joint_states_that_cease_stop_the_arm() -> None:
    stage = Stage()
    stage.goal()
    assert stage.run(1.0) is None
    stage.silent, seen = True, stage.now
    stopped_for(stage.run(1.0), Cause.STALE)
    assert 0.25 < stage.now - seen < 0.28
    assert stage.level() == "error" and "stopped: joint states stale" in stage.message()
    brake = stage.guard.braking(stage.now)
    assert brake is not None
    wanted = stage.motion.at(stage.now - stage.began)  # type: ignore[union-attr]
    np.testing.assert_allclose(brake[1][-1], wanted[0] + wanted[1] * brake[0][-1] / 2.0)
    assert stage.reset() == [Cause.STALE]
    stage.rest()
    assert stage.reset() == [] and stage.level() == "ok"


def test_frozen_stamps_and_nan_are_no_joint_states() -> None:
    stage = Stage()
    stage.goal()
    stage.silent = True
    for _ in range(30):
        stage.now += 0.01
        stage.guard.signals.joint_state(stage.q, stage.dq, 77.0, stage.now)
    stopped_for(stage.guard.tick(stage.now), Cause.STALE, "stamp stands still")
    stage.now += 0.3
    stage.guard.signals.joint_state(np.array([np.nan, 0.0]), stage.dq, 78.0, stage.now)
    assert "not finite" in str(stage.guard.signals.missing(stage.now)[0])


def test_speed_comes_from_positions_where_it_is_not_measured() -> None:
    stage = Stage()
    stage.guard.signals.joint_state(np.zeros(2), np.full(2, np.nan), 1.0, 200.0)
    stage.guard.signals.joint_state(np.array([0.02, -0.01]), np.full(2, np.nan), 2.0, 200.02)
    np.testing.assert_allclose(stage.guard.signals.state.dq, [1.0, -0.5])  # type: ignore[union-attr]


def test_measured_speed_and_position() -> None:
    stage = Stage(replace(RULES, tracking_tolerance_rad=0.0))
    stage.goal()
    stage.run(0.1)
    stage.frozen, stage.dq = True, np.array([1.25, 0.0])
    stopped_for(stage.run(0.1), Cause.VELOCITY, "a measured at 1.250")
    stage = Stage(replace(RULES, tracking_tolerance_rad=0.0))
    stage.goal()
    stage.frozen, stage.q = True, np.array([0.0, -1.03])
    stopped_for(stage.run(0.1), Cause.POSITION, "b measured at -1.0300")


def test_measured_place_and_tip_speed() -> None:
    def points(q: np.ndarray) -> dict[str, np.ndarray]:
        return {"grasp": np.stack([q[..., 0], q[..., 1], np.ones_like(q[..., 0])], axis=-1)}

    box = Workspace(lower_m=(-0.5, -0.5, 0.0), upper_m=(0.5, 0.5, 2.0), table_z_m=0.0)
    rules = replace(RULES, workspace=box, link_points=points, tip_speed_m_s=0.5, tracking_tolerance_rad=0.0)
    for q, dq, cause in (((0.52, 0.0), (0.0, 0.0), Cause.WORKSPACE), ((0.0, 0.0), (0.5, 0.5), Cause.TIP_SPEED)):
        stage = Stage(rules)
        stage.goal(to=0.3)
        stage.run(0.5)
        stage.frozen, stage.q, stage.dq = True, np.array(q), np.array(dq)
        stopped_for(stage.run(0.1), cause)


def test_an_arm_that_does_not_follow() -> None:
    """A stalled arm is found out when everything of the last 0.2 s lies more than 0.1 rad off."""
    stage = Stage()
    stage.goal()
    assert stage.run(1.0) is None
    stage.frozen, stage.dq = True, np.zeros(2)
    stalled = stage.now
    finding = stage.run(2.0)
    stopped_for(finding, Cause.TRACKING, "a 0.1")
    assert 0.3 < stage.now - stalled < 0.7  # 0.28 rad/s there; 0.1 rad takes 0.33 s, and 0.2 s of window
    lagging = Stage()
    lagging.goal(to=1.8, seconds=3.0)
    lagging.began += 0.15  # at up to 0.9 rad/s: 0.135 rad behind
    assert lagging.run(3.5) is None  # within the window


def test_a_controller_that_never_answers() -> None:
    stage = Stage()
    stage.goal()
    stopped_for(stage.run(6.0), Cause.OVERDUE)
    assert stage.now - stage.began == pytest.approx(5.0, abs=0.03)  # 4 s, and 1 s


def test_heartbeat_arms_itself() -> None:
    stage = Stage()
    assert isinstance(stage.goal(), Motion) and stage.run(1.0) is None
    stage = Stage()
    stage.goal()
    assert stage.run(1.0, beat=True) is None
    lost = stage.now
    stopped_for(stage.run(1.0), Cause.HEARTBEAT)
    assert 0.5 < stage.now - lost < 0.53
    stage.rest()
    verdict = stage.goal()
    assert isinstance(verdict, Finding) and "stopped: heartbeat lost" in str(verdict)
    assert stage.reset() == []  # not required: forgotten until the next beat
    assert isinstance(stage.goal(), Motion)


def test_a_commander_that_ends_at_rest_is_forgotten() -> None:
    stage = Stage()
    stage.run(0.5, beat=True)
    stage.run(1.0)
    assert stage.message() == "ready" and isinstance(stage.goal(), Motion) and stage.run(1.0) is None


def test_heartbeat_required() -> None:
    stage = Stage(signals=replace(SIGNALS, heartbeat_required=True))
    verdict = stage.goal()
    assert isinstance(verdict, Finding) and verdict.cause is Cause.HEARTBEAT and stage.level() == "warn"
    stage.run(0.1, beat=True)
    assert isinstance(stage.goal(), Motion)
    stopped_for(stage.run(1.0), Cause.HEARTBEAT)
    stage.rest()
    assert stage.reset() == [Cause.HEARTBEAT]
    stage.run(0.1, beat=True)
    assert stage.reset() == []


def test_deadman() -> None:
    stage = Stage(signals=replace(SIGNALS, deadman_required=True))
    verdict = stage.goal()
    assert isinstance(verdict, Finding) and verdict.cause is Cause.DEADMAN
    stage.run(0.1, hold=True)
    assert isinstance(stage.goal(), Motion) and stage.run(1.0, hold=True) is None
    stage.guard.signals.deadman(False, stage.now)
    stopped_for(stage.run(0.02), Cause.DEADMAN)
    stage.rest()
    assert stage.reset() == [Cause.DEADMAN]
    stage.guard.signals.deadman(True, stage.now)
    assert stage.reset() == [] and isinstance(stage.goal(), Motion)
    stopped_for(stage.run(1.0), Cause.DEADMAN, "renewed 0.5")


def test_a_deadman_let_go_at_rest_only_refuses() -> None:
    stage = Stage(signals=replace(SIGNALS, deadman_required=True))
    stage.run(0.1, hold=True)
    stage.guard.signals.deadman(False, stage.now)
    assert stage.run(1.0) is None and stage.guard.stopped is None and stage.level() == "warn"


def test_a_stop_stays_until_reset_and_says_why() -> None:
    stage = Stage()
    assert stage.guard.stop(Finding(Cause.REQUESTED, "~/stop"), stage.now)
    assert not stage.guard.stop(Finding(Cause.REQUESTED, "again"), stage.now)
    stage.run(10.0)
    verdict = stage.goal()
    assert isinstance(verdict, Finding) and verdict.cause is Cause.STOPPED and "~/stop" in str(verdict)
    assert stage.point((0.0, 0.0)) is not None
    assert stage.message() == "stopped: stop requested: ~/stop" and stage.guard.counts["stops"] == 1
    assert stage.reset(controller_ready=False) == [Cause.CONTROLLER]
    assert stage.reset() == [] and isinstance(stage.goal(), Motion)


def test_no_reset_while_the_arm_moves_or_is_outside() -> None:
    stage = Stage()
    stage.goal()
    stage.run(1.0)
    stage.guard.stop(Finding(Cause.REQUESTED), stage.now)
    assert stage.reset() == [Cause.VELOCITY]
    stage.run(3.1)
    assert "THE ARM STILL MOVES" not in stage.message()  # it came to rest at the end
    stage.rest()
    stage.q = np.array([2.05, 0.0])
    stage.now += 0.01
    stage.sees()
    assert stage.reset() == [Cause.POSITION]
    returning = Stage(replace(RULES, allow_return=True))
    returning.q = np.array([2.05, 0.0])
    returning.now += 0.01
    returning.sees()
    returning.guard.stop(Finding(Cause.POSITION), returning.now)
    assert returning.reset() == []
    assert isinstance(returning.goal(to=1.5), Motion) and returning.run(4.0) is None


def test_an_arm_that_ignores_the_stop_is_cried_out() -> None:
    stage = Stage()
    stage.goal(seconds=9.0)
    stage.run(1.0)
    stage.guard.stop(Finding(Cause.REQUESTED), stage.now)
    stage.guard.forget_motion()
    stage.run(1.9)
    assert "STILL MOVES" not in stage.message()
    stage.run(0.2)
    assert "THE ARM STILL MOVES" in stage.message()


def test_a_motion_that_nobody_asked_for_is_said() -> None:
    """As after a restart in mid-motion, when the controller still drives what an earlier guard let through."""
    stage = Stage()
    stage.dq = np.array([0.0, 0.2])
    stage.run(0.9)
    assert stage.message() == "ready"
    stage.run(0.3)
    assert stage.level() == "warn" and "not by anything that was let through" in stage.message()
    stage.dq = np.zeros(2)
    stage.run(0.1)
    assert stage.message() == "ready"


def test_a_stream_passes_and_a_jump_does_not() -> None:
    stage = Stage()
    for step in range(1, 40):
        assert stage.point((0.04 * step, 0.0)) is None
        stage.run(0.05)
        stage.q = np.array([0.04 * (step - 1), 0.0])
    assert stage.guard.moving
    finding = stage.point((0.0, 0.0))
    assert finding is not None and finding.cause is Cause.VELOCITY and stage.level() == "warn"
    assert stage.guard.stopped is None and stage.guard.counts["points_refused"] == 1
    stage.point((0.0, 0.0))
    stage.point((0.0, 0.0))
    stopped_for(stage.guard.stopped, Cause.STREAM, "3, the last for velocity limit")


def test_refusals_that_are_not_in_a_row_do_not_stop() -> None:
    stage = Stage()
    for _ in range(6):
        assert stage.point((0.02, 0.0)) is None
        assert stage.point((1.9, 0.0)) is not None
    assert stage.guard.stopped is None


def test_a_stream_that_ends_is_forgotten() -> None:
    stage = Stage()
    stage.point((0.05, 0.0))
    assert stage.guard.moving
    stage.run(1.0)
    assert not stage.guard.moving


def test_a_goal_keeps_the_stream_out() -> None:
    stage = Stage()
    stage.goal()
    finding = stage.point((0.0, 0.0))
    assert finding is not None and finding.cause is Cause.BUSY


def test_a_clock_that_jumps() -> None:
    clock = GuardClock()
    assert clock.read(1000.0, "ros", 0.0) == 0.0
    assert clock.read(1000.5, "ros", 0.5) == 0.5 and clock.jump is None
    assert clock.read(3.0, "ros", 0.51) == 0.5 and clock.jump == (-997.5, 0.51)  # the simulation was restarted
    assert clock.read(3.25, "ros", 0.76) == 0.75
    assert clock.read(33.25, "ros", 0.77) == 0.75 and clock.jump == (30.0, 0.77)
    assert clock.read(34.0, "ros", 0.78) == 1.5, "a simulation may be fast"
    assert clock.read(9e9, "steady", 9e9) == 1.5
    assert clock.read(9e9 + 60.0, "steady", 9e9 + 60.0) == 61.5, "the machine slept"
