"""How a pickup ended, with the name of one of MoveIt's error codes and one line for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from policies import RobotStopped

Code = Literal[
    "SUCCESS",
    "FAILURE",
    "PLANNING_FAILED",
    "CONTROL_FAILED",
    "TIMED_OUT",
    "PREEMPTED",
    "GOAL_IN_COLLISION",
    "INVALID_GOAL_CONSTRAINTS",
    "INVALID_OBJECT_NAME",
    "INVALID_ROBOT_STATE",
    "FRAME_TRANSFORM_FAILURE",
    "ROBOT_STATE_STALE",
    "SENSOR_INFO_STALE",
    "UNABLE_TO_AQUIRE_SENSOR_DATA",
    "COMMUNICATION_FAILURE",
    "NO_IK_SOLUTION",
]
_OF_STOPS: dict[str, Code] = {
    "canceled": "PREEMPTED",
    "stale": "ROBOT_STATE_STALE",
    "timeout": "TIMED_OUT",
    "control": "CONTROL_FAILED",
    "communication": "COMMUNICATION_FAILURE",
    "transform": "FRAME_TRANSFORM_FAILURE",
}


class Ending(NamedTuple):
    """How a task ended."""

    code: Code
    """Name in moveit_msgs/MoveItErrorCodes."""
    message: str
    """Why, in one line."""
    grasp: Any = None
    """moveit_msgs/Grasp that succeeded, or was tried last."""
    stages: tuple[tuple[str, Any], ...] = ()
    """Where only a plan was wanted: name and `JointTrajectory` of each motion."""

    @property
    def succeeded(self) -> bool:
        """Whether what was asked for is done."""
        return self.code == "SUCCESS"


def ending_of_stop(stop: RobotStopped) -> Ending:
    """The ending where the robot stopped for good."""
    return Ending(_OF_STOPS[stop.kind], stop.reason)


def ending_of_refusals(refused: Mapping[str, int]) -> Ending:
    """The ending where no grasp could be reached: for lack of reach alone, or because something is in the way."""
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(refused.items(), key=lambda item: -item[1]))
    if not refused:
        return Ending("PLANNING_FAILED", "there is no grasp to try")
    code: Code = "NO_IK_SOLUTION" if set(refused) == {"out of reach"} else "GOAL_IN_COLLISION"
    return Ending(code, f"no grasp can be reached: {told}")
