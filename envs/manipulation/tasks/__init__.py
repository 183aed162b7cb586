"""The tasks, one room each."""

from envs.manipulation.tasks.pick_place import PickPlace, PickPlaceEnv
from envs.manipulation.tasks.push import Push, PushEnv
from envs.manipulation.tasks.reach import Reach, ReachEnv

__all__ = ["PickPlace", "PickPlaceEnv", "Push", "PushEnv", "Reach", "ReachEnv"]
