"""Gymnasium tasks: a Panda at a table, put together from an arm, a task, an observation and an action mode."""

from envs.manipulation.action_modes import HAND_STEP_M, YAW_STEP_RAD
from envs.manipulation.arm import MAX_OPENING_M
from envs.manipulation.camera_settings import CameraSettings
from envs.manipulation.environment import ManipulationEnv
from envs.manipulation.physics import FINE, Physics
from envs.manipulation.props import Prop, PropBody
from envs.manipulation.randomization import SIM_TO_REAL, Randomization
from envs.manipulation.task import Task

__all__ = [
    "FINE",
    "HAND_STEP_M",
    "MAX_OPENING_M",
    "SIM_TO_REAL",
    "YAW_STEP_RAD",
    "CameraSettings",
    "ManipulationEnv",
    "Physics",
    "Prop",
    "PropBody",
    "Randomization",
    "Task",
]
