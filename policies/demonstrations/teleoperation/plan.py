"""Plans for a person at the keyboard or a gamepad."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, NoReturn

import gymnasium

from envs.registration import TASKS
from geometry import InputError
from policies.demonstrations.collect_plan import HOLD_STEPS, CollectPlan

LIMIT_S = 60.0
"""Time for one episode: a person is slower than the tasks' own limits allow."""
_RATE_HZ = 25.0


def teleoperation_plan(
    task: str,
    source: Literal["keyboard", "gamepad"],
    *,
    words: str,
    env_options: Mapping[str, Any] | None = None,
    limit_s: float = LIMIT_S,
    **how: Any,
) -> CollectPlan:
    """What a person plays.

    Args:
        task: one of `envs.registration.TASKS` that an arm does.
        source: for the provenance.
        words: what is to be done.
        env_options: of the environment: "observation", "action" and the like.
        limit_s: time for one episode.
        how: other fields of `CollectPlan`, such as seed.

    Raises:
        InputError: if there is no such task, or an option does not fit.
    """
    if task not in TASKS or task == "ClutterPick":
        known = ", ".join(name for name in TASKS if name != "ClutterPick")
        raise InputError("--task", expected=f"one of {known}", got=task)
    if not limit_s > 0.0:
        raise InputError("limit_s", expected="a time above 0 s", got=f"{limit_s}")
    steps = max(round(limit_s * _RATE_HZ), 1)
    make_env = partial(gymnasium.make, f"envs:graspmimic/{task}-v0", max_episode_steps=steps, **(env_options or {}))
    how = {"hold_steps": HOLD_STEPS, **how}
    return CollectPlan(make_env=make_env, make_demonstrator=_nobody, task=words, source={"source": source}, **how)


def _nobody() -> NoReturn:
    raise InputError("collect", expected="a session in a window", got="a plan for a person", remedy="use run_session")
