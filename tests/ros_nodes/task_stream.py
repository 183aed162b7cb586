"""A task that an expert plays in its environment, as the messages that a robot would publish meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from geometry_msgs.msg import Point, PoseStamped, TransformStamped, Vector3
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import BoundingBox3D, Detection3D, Detection3DArray

from envs.manipulation import ManipulationEnv
from envs.manipulation.arm import T_WORLD_BASE
from geometry import from_pos_quat, invert
from policies.demonstrations import Episode, ExpertDemonstrator
from policies.experts import make_expert
from ros_nodes.messages.poses import pose_from_matrix, transform_from_matrix
from ros_nodes.messages.stamps import stamp_of
from ros_nodes.robot_settings import RobotSettings

BEGIN_S = 100.0
ROBOT = RobotSettings()
TYPES = {"joint_states": JointState, "objects": Detection3DArray, "goal": PoseStamped, "action": JointState}


class Told(NamedTuple):
    """One message, and when it was received."""

    source: str
    received_s: float
    msg: Any


class Played(NamedTuple):
    """What was played: the messages, and the environment's own record of it."""

    messages: list[Told]
    episode: Episode
    end_s: float


def tf_static() -> TFMessage:
    """The robot's base in the world."""
    header = Header(frame_id="world", stamp=stamp_of(BEGIN_S))
    base = TransformStamped(
        header=header, child_frame_id=ROBOT.base_frame, transform=transform_from_matrix(T_WORLD_BASE)
    )
    return TFMessage(transforms=[base])


def world_in_base(frame: str, stamp: Any) -> tuple[Any, str]:
    """The world's frame, which poses are told in, in the base's."""
    return (invert(T_WORLD_BASE), "") if frame == "world" else (None, "no such frame")


def play(task: str, seed: int, *, steps: int = 50, delay_s: float = 0.004) -> Played:
    """An expert's episode; before it the robot stands still for a second."""
    env: ManipulationEnv = gymnasium.make(f"graspmimic/{task}-v0").unwrapped  # type: ignore[assignment]
    seen, _ = env.reset(seed=seed)
    expert = ExpertDemonstrator(make_expert(task))
    expert.reset(env, np.random.default_rng(seed))
    messages = [told for n in range(25) for told in _scene(env, BEGIN_S + 0.04 * n, delay_s)]
    seen_all, actions, info = [seen], [], {"is_success": False}
    for step in range(steps):
        now_s = BEGIN_S + 1.0 + 0.04 * step
        messages += _scene(env, now_s, delay_s)
        action = np.clip(np.asarray(expert.act(env, seen), dtype=np.float32), -1.0, 1.0)
        messages.append(Told("action", now_s + delay_s, _action(env, action, now_s)))
        seen, _, _, _, info = env.step(action)
        seen_all.append(seen)
        actions.append(action)
    end_s = BEGIN_S + 1.0 + 0.04 * steps
    for n in range(5):  # the robot's messages go on
        messages += _scene(env, end_s + 0.04 * n, delay_s)
    env.close()
    rows = [one if isinstance(one, dict) else {"observation": one} for one in seen_all]
    episode = Episode(
        observations={key: np.stack([row[key] for row in rows]) for key in rows[0]},
        actions=np.stack(actions),
        rewards=np.zeros(steps, dtype=np.float32),
        success=bool(info["is_success"]),
    )
    return Played(messages, episode, end_s + 0.2)


def _scene(env: ManipulationEnv, now_s: float, delay_s: float) -> Iterator[Told]:
    """Joints, poses in the world, and the goal."""
    header = Header(frame_id="world", stamp=stamp_of(now_s))
    arm = env.scene.arm.state
    finger = 0.5 * arm.opening_m
    joints = JointState(
        header=Header(stamp=stamp_of(now_s)),
        name=[*ROBOT.finger_joint_names, *ROBOT.joint_names],
        position=[finger, finger, *arm.q],
        velocity=[0.0, 0.0, *arm.dq],
    )
    yield Told("joint_states", now_s + delay_s, joints)
    detections = []
    for prop in env.scene.props:
        box = BoundingBox3D(
            center=pose_from_matrix(from_pos_quat(prop.state.position, prop.state.quat_xyzw)),
            size=Vector3(x=prop.prop.size_m[0], y=prop.prop.size_m[1], z=prop.prop.size_m[2]),
        )
        detections.append(Detection3D(header=header, id=prop.prop.name, bbox=box))
    yield Told("objects", now_s + delay_s, Detection3DArray(header=header, detections=detections))
    if len(env.task.goal):
        x, y, z = map(float, env.task.goal[:3])
        goal = PoseStamped(header=header)
        goal.pose.position = Point(x=x, y=y, z=z)
        yield Told("goal", now_s + delay_s, goal)


def _action(env: ManipulationEnv, action: np.ndarray, now_s: float) -> JointState:
    names = [entry.name for entry in env.action_entries]
    return JointState(header=Header(stamp=stamp_of(now_s)), name=names, position=[float(a) for a in action])
