"""The recorder that the parameters describe; the same for messages that come live and for those in a bag."""

from __future__ import annotations

from typing import cast

import numpy as np

from envs.arms import ArmModel
from geometry import FloatArray, invert
from ros_nodes.demo_recorder.demo_core import CoreConfig, DemoCore
from ros_nodes.demo_recorder.demo_intake import PictureConfig
from ros_nodes.demo_recorder.episode_recording import Layout
from ros_nodes.demo_recorder.robot_layout import RobotLayout, RobotLayoutConfig
from ros_nodes.demo_recorder.row_actions import ActionsFrom
from ros_nodes.demo_recorder.settings import DemoRecorderSettings
from ros_nodes.demo_recorder.task_layout import TaskLayout
from ros_nodes.task_view.message_intake import FrameInBase, IntakeConfig


def core_of_settings(
    settings: DemoRecorderSettings, arm: ArmModel, frame_in_base: FrameInBase, T_base_task: FloatArray | None = None
) -> tuple[DemoCore, Layout]:
    """The recorder and the layout of its episodes.

    Args:
        settings: of the node.
        arm: tells where the hand is where no environment is named.
        frame_in_base: where frames stand.
        T_base_task: (4, 4) the task's world in the robot's base, where TF tells it; None takes what the settings say.

    Raises:
        InputError: if the environment's observations or actions cannot be had from the sources.
    """
    task = bool(settings.env)
    T_task_base = np.eye(4)
    layout: Layout
    if task:
        settings.check_panda()
        T_task_base = settings.T_task_base if T_base_task is None else invert(T_base_task)
        layout = TaskLayout(settings.env, settings.options(), T_task_base, settings.sources, settings.vouched())
        goals = layout.contract.goals
    else:
        layout = RobotLayout(_robot_config(settings), arm.grasp_pose)
        goals = (settings.goal_of,) if settings.goal_of else ()
    rate_hz = layout.info.rate_hz
    core = DemoCore(
        layout,
        CoreConfig(
            rate_hz=rate_hz,
            actions_from=cast(ActionsFrom, settings.actions_from),
            max_age_s=settings.ages(),
            settle_s=settings.settle_s,
            patience_s=settings.patience_s,
            lead_s=settings.lead_s,
            most_steps=settings.most_steps,
        ),
        IntakeConfig(
            robot=settings,
            T_task_base=T_task_base,
            objects=settings.things_by_id(),
            goals=goals,
            motion_window_s=1.0 / rate_hz,
        ),
        frame_in_base,
        PictureConfig(
            size=(settings.image_height, settings.image_width),
            near_m=settings.depth_near_m,
            far_m=settings.depth_far_m,
        ),
    )
    return core, layout


def _robot_config(settings: DemoRecorderSettings) -> RobotLayoutConfig:
    return RobotLayoutConfig(
        rate_hz=settings.rate_hz,
        joints=len(settings.joint_names),
        objects=settings.things,
        goal=settings.goal_of,
        images=settings.images,
        image_size=(settings.image_height, settings.image_width),
    )
