"""Plans for the tasks of this project: who plays which task, with which observations."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium

from envs.registration import TASKS
from geometry import InputError
from policies.demonstrations.collect_plan import CollectPlan
from policies.demonstrations.policy_source import file_of_policy, load_demonstrator, options_of_policy
from policies.demonstrations.varied_expert import VARIATIONS, Variation, VariedExpert
from policies.experts import EXPERTS, make_expert

TASK_TEXTS = {
    "Detour": "bring the hand round the pillar to the goal",
    "Handover": "take the stick from the other hand and bring it to the goal",
    "Lift": "lift the cube",
    "PickPlace": "bring the cube to the goal",
    "Push": "push the cube to the goal",
    "Reach": "bring the hand to the goal",
    "Slide": "strike the puck so that it stops at the goal",
    "Stack": "put the green cube on the red one",
    "Stack3": "build a tower of three cubes",
}
"""What is to be done, for whoever reads it or conditions on it."""


def expert_plan(
    task: str, *, env_options: Mapping[str, Any] | None = None, variation: Variation | None = None, **how: Any
) -> CollectPlan:
    """The scripted expert, varied.

    Args:
        task: that has an expert.
        env_options: of the environment: "observation", "action" and the like.
        variation: None is the task's own.
        how: other fields of `CollectPlan`, such as seed.

    Raises:
        InputError: if the task has no expert, or an option does not fit.
    """
    if task not in EXPERTS:
        raise InputError("--task", expected=f"a task with an expert: {', '.join(EXPERTS)}", got=task)
    variation = variation or VARIATIONS.get(task, Variation())
    return CollectPlan(
        make_env=_env_maker(task, env_options or {}),
        make_demonstrator=partial(_expert, task, variation),
        task=TASK_TEXTS.get(task, task),
        source={"source": "expert", "variation": asdict(variation)},
        **how,
    )


def policy_plan(task: str, file: Path, *, env_options: Mapping[str, Any] | None = None, **how: Any) -> CollectPlan:
    """A trained policy.

    Args:
        task: that it was trained for.
        file: NAME.safetensors of `train rl` or `train imitation`, or the folder of the run.
        env_options: of the environment; None is what the policy was trained with.
        how: other fields of `CollectPlan`, such as seed.

    Raises:
        InputError: if the file is no policy, or an option does not fit.
    """
    file = file_of_policy(file)
    trained_with = options_of_policy(file, f"graspmimic/{task}-v0")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return CollectPlan(
        make_env=_env_maker(task, trained_with if env_options is None else env_options),
        make_demonstrator=partial(load_demonstrator, file),
        task=TASK_TEXTS.get(task, task),
        source={"source": "policy", "policy_sha256": digest},
        **how,
    )


def _expert(task: str, variation: Variation) -> VariedExpert:
    return VariedExpert(make_expert(task), variation)


def _env_maker(task: str, options: Mapping[str, Any]) -> partial[gymnasium.Env[Any, Any]]:
    if task not in TASKS:
        raise InputError("--task", expected=f"one of {', '.join(TASKS)}", got=task)
    return partial(gymnasium.make, f"envs:graspmimic/{task}-v0", **options)
