"""Gymnasium tasks: a Panda at a table, put together from an arm, a task, an observation and an action mode."""

from envs.manipulation.environment import ManipulationEnv
from envs.manipulation.physics import FINE, Physics
from envs.manipulation.randomization import Randomization
from envs.manipulation.task import Task

__all__ = ["FINE", "ManipulationEnv", "Physics", "Randomization", "Task"]
