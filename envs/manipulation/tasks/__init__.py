"""The tasks, one room each."""

from envs.manipulation.tasks.lift import Lift, LiftEnv
from envs.manipulation.tasks.pick_place import PickPlace, PickPlaceEnv
from envs.manipulation.tasks.push import Push, PushEnv
from envs.manipulation.tasks.reach import Reach, ReachEnv
from envs.manipulation.tasks.stack import Stack, Stack3, Stack3Env, StackEnv

__all__ = [
    "Lift",
    "LiftEnv",
    "PickPlace",
    "PickPlaceEnv",
    "Push",
    "PushEnv",
    "Reach",
    "ReachEnv",
    "Stack",
    "Stack3",
    "Stack3Env",
    "StackEnv",
]
