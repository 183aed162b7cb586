"""A table with named things on it: tasks that a person can show and a robot can do."""

from envs.workbench.thing import Layout, Thing

__all__ = ["Layout", "Thing"]
