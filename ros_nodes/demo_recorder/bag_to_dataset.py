"""`bag_to_dataset`: bags become episodes of a set of demonstrations, as if `demo_recorder` had listened.

    ros2 run graspmimic bag_to_dataset BAG [BAG ...] --output SET [--ros-args ...]

Bags of `demo_recorder` and of `ros2 bag record`. After --ros-args stands what the recorder would get: its parameters
(env, actions_from, a robot's file) and remappings (-r action:=/policy_runner/action).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple

import rclpy
from rclpy.logging import get_logger
from rclpy.node import Node

from envs.arms import ArmModel
from geometry import FloatArray, InputError
from policies.demonstrations import Episode, SetInfo
from ros_nodes.arm_settings import arm_of
from ros_nodes.demo_recorder.bag_episode import episode_of_bag, frames_of_bag, read_bag
from ros_nodes.demo_recorder.core_of_settings import core_of_settings
from ros_nodes.demo_recorder.episode_store import EpisodeStore
from ros_nodes.demo_recorder.recorded_topics import topics_of
from ros_nodes.demo_recorder.settings import DemoRecorderSettings
from ros_nodes.parameters import declare_parameters

_ROS_ARGS = "--ros-args"
_BAD_INPUT = 2
_SUCCESS = {"told": None, "yes": True, "no": False}


class ImportedEpisode(NamedTuple):
    """What one bag gave."""

    info: SetInfo
    """Of the set that it belongs to."""
    episode: Episode


def episode_from(
    bag: Path, node: Node, settings: DemoRecorderSettings, *, success: bool | None = None
) -> ImportedEpisode:
    """Make the episode that the recorder would have recorded of a bag's messages.

    Args:
        bag: its folder.
        node: whose remappings name the topics.
        settings: of the recorder.
        success: whether the task was done; None takes what the recorder wrote, or what the last row tells.

    Raises:
        InputError: if it is no bag, or there is no step in it.
    """
    arm, T_base_task = _arm(bag, node, settings), _task_frame(bag, settings)
    core, layout = core_of_settings(settings, arm, lambda frame, stamp: (None, "no bag is read yet"), T_base_task)
    topics = {node.resolve_topic_name(topic.name): topic.source for topic in topics_of(core.sources)}
    episode = episode_of_bag(
        bag,
        lambda frame_in_base: core_of_settings(settings, arm, frame_in_base, T_base_task)[0],
        topics,
        base_frame=settings.base_frame,
        success=success,
        task=settings.task,
    )
    if episode is None:
        expected = f"two moments or more at which {', '.join(topics)} are all there"
        remedy = "remap the topics (-r action:=/policy_runner/action), and see actions_from"
        raise InputError(str(bag), expected=expected, got=_heard(bag, set(topics)), remedy=remedy)
    return ImportedEpisode(layout.info, episode)


def main(args: list[str] | None = None) -> int:
    """Import bags; the exit status: 2 where one could not be, and the bags before it are kept."""
    words = sys.argv[1:] if args is None else args
    ours = words.index(_ROS_ARGS) if _ROS_ARGS in words else len(words)
    asked = _parser().parse_args(words[:ours])
    rclpy.init(args=words[ours:])
    node = Node("demo_recorder")
    try:
        settings = declare_parameters(node, DemoRecorderSettings).current
        output = Path(asked.output or settings.folder).expanduser()
        for bag in asked.bags:
            made = episode_from(bag, node, settings, success=_SUCCESS[asked.success])
            number = EpisodeStore(output, made.info).keep(made.episode)
            outcome = "success" if made.episode.success else "no success"
            ended = made.episode.provenance["ended"]
            node.get_logger().info(f"{bag}: episode {number}, {len(made.episode)} steps, {outcome}, ended: {ended}")
    except InputError as error:
        get_logger("graspmimic").fatal(str(error))
        return _BAD_INPUT
    finally:
        node.destroy_node()
        rclpy.shutdown()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bag_to_dataset", description="Bags become episodes of a set.")
    parser.add_argument("bags", nargs="+", type=Path, metavar="BAG", help="folder of a bag; each gives one episode")
    parser.add_argument(
        "--output", metavar="SET", help="folder of the set; the recorder's parameter folder if not given"
    )
    parser.add_argument(
        "--success",
        choices=tuple(_SUCCESS),
        default="told",
        help="of all the bags; told: as the recorder, or the goal, tells",
    )
    return parser


def _heard(bag: Path, topics: set[str]) -> str:
    heard = {message.topic for message in read_bag(bag, topics)}
    return f"nothing on {', '.join(sorted(topics - heard))}" if topics - heard else "gaps from the first moment on"


def _arm(bag: Path, node: Node, settings: DemoRecorderSettings) -> ArmModel:
    if settings.kinematics == "panda":
        return arm_of(settings)
    told: list[Any] = [one.msg.data for one in read_bag(bag, {node.resolve_topic_name("robot_description")})]
    return arm_of(settings, told[-1] if told else None)


def _task_frame(bag: Path, settings: DemoRecorderSettings) -> FloatArray | None:
    """(4, 4) the task's frame in the robot's base where one is named, as the bag's TF tells it last."""
    if not settings.env or not settings.task_frame:
        return None
    T_base_task, problem = frames_of_bag(bag).pose(settings.task_frame, settings.base_frame, float("inf"))
    if T_base_task is None:
        raise InputError("parameter task_frame", expected="a frame of the bag's TF", got=problem)
    return T_base_task


if __name__ == "__main__":
    sys.exit(main())
