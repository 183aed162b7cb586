"""The parameters of `demo_recorder`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geometry import InputError
from ros_nodes.arm_settings import ArmSettings
from ros_nodes.demo_recorder.row_actions import ACTIONS_FROM
from ros_nodes.setting import setting
from ros_nodes.task_view.settings import TaskFrameSettings


@dataclass(frozen=True, kw_only=True)
class DemoRecorderSettings(TaskFrameSettings, ArmSettings):
    """What is recorded, and where it goes; all but the words and the ages is fixed when the node starts."""

    folder: str = setting(
        "demonstrations", "Folder of the set; a new one, or one of the same layout that is added to.", read_only=True
    )
    env: str = setting(
        "graspmimic/PickPlace-v0",
        "Environment whose observations and actions are recorded; empty records the robot's own numbers.",
        read_only=True,
    )
    env_options: str = setting("{}", "What gymnasium.make takes beside it, as one JSON object.", read_only=True)
    actions_from: str = setting(
        "topic",
        "What tells the actions: messages on action, one a step (topic), joint trajectories that are sent to the arm "
        "(command), or what the hand and the gripper do (motion).",
        choices=ACTIONS_FROM,
        read_only=True,
    )
    task: str = setting("", "What is done, in words; written into each episode.")
    source: str = setting(
        "human",
        "Who demonstrates; written into each episode.",
        choices=("human", "policy", "expert", "keyboard", "gamepad", "intervention"),
    )
    rate_hz: float = setting(
        25.0, "Moments a second where no environment says it.", low=0.1, high=1000.0, read_only=True
    )
    things: tuple[str, ...] = setting(
        (), "Things whose poses are recorded where no environment says it.", read_only=True
    )
    goal_of: str = setting("", "Thing whose goal is recorded where no environment says it.", read_only=True)
    images: tuple[str, ...] = setting(
        (), "Pictures that are recorded where no environment is named.", choices=("rgb", "depth"), read_only=True
    )
    image_height: int = setting(64, "Rows that pictures are brought to.", low=1, high=4096, read_only=True)
    image_width: int = setting(64, "Columns that pictures are brought to.", low=1, high=4096, read_only=True)
    depth_near_m: float = setting(0.2, "Depth that is written as 1, m.", low=0.0, high=100.0, read_only=True)
    depth_far_m: float = setting(1.5, "Depth that is written as 255, m.", low=0.01, high=100.0, read_only=True)
    joint_timeout_s: float = setting(
        0.1, "Age of joint_states that ends an episode, s.", low=0.001, high=60.0, read_only=True
    )
    object_timeout_s: float = setting(
        0.2, "Age of the poses of things that ends it, s.", low=0.001, high=60.0, read_only=True
    )
    image_timeout_s: float = setting(0.3, "Age of a picture that ends it, s.", low=0.001, high=60.0, read_only=True)
    goal_timeout_s: float = setting(
        0.0, "Age of the goal that ends it, s; 0 takes it however old it is.", low=0.0, high=3600.0, read_only=True
    )
    settle_s: float = setting(
        0.1, "How long the messages of a moment are waited for, s.", low=0.0, high=5.0, read_only=True
    )
    patience_s: float = setting(
        1.0, "How much longer a source that falls behind is waited for, s.", low=0.0, high=10.0, read_only=True
    )
    lead_s: float = setting(0.2, "From ~/start to the first moment, s.", low=0.0, high=10.0, read_only=True)
    most_steps: int = setting(10_000, "An episode ends by itself after so many.", low=1, high=1_000_000, read_only=True)
    bag: bool = setting(False, "Record the raw messages of each episode into a bag, too.", read_only=True)
    bag_topics: tuple[str, ...] = setting(
        (), "More topics for the bag, each as name=package/msg/Type: /camera/color/image_raw=sensor_msgs/msg/Image.",
        read_only=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        self.options()
        if not self.depth_near_m < self.depth_far_m:
            got = f"{self.depth_near_m} and {self.depth_far_m}"
            raise InputError("parameter depth_near_m", expected="less than depth_far_m", got=got)
        for text in self.bag_topics:
            name, _, kind = text.partition("=")
            if not name or len(kind.split("/")) != 3:
                raise InputError("parameter bag_topics", expected="name=package/msg/Type", got=repr(text))

    def options(self) -> Mapping[str, Any]:
        """The environment's options.

        Raises:
            InputError: if they are no JSON object.
        """
        try:
            told = json.loads(self.env_options)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise InputError("parameter env_options", expected='a JSON object such as {"action": "position_yaw"}',
                             got=repr(self.env_options))  # fmt: skip
        return told

    def ages(self) -> dict[str, float]:
        """How old each source may be, s."""
        return {
            "joint_states": self.joint_timeout_s,
            "objects": self.object_timeout_s,
            "goal": self.goal_timeout_s,
            "goals": self.goal_timeout_s,
            "rgb": self.image_timeout_s,
            "depth": self.image_timeout_s,
        }
