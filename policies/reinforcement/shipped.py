"""The policies that come with graspmimic, and the environments that policies were made for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from envs.registration import TASKS
from geometry import InputError
from policies.experts import EXPERTS, make_expert
from policies.reinforcement.evaluation import Act
from policies.reinforcement.policy_file import TrainedPolicy
from policies.reinforcement.task_env import env_id, make_task_env

_WEIGHTS = Path(__file__).with_name("weights")


def shipped_policy(task: str) -> Path:
    """The file of a task's shipped policy.

    Raises:
        InputError: if none is shipped for it.
    """
    shipped = {name: path for name in TASKS if (path := _WEIGHTS / f"{name.lower()}.safetensors").is_file()}
    if task not in shipped:
        raise InputError(
            "--task",
            expected=f"a task with a shipped policy: {', '.join(shipped)}",
            got=task,
            remedy="train one (graspmimic train rl) and name its file with --policy",
        )
    return shipped[task]


def env_of_policy(policy: TrainedPolicy, task: str, **options: Any) -> gymnasium.Env[Any, Any]:
    """The environment that a policy was trained in.

    Raises:
        InputError: if the policy is for another task.
    """
    made_for = str(policy.metadata.get("env", ""))
    if made_for != env_id(task):
        raise InputError("--policy", expected=f"a policy for {env_id(task)}", got=f"one for {made_for or '?'}")
    return make_task_env(task, **policy.metadata.get("env_options", {}), **options)


def expert_act(task: str, env: gymnasium.Env[Any, Any]) -> Act:
    """The scripted expert as a policy; it reads the simulator's state and not its observation.

    Raises:
        InputError: if the task has none.
    """
    if task not in EXPERTS:
        raise InputError("--expert", expected=f"one of {', '.join(EXPERTS)}", got=task)
    expert, unwrapped = make_expert(task), env.unwrapped

    def act(_: Any) -> NDArray[np.float32]:
        return expert.act(unwrapped)  # type: ignore[arg-type]

    return act
