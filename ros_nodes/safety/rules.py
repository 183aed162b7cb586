"""Everything that the guard holds commands and motion against."""

from __future__ import annotations

from dataclasses import dataclass

from geometry import InputError
from ros_nodes.safety.limits import ArmLimits
from ros_nodes.safety.workspace import LinkPoints, Workspace


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Limits of the arm and its workspace, and the guard's tolerances."""

    limits: ArmLimits
    """Of the joints."""
    workspace: Workspace | None = None
    """Where the links may be; None checks no places."""
    link_points: LinkPoints | None = None
    """Kinematics; None checks no places."""
    tip_speed_m_s: float = 0.0
    """Largest speed of the grasp frame, m/s; 0 for no check."""
    speed_peak_allowance: float = 0.1
    """Fraction by which a speed between points may exceed its limit: curves through samples overshoot a little."""
    acceleration_peak_allowance: float = 2.0 / 3.0
    """The same for accelerations at the ends of a cubic, which through samples of a motion that keeps to a limit
    reach up to 5/3 of it. Means over a segment, and what the points give, may exceed nothing."""
    start_tolerance_rad: float = 0.05
    """How far a trajectory may begin from where the arm is."""
    max_duration_s: float = 30.0
    """Longest trajectory; what a controller would finish if the guard died."""
    max_start_delay_s: float = 1.0
    """Longest time from now until a stamped trajectory begins."""
    allow_return: bool = False
    """Let an arm that is outside its limits or its workspace move, if it goes no farther outside."""
    position_margin_rad: float = 0.02
    """How far outside the joint limits a measurement may lie."""
    speed_margin: float = 0.2
    """Fraction by which a measured joint or tip speed may exceed its limit."""
    place_margin_m: float = 0.01
    """How far outside the workspace a measured place may lie."""
    tracking_tolerance_rad: float = 0.2
    """How far the arm may be from everywhere that it should have been lately; 0 for no check."""
    tracking_window_s: float = 0.5
    """What lately is: the lag and lead in time that are no fault."""
    stream_lead_rad: float = 0.2
    """How far a streamed target may lie ahead of what the joints can reach in its time."""
    braking_scale: float = 0.5
    """Fraction of the accelerations that a stop brakes with."""
    overdue_after_s: float = 3.0
    """Time after a trajectory's end, beside the goal's own time tolerance, in which the controller must answer."""

    def __post_init__(self) -> None:
        above_0 = ("braking_scale", "max_duration_s", "tracking_window_s", "overdue_after_s")
        numbers = {name: value for name, value in vars(self).items() if isinstance(value, float)}
        wrong = [
            f"{name} {value}"
            for name, value in numbers.items()
            if not 0.0 <= value < float("inf") or (name in above_0 and value == 0.0)
        ]
        if wrong:
            raise InputError("Rules", expected="finite numbers, not below 0", got=", ".join(wrong))
