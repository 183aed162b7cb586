"""The gripper's controller: to a position at the hand's speed, until it is there or something stops it."""

from __future__ import annotations

from typing import NamedTuple

from envs.panda import PandaGripper
from geometry import PANDA_HAND
from ros_nodes.sim_robot.ticket import Ticket

DEFAULT_FORCE_N = 40.0
"""Force of one finger where a goal names none."""
MAX_FORCE_N = 70.0
"""The most that the Franka Hand holds with, continuously."""
HOLDING_WIDTH_M = 0.002
"""Fingers that stop closer together than this hold nothing."""
_REACHED_M = 0.001
_OPENING_M = 0.005
_STILL_M_S = 1e-3
_FINGER_JOINTS = 2


class GripperOutcome(NamedTuple):
    """How a goal ended."""

    width_m: float
    effort_n: float
    """Mean force of the two fingers on what is between them."""
    reached: bool
    stalled: bool
    """Whether something stopped the fingers before."""
    canceled: bool = False
    preempted: bool = False
    """Whether a newer goal took over."""

    @property
    def succeeded(self) -> bool:
        """Whether the fingers came to rest where they should, or on something."""
        return (self.reached or self.stalled) and not self.canceled


GripperTicket = Ticket[GripperOutcome]


class GripperController:
    """Moves the fingers of one gripper; it belongs to the thread that steps the world.

    Args:
        gripper: the fingers.
    """

    def __init__(self, gripper: PandaGripper) -> None:
        self._gripper = gripper
        self._ticket: GripperTicket | None = None
        self._target_m, self._force_n = gripper.width_m, DEFAULT_FORCE_N
        self._started_s = self._still_since_s = 0.0
        self.jammed = False
        """Whether the fingers are stuck where they are, as a fault."""
        self.released = False
        """Whether the fingers were told to open since this was last set to False."""

    @property
    def idle(self) -> bool:
        """Whether no goal is under way."""
        return self._ticket is None

    @property
    def effort_n(self) -> float:
        """Mean force of the two fingers."""
        hold = self._gripper.hold()
        return 0.5 * (hold.left_force_n + hold.right_force_n)

    def holding(self) -> bool:
        """Whether the fingers are closed on something: it presses on both, and keeps them from their target."""
        hold = self._gripper.hold()
        return hold.width_m - self._target_m > HOLDING_WIDTH_M and hold.holds(HOLDING_WIDTH_M)

    def start(self, width_m: float, max_effort_n: float, now_s: float, ticket: GripperTicket) -> None:
        """Head for a gap between the fingers; a goal under way is aborted.

        Args:
            width_m: cut off at what the fingers can do.
            max_effort_n: force of each finger; 0 is the default.
            now_s: the time.
            ticket: finished when the fingers have come to rest.
        """
        self._end(reached=False, stalled=False, preempted=True)
        self._ticket, self._started_s, self._still_since_s = ticket, now_s, now_s
        opening = width_m - self._gripper.width_m > _OPENING_M
        self._target_m = min(max(width_m, 0.0), PANDA_HAND.max_width_m)
        self._force_n = min(max_effort_n, MAX_FORCE_N) if max_effort_n > 0.0 else DEFAULT_FORCE_N
        self.released = self.released or opening
        if not self.jammed:
            self._gripper.open(self._target_m, force_n=self._force_n)

    def cancel(self, ticket: GripperTicket) -> None:
        """Stop the fingers where they are."""
        if ticket is self._ticket:
            self._freeze()
            self._end(reached=False, stalled=False, canceled=True)

    def abandon(self) -> None:
        """End the goal under way, without moving anything."""
        self._end(reached=False, stalled=False)

    def set_jammed(self, jammed: bool) -> None:
        """Let the fingers stick where they are, or free them; freed, they go on to their target."""
        if jammed == self.jammed:
            return
        self.jammed = jammed
        if jammed:
            self._freeze()
        else:
            self._gripper.open(self._target_m, force_n=self._force_n)

    def observe(self, now_s: float, *, stall_time_s: float, timeout_s: float) -> None:
        """End the goal that has ended, after a step of the world.

        Args:
            now_s: the time.
            stall_time_s: fingers that stand still for so long are stopped by something.
            timeout_s: how long a goal may take.
        """
        if self._ticket is None:
            return
        if self._speed() > _STILL_M_S or self.jammed:
            self._still_since_s = now_s
        still = now_s - self._still_since_s >= stall_time_s
        reached = abs(self._gripper.width_m - self._target_m) < _FINGER_JOINTS * _REACHED_M
        if still or now_s - self._started_s > timeout_s:
            self._end(reached=reached, stalled=(still or self.holding()) and not (reached or self.jammed))

    def _speed(self) -> float:
        states = self._gripper.world.bullet.getJointStates(self._gripper.body.uid, self._gripper.finger_joints)
        return max(abs(state[1]) for state in states)

    def _freeze(self) -> None:
        width = min(max(self._gripper.width_m, 0.0), PANDA_HAND.max_width_m)
        self._gripper.open(width, force_n=self._force_n)

    def _end(self, *, reached: bool, stalled: bool, canceled: bool = False, preempted: bool = False) -> None:
        if self._ticket is not None:
            outcome = GripperOutcome(self._gripper.width_m, self.effort_n, reached, stalled, canceled, preempted)
            self._ticket.finish(outcome)
            self._ticket = None
