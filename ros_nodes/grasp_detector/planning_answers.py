"""moveit_msgs/srv/GraspPlanning <-> what the node works with."""

from __future__ import annotations

from typing import Any

import numpy as np
from moveit_msgs.msg import MoveItErrorCodes

from geometry import FloatArray, InputError, transform
from ros_nodes.grasp_detector.problems import Problem, ProblemKind
from ros_nodes.grasp_detector.wishes import TargetPoint
from ros_nodes.messages.poses import matrix_from_pose

_CODES = {
    ProblemKind.NO_FRAME: MoveItErrorCodes.SENSOR_INFO_STALE,
    ProblemKind.BAD_FRAME: MoveItErrorCodes.UNABLE_TO_AQUIRE_SENSOR_DATA,
    ProblemKind.NO_TRANSFORM: MoveItErrorCodes.FRAME_TRANSFORM_FAILURE,
    ProblemKind.BAD_TARGET: MoveItErrorCodes.INVALID_OBJECT_NAME,
    ProblemKind.NO_GRASP: MoveItErrorCodes.PLANNING_FAILED,
    ProblemKind.INACTIVE: MoveItErrorCodes.FAILURE,
    ProblemKind.DEFECT: MoveItErrorCodes.FAILURE,
}


def target_of(target: Any) -> TargetPoint | None:
    """What a request wants grasped.

    Args:
        target: CollisionObject; without an id anything will do. Its place is the middle of its first primitive or
            mesh, or its own pose where it has neither.
    Raises:
        InputError: for a pose that is not finite, or without a frame.
    """
    if not target.id:
        return None
    frame = str(target.header.frame_id)
    if not frame:
        raise InputError(
            f"target {target.id!r}",
            expected="a header.frame_id beside its pose",
            got="none",
            remedy="objects are not known by name here: say where it is, or leave the id empty for anything",
        )
    T = _matrix(target.pose)
    parts = [*target.primitive_poses, *target.mesh_poses]
    if parts:
        T = T @ _matrix(parts[0])
    if not np.isfinite(T).all():
        raise InputError(f"target {target.id!r}", expected="a finite pose", got=f"{T[:3, 3].tolist()}")
    return TargetPoint(frame, T[:3, 3])


def error_code(problem: Problem | None) -> MoveItErrorCodes:
    """SUCCESS, or the nearest of MoveIt's codes with the reason beside it, where the message has room for that."""
    code = MoveItErrorCodes(val=MoveItErrorCodes.SUCCESS if problem is None else _CODES[problem.kind])
    if problem is not None and hasattr(code, "message"):  # Humble's has none
        code.message, code.source = problem.text, "grasp_detector"
    return code


def _matrix(pose: Any) -> FloatArray:
    """(4, 4); a quaternion of zeros, as of a pose that nobody filled in, is no rotation."""
    q, p = pose.orientation, pose.position
    if q.x == q.y == q.z == q.w == 0.0:
        return transform(translation=(p.x, p.y, p.z))
    return matrix_from_pose(pose)
