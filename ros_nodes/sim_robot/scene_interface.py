"""What a simulation has and a robot has not: true poses, goals, a score, and new scenes on request."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import Point, Pose, PoseStamped, PoseWithCovariance, Quaternion, Vector3
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from std_srvs.srv import Trigger
from vision_msgs.msg import (
    BoundingBox3D,
    Detection3D,
    Detection3DArray,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
)

from geometry import FloatArray, InputError
from ros_nodes.messages.poses import pose_from_matrix
from ros_nodes.messages.stamps import header_at
from ros_nodes.sim_robot.physics_thread import PhysicsThread, outcome_of
from ros_nodes.sim_robot.robot import SimRobot
from ros_nodes.sim_robot.scene_maker import SceneMaker
from ros_nodes.sim_robot.schedule import Schedule
from ros_nodes.sim_robot.settings import SimRobotSettings
from ros_nodes.sim_robot.sim_scene import Thing
from ros_nodes.trigger_answers import answering

_SLOW_S, _QUICK_S = 60.0, 10.0


class SceneInterface:
    """Offers the scenes of a robot.

    Args:
        node: offers them.
        robot: stands in them; asked for when it is there.
        settings: asked for the newest settings.
        maker: makes new scenes.
        physics: the thread that steps the world.
    """

    def __init__(
        self,
        node: Node,
        robot: Callable[[], SimRobot],
        settings: Callable[[], SimRobotSettings],
        maker: SceneMaker,
        physics: PhysicsThread,
    ) -> None:
        self._robot, self._settings, self._maker, self._physics = robot, settings, maker, physics
        self._schedule = Schedule()
        self._objects = node.create_publisher(Detection3DArray, "~/objects", 10)
        self._goals = node.create_publisher(Detection3DArray, "~/goals", 10)
        self._goal = node.create_publisher(PoseStamped, "~/goal", 10)
        group = MutuallyExclusiveCallbackGroup()
        for name, job in (("next_scene", self._next), ("reset", self._reset), ("score", self._score)):
            node.create_service(Trigger, f"~/{name}", answering(job), callback_group=group)

    def on_step(self, robot: SimRobot) -> None:
        """Publish what is due; in the thread that steps the world."""
        settings = self._settings()
        if not self._schedule.due(robot.uptime_s, 1.0 / settings.object_rate_hz):
            return
        header = header_at(robot.time_ns, settings.world_frame)
        things = [_detection(thing, header) for thing in robot.scene.things()]
        self._objects.publish(Detection3DArray(header=header, detections=things))
        goals = robot.scene.goals()
        if goals:
            marks = [_mark(name, place, header) for name, place in goals.items()]
            self._goals.publish(Detection3DArray(header=header, detections=marks))
            self._goal.publish(PoseStamped(header=header, pose=_at(next(iter(goals.values())))))

    def _next(self) -> str:
        return self._change(lambda: self._maker.make_next(self._settings()))

    def _reset(self) -> str:
        return self._change(lambda: self._maker.make_first(self._settings()))

    def _change(self, make: Callable[[], Any]) -> str:
        def change() -> str:
            self._robot().change_scene(make)
            return _score_of(self._robot())

        return _told(outcome_of(self._physics.between_steps(change), _SLOW_S))

    def _score(self) -> str:
        def score() -> str:
            self._robot().settle_if_due()
            return _score_of(self._robot())

        return _told(outcome_of(self._physics.between_steps(score), _QUICK_S))


def _told(message: str | None) -> str:
    if message is None:
        raise InputError("simulation", expected="an answer", got="none in time: it is shutting down, or stuck")
    return message


def _score_of(robot: SimRobot) -> str:
    return json.dumps(robot.scene.score() | {"sorted_out": not robot.gripper.released})


def _detection(thing: Thing, header: Any) -> Detection3D:
    x, y, z = (float(size) for size in thing.size_m)
    box = BoundingBox3D(center=pose_from_matrix(thing.T_world_thing @ thing.T_thing_box), size=Vector3(x=x, y=y, z=z))
    return _named(thing.name, pose_from_matrix(thing.T_world_thing), box, header)


def _mark(name: str, place: FloatArray, header: Any) -> Detection3D:
    return _named(name, _at(place), BoundingBox3D(center=_at(place)), header)


def _named(name: str, pose: Pose, box: BoundingBox3D, header: Any) -> Detection3D:
    hypothesis = ObjectHypothesisWithPose(
        hypothesis=ObjectHypothesis(class_id=name, score=1.0), pose=PoseWithCovariance(pose=pose)
    )
    return Detection3D(header=header, results=[hypothesis], bbox=box, id=name)


def _at(place: FloatArray) -> Pose:
    x, y, z = (float(number) for number in place)
    return Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(w=1.0))
