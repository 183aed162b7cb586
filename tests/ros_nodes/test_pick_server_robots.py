"""Other robots and other motion planners: MoveIt, grippers that answer otherwise, an arm from its URDF."""

from __future__ import annotations

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from moveit_msgs.action import MoveGroup
from moveit_msgs.msg import MoveItErrorCodes
from rclpy.action import ActionServer
from rclpy.callback_groups import ReentrantCallbackGroup
from std_msgs.msg import String

from envs.arms import PANDA
from envs.arms.panda import PANDA_URDF
from ros_nodes.qos import LATCHED
from tests.ros_nodes.fake_arm import BASE_M, DROP_Q, NAMES
from tests.ros_nodes.fake_planner import AT, grasp
from tests.ros_nodes.pick_stage import Stage

CODES = MoveItErrorCodes


class MoveIt:
    """Goes where it is told at once, or answers with an error code."""

    def __init__(self, ros, arm) -> None:
        self.asked: list[dict[str, float]] = []
        self.code = CODES.SUCCESS
        self._arm = arm
        group = ReentrantCallbackGroup()
        self._server = ActionServer(ros.node("move_group"), MoveGroup, "move_action", self._go, callback_group=group)

    def _go(self, handle):
        request = handle.request.request
        assert request.group_name == "panda_arm" and len(request.goal_constraints) == 1
        self.asked.append({one.joint_name: one.position for one in request.goal_constraints[0].joint_constraints})
        result = MoveGroup.Result()
        result.error_code.val = self.code
        if self.code == CODES.SUCCESS:
            self._arm.q = np.array([self.asked[-1][name] for name in NAMES])
            handle.succeed()
        else:
            handle.abort()
        return result


def test_moveit_makes_the_free_motions_and_we_the_straight_ones(ros) -> None:
    stage = Stage(ros, motion="moveit")
    moveit = MoveIt(ros, stage.arm)
    assert stage.pick(grasp())[0] == GoalStatus.STATUS_SUCCEEDED
    assert len(moveit.asked) == 1 and len(stage.arm.goals) == 2, "to the pregrasp; approach and lift"
    assert stage.trigger("place") == (True, "placed")
    assert len(moveit.asked) == 2 and len(stage.arm.goals) == 2
    np.testing.assert_allclose([moveit.asked[1][name] for name in NAMES], DROP_Q, atol=1e-9)


@pytest.mark.parametrize(
    ("code", "ends"), [(CODES.PLANNING_FAILED, CODES.FAILURE), (CODES.CONTROL_FAILED, CODES.CONTROL_FAILED)]
)
def test_moveit_that_finds_no_way_is_a_failed_attempt_and_one_that_fails_is_a_fault(ros, code, ends) -> None:
    stage = Stage(ros, motion="moveit", attempts=1)
    moveit = MoveIt(ros, stage.arm)
    moveit.code = code
    assert stage.pick(grasp())[1] == ends
    assert 0.0 not in stage.arm.grips


def test_moveit_is_refused_where_it_is_not_there(ros) -> None:
    stage = Stage(ros, motion="moveit", server_timeout_s=0.3)
    _, code, message, _ = stage.pick(grasp())
    assert code == CODES.COMMUNICATION_FAILURE and message.startswith("there is no move_group of MoveIt")
    assert not stage.arm.goals


def test_a_gripper_that_calls_a_held_thing_a_failure(ros) -> None:
    stage = Stage(ros)
    stage.arm.stall_aborts = True
    assert stage.pick(grasp())[0] == GoalStatus.STATUS_SUCCEEDED


@pytest.mark.parametrize("object_m", [0.03, 0.0])
def test_a_gripper_of_which_joint_states_do_not_tell(ros, object_m) -> None:
    """It is asked by closing it once more; and what was picked up is known without."""
    stage = Stage(ros, attempts=1)
    stage.arm.tells_fingers, stage.arm.object_m = False, object_m
    status, code, _, _ = stage.pick(grasp())
    if object_m:
        assert status == GoalStatus.STATUS_SUCCEEDED
        assert stage.pick(grasp())[1] == CODES.INVALID_ROBOT_STATE, "the hand is full"
        assert stage.trigger("place") == (True, "placed")
    else:
        assert code == CODES.FAILURE
        assert not stage.trigger("place")[0]


def test_an_arm_from_its_description_is_waited_for(ros) -> None:
    """The Panda's own URDF gives the same motions as the built-in Panda."""
    stage = Stage(ros, kinematics="urdf", base_frame="panda_link0", tip_frame="panda_hand")
    _, code, message, _ = stage.pick(grasp())
    assert code == CODES.FRAME_TRANSFORM_FAILURE and "robot_description" in message
    publisher = ros.node("driver").create_publisher(String, "robot_description", LATCHED)
    publisher.publish(String(data=PANDA_URDF.read_text(encoding="utf-8")))
    ros.wait_until(lambda: False, 0.3)
    assert stage.pick(grasp())[0] == GoalStatus.STATUS_SUCCEEDED
    end = PANDA.grasp_pose(stage.arm.goals[1][-1])[:3, 3] + BASE_M
    np.testing.assert_allclose(end, AT[:3, 3], atol=1e-3)
