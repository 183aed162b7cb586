"""Shown moves done again in the Gymnasium tasks: a demonstrator whose episodes teach a policy what a person showed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.manipulation import HAND_STEP_M, MAX_OPENING_M, ManipulationEnv
from geometry import FloatArray, InputError
from policies.demonstrations import CollectPlan, Demonstrator
from policies.experts.expert import OPEN, SHUT, hand_action
from policies.reinforcement import make_task_env
from policies.retargeting.shown_move import ShownMove

TASK = "PickPlace"
"""The task in which a shown move can be done again."""
_SPARE_M = 0.024
"""How much wider than the thing the fingers are on their way to it, as a person's are."""
_CLOSING_STEPS = 8
"""What it takes the fingers to close by that much."""
PACE = 3.0
"""How much faster than the person the robot goes, where its greatest step allows it: an episode lasts 2 s."""
_SPEED = 0.8
"""Share of the hand's greatest step that a replay takes at most, so that it can still catch up."""


class MoveReplay:
    """A `Demonstrator` for PickPlace that does a shown move at the episode's places, without looking again.

    The hand follows the way, whatever becomes of the cube; the fingers close for eight steps before it leaves. A hand
    that shows a thing wider than the gripper opens the gripper fully; what then fails, fails in physics.

    Args:
        moves: at least one; each episode draws its own.
    """

    def __init__(self, moves: Sequence[ShownMove]) -> None:
        if not moves:
            raise InputError(
                "MoveReplay", expected="at least one shown move", got="none",
                remedy="record a hand that takes a thing and carries it",
            )  # fmt: skip
        self._moves = tuple(moves)
        self._way: FloatArray = np.zeros((1, 3))
        self._shut_from, self._row, self._open = 0, 0, OPEN

    def reset(self, env: ManipulationEnv, rng: np.random.Generator) -> None:
        """See `Demonstrator.reset`.

        Raises:
            InputError: if the environment is not that of `TASK`.
        """
        if type(env.task).__name__ != TASK:
            raise InputError("MoveReplay", expected=f"the task {TASK}", got=type(env.task).__name__)
        move = self._moves[int(rng.integers(len(self._moves)))]
        hand, thing = (np.array(each) for each in (env.scene.arm.state.position, env.scene.props[0].state.position))
        reach, carry = move.elsewhere(hand, thing, np.asarray(env.task.goal, dtype=np.float64))
        period_s = env.physics.control_period_s
        there, away = (_resampled(way, PACE * move.rate_hz, period_s) for way in (reach, carry))
        self._way = np.concatenate([there, np.repeat(there[-1:], _CLOSING_STEPS, axis=0), away])
        self._shut_from, self._row = len(there), 0
        self._open = min(OPEN, 2.0 * (move.width_m + _SPARE_M) / MAX_OPENING_M - 1.0)

    def act(self, env: ManipulationEnv, observation: Any) -> NDArray[np.float32]:
        """See `Demonstrator.act`."""
        row = min(self._row, len(self._way) - 1)
        self._row += 1
        grip = SHUT if row >= self._shut_from else self._open
        return hand_action(env, self._way[row].tolist(), grip, gain=1.0)


def replay_plan(moves: Sequence[ShownMove], *, env_options: Mapping[str, Any] | None = None, **how: Any) -> CollectPlan:
    """Episodes of PickPlace made from what a person showed; those that fail in physics are dropped by `collect`.

    Args:
        moves: of `shown_moves`.
        env_options: of the environment: "observation", "action" and the like.
        how: other fields of `CollectPlan`, such as seed.
    """
    return CollectPlan(
        make_env=partial(make_task_env, TASK, **(env_options or {})),
        make_demonstrator=partial(_replay, tuple(moves)),
        task="bring the cube to the goal",
        source={"source": "human", "retargeted": True, "shown_moves": len(moves)},
        **how,
    )


def _replay(moves: tuple[ShownMove, ...]) -> Demonstrator:
    return MoveReplay(moves)


def _resampled(way_m: FloatArray, rate_hz: float, period_s: float) -> FloatArray:
    """(S, 3) a way at the control period; slower wherever the hand could not follow."""
    lengths = np.linalg.norm(np.diff(way_m, axis=0), axis=1)
    lasts = np.maximum(1.0 / rate_hz, lengths * period_s / (_SPEED * HAND_STEP_M))
    times = np.concatenate([[0.0], np.cumsum(lasts)])
    at = np.linspace(0.0, times[-1], max(2, int(np.ceil(times[-1] / period_s)) + 1))
    return np.column_stack([np.interp(at, times, column) for column in way_m.T])
