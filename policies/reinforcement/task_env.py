"""The environment of a task by its name."""

from __future__ import annotations

from typing import Any

import gymnasium

from envs.registration import TASKS
from geometry import InputError


def env_id(task: str) -> str:
    """The id of a task's environment.

    Raises:
        InputError: if there is no such task.
    """
    if task not in TASKS:
        raise InputError("--task", expected=f"one of {', '.join(TASKS)}", got=task)
    return f"graspmimic/{task}-v0"


def make_task_env(task: str, **options: Any) -> gymnasium.Env[Any, Any]:
    """A task's environment, with its time limit.

    Raises:
        InputError: if there is no such task, or an option does not fit.
    """
    return gymnasium.make(env_id(task), **options)
