"""The simulated robot as its hardware would behave: controllers, reflex and clock around one scene after another.

Everything here runs in the thread that steps the world, except `follow`, `stream`, `cancel`, `move_gripper` and
`cancel_gripper`, which hand their wish over to the next step.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from functools import partial

from envs.panda import PANDA_LIMITS
from ros_nodes.sim_robot.contact_reflex import ContactReflex
from ros_nodes.sim_robot.gripper_controller import GripperController, GripperTicket
from ros_nodes.sim_robot.settings import SimRobotSettings
from ros_nodes.sim_robot.sim_scene import SimScene
from ros_nodes.sim_robot.spline import Spline
from ros_nodes.sim_robot.tolerances import Tolerances
from ros_nodes.sim_robot.trajectory_controller import TrajectoryController, TrajectoryOutcome, TrajectoryTicket
from ros_nodes.sim_robot.trajectory_request import ErrorCode, Refusal, TrajectoryRequest, check_trajectory

_EPOCH_NS = 1_000_000_000
"""Simulated time begins at 1 s: in ROS, 0 means that there is no time yet."""


class SimRobot:
    """One robot; its scenes come and go.

    Args:
        scene: the first one.
        settings: asked for the newest settings at every step.
        on_step: called after every step of the world.
        on_trouble: told in one line why a trajectory was aborted, or a streamed one refused.
    """

    def __init__(
        self,
        scene: SimScene,
        settings: Callable[[], SimRobotSettings],
        *,
        on_step: Callable[[], None] = lambda: None,
        on_trouble: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._settings, self._on_step, self._on_trouble = settings, on_step, on_trouble
        self._wishes: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._before_s, self._jumped_ns = 0.0, 0
        self._take(scene)

    @property
    def uptime_s(self) -> float:
        """Simulated seconds of all scenes so far; the controllers' time, which never jumps."""
        return self._before_s + self.scene.world.time_s - self._scene_begun_s

    @property
    def time_ns(self) -> int:
        """The time that /clock tells."""
        return _EPOCH_NS + self._jumped_ns + round(1e9 * self.uptime_s)

    def jump(self, seconds: float) -> None:
        """Set the clock forward or back; it never goes below 0."""
        self._jumped_ns = max(self._jumped_ns + round(1e9 * seconds), -_EPOCH_NS - round(1e9 * self.uptime_s))

    def change_scene(self, make: Callable[[], SimScene]) -> None:
        """Leave this scene for a new one; its arm stands where the new scene begins.

        Args:
            make: makes it; where that fails the old scene stays.
        """
        scene = make()
        self._before_s = self.uptime_s
        self.trajectory.abort(ErrorCode.INVALID_GOAL, "the scene was changed")
        self.gripper.abandon()
        self.close()
        self._take(scene)

    def advance(self) -> None:
        """One step of the world; before, what is due after a release."""
        self.settle_if_due()
        self.scene.world.step()

    def settle_if_due(self) -> None:
        """After a release and with the arm at rest, let the scene sort itself out."""
        if self.gripper.released and self.gripper.idle and self.trajectory.idle:
            self.gripper.released = False
            self.scene.rest()

    def close(self) -> None:
        """Free the world, end what is under way."""
        self.scene.world.on_step = None
        self.trajectory.abort(ErrorCode.INVALID_GOAL, "the robot is shutting down")
        self.gripper.abandon()
        self.scene.close()

    def check(self, request: TrajectoryRequest) -> Refusal | None:
        """Why a trajectory would not be taken now; from any thread."""
        checked = self._checked(request)
        return checked if isinstance(checked, Refusal) else None

    def follow(self, request: TrajectoryRequest, tolerances: Tolerances, ticket: TrajectoryTicket) -> None:
        """Follow a trajectory from the next step on; from any thread."""
        self._wishes.put(partial(self._follow, request, tolerances, ticket))

    def stream(self, request: TrajectoryRequest) -> None:
        """Follow a trajectory that nobody asks about; from any thread."""
        self._wishes.put(partial(self._follow, request, default_tolerances(self._settings()), None))

    def cancel(self, ticket: TrajectoryTicket) -> None:
        """Bring the arm to rest if it follows this; from any thread."""
        self._wishes.put(lambda: self.trajectory.cancel(ticket, self.uptime_s))

    def move_gripper(self, width_m: float, max_effort_n: float, ticket: GripperTicket) -> None:
        """Move the fingers from the next step on; from any thread."""
        self._wishes.put(lambda: self.gripper.start(width_m, max_effort_n, self.uptime_s, ticket))

    def cancel_gripper(self, ticket: GripperTicket) -> None:
        """Stop the fingers if they move for this; from any thread."""
        self._wishes.put(lambda: self.gripper.cancel(ticket))

    def _take(self, scene: SimScene) -> None:
        self.scene, self._scene_begun_s = scene, scene.world.time_s
        self.trajectory = TrajectoryController(self._settings().joint_names, PANDA_LIMITS, scene.arm.q)
        self.gripper = GripperController(scene.arm.gripper)
        self._reflex, self._reflex_armed = ContactReflex(scene.arm), True
        self._command()
        scene.world.on_step = self._after_step

    def _checked(self, request: TrajectoryRequest) -> Spline | Refusal:
        settings = self._settings()
        if request.start_s is not None:
            request = request.starting(request.start_s - 1e-9 * (_EPOCH_NS + self._jumped_ns))
        moving_end = settings.allow_nonzero_velocity_at_trajectory_end
        return check_trajectory(request, self.trajectory.names, PANDA_LIMITS, self.uptime_s, moving_end=moving_end)

    def _follow(self, request: TrajectoryRequest, tolerances: Tolerances, ticket: TrajectoryTicket | None) -> None:
        checked = self._checked(request)
        if isinstance(checked, Refusal):
            if ticket is not None:
                ticket.finish(TrajectoryOutcome(checked.code, checked.reason))
            else:
                self._on_trouble(f"streamed trajectory refused: {checked.reason}")
            return
        self.trajectory.start(checked, tolerances, self.uptime_s, ticket)

    def _after_step(self) -> None:
        settings = self._settings()
        self.gripper.set_jammed(settings.gripper_stuck)
        while not self._wishes.empty():
            self._wishes.get()()
        if settings.controller_stalled:
            self.trajectory.shift(self.scene.world.timestep_s)
        else:
            self._observe(settings)
        self.gripper.observe(
            self.uptime_s, stall_time_s=settings.gripper_stall_time_s, timeout_s=settings.gripper_timeout_s
        )
        self.scene.after_step()
        self._command()
        self._on_step()

    def _observe(self, settings: SimRobotSettings) -> None:
        arm = self.scene.arm
        self.trajectory.observe(self.uptime_s, arm.q, arm.dq)
        progress = self.trajectory.progress_s
        if settings.controller_aborts and progress is not None and 2.0 * self.uptime_s > sum(progress):
            self.trajectory.abort(ErrorCode.PATH_TOLERANCE_VIOLATED, "fault: the controller aborts")
        if settings.reflex_force_n > 0.0 and not self.trajectory.idle:
            self._react(settings.reflex_force_n)
        if self.trajectory.trouble:
            self._on_trouble(self.trajectory.trouble)
            self.trajectory.trouble = ""

    def _react(self, limit_n: float) -> None:
        """Stop at a hard contact; then not again before the arm was free, so that it can leave."""
        contact = self._reflex.hardest(limit_n)
        if contact and self._reflex_armed and not self.gripper.holding():
            self.trajectory.abort(ErrorCode.PATH_TOLERANCE_VIOLATED, f"reflex: {contact}")
        self._reflex_armed = not contact

    def _command(self) -> None:
        if self._settings().controller_stalled:
            self.scene.arm.command(self.trajectory.held_q)
        else:
            self.scene.arm.command(*self.trajectory.command(self.uptime_s, self.scene.world.timestep_s))


def default_tolerances(settings: SimRobotSettings) -> Tolerances:
    """What a trajectory must keep where its goal asks for nothing else."""
    return Tolerances.uniform(
        len(settings.joint_names),
        path_rad=settings.path_tolerance_rad,
        goal_rad=settings.goal_tolerance_rad,
        stopped_rad_s=settings.stopped_velocity_rad_s,
        goal_time_s=settings.goal_time_s,
    )
