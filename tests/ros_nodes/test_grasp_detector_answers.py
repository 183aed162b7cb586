"""Requests and answers of moveit_msgs/srv/GraspPlanning as the node reads and writes them."""

from __future__ import annotations

import pytest
from geometry_msgs.msg import Pose, Quaternion
from moveit_msgs.msg import CollisionObject, MoveItErrorCodes

from geometry import InputError
from ros_nodes.grasp_detector.planning_answers import error_code, target_of
from ros_nodes.grasp_detector.problems import Problem, ProblemKind


def thing(frame: str = "table") -> CollisionObject:
    """Something at (1, 2, 3), turned by 90 degrees about z."""
    target = CollisionObject(id="cup")
    target.header.frame_id = frame
    target.pose.position.x, target.pose.position.y, target.pose.position.z = 1.0, 2.0, 3.0
    target.pose.orientation = Quaternion(x=0.0, y=0.0, z=0.5**0.5, w=0.5**0.5)
    return target


def at(x: float, y: float, z: float) -> Pose:
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z = x, y, z
    pose.orientation.w = 1.0
    return pose


def test_a_target_is_where_its_pose_and_its_first_part_say() -> None:
    assert target_of(CollisionObject()) is None, "without an id anything will do"
    plain = target_of(thing())
    assert plain is not None and plain.frame_id == "table" and plain.point_m.tolist() == [1.0, 2.0, 3.0]
    with_part = thing()
    with_part.primitive_poses = [at(0.5, 0.0, 0.0), at(9.0, 9.0, 9.0)]
    part = target_of(with_part)
    assert part is not None and part.point_m == pytest.approx((1.0, 2.5, 3.0)), "x of the turned object is y outside"
    with_mesh = thing()
    with_mesh.mesh_poses = [at(0.0, 0.0, 1.0)]
    mesh = target_of(with_mesh)
    assert mesh is not None and mesh.point_m == pytest.approx((1.0, 2.0, 4.0))


def test_a_quaternion_that_nobody_filled_in_is_no_rotation() -> None:
    target = thing()
    target.pose.orientation = Quaternion(x=0.0, y=0.0, z=0.0, w=0.0)
    found = target_of(target)
    assert found is not None and found.point_m.tolist() == [1.0, 2.0, 3.0]


def test_targets_that_cannot_be_found_are_refused() -> None:
    with pytest.raises(InputError, match="frame_id"):
        target_of(thing(frame=""))
    nowhere = thing()
    nowhere.pose.position.x = float("nan")
    with pytest.raises(InputError):
        target_of(nowhere)


def test_every_problem_has_a_code_and_its_reason() -> None:
    assert error_code(None).val == MoveItErrorCodes.SUCCESS
    codes = {kind: error_code(Problem(kind, f"why: {kind.value}")) for kind in ProblemKind}
    assert all(code.val != MoveItErrorCodes.SUCCESS for code in codes.values())
    assert codes[ProblemKind.NO_GRASP].val == MoveItErrorCodes.PLANNING_FAILED
    assert codes[ProblemKind.NO_TRANSFORM].val == MoveItErrorCodes.FRAME_TRANSFORM_FAILURE
    if hasattr(MoveItErrorCodes(), "message"):  # not in Humble
        assert codes[ProblemKind.NO_FRAME].message == "why: no frame"
