"""`ClutterPickEnv`: clear a table by choosing among proposed grasps, or by correcting the best one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from threadpoolctl import threadpool_limits

from envs.cameras import RaycastCamera
from envs.clutter import ClutterSimulation, Dialect, Execution, Observation
from envs.clutter import dialect as dialect_of
from envs.clutter_pick.geometric_proposer import GeometricProposer
from envs.clutter_pick.pick_features import LIMIT, feature_names, fixed_cloud, log_odds, proposal_features, seen_cloud
from envs.clutter_pick.proposals import PickProposals, Proposer, best_of
from envs.clutter_pick.round_memory import RoundMemory
from envs.objects import ObjectSet, load_objects
from envs.pickling import PickledByArguments
from envs.vector import vector_entry_point
from geometry import FloatArray, InputError, PinholeCamera, look_at, transform

PickObservation = dict[str, NDArray[Any]]

_SHIFT_M = 0.01
_YAW_RAD = np.deg2rad(15.0)
_MOST_DRAWS = 100
_PROCEDURAL = 60
_PICTURE = PinholeCamera(width=320, height=240, fx=300.0, fy=300.0, cx=159.5, cy=119.5)
_NO_EXECUTION = Execution(False, "nothing chosen", 0.0, "")


class ClutterPickEnv(gymnasium.Env[PickObservation, Any], PickledByArguments):
    """Clutter removal by the benchmark's rules (`envs.clutter`), seen as a choice among proposals.

    In each step one grasp is tried by the free-flying hand; what it holds is taken away, and the scene is
    looked at again. An episode ends when the table is empty, when nothing is proposed (after the dialect's
    skips), or after two failures in a row. It is never truncated. A scene in which nothing is proposed at
    the first look is drawn again (`info["redrawn"]` counts).

    | observation | shape | what |
    |---|---|---|
    | proposals | (K * F,) | K rows of `feature_names`, best first, row after row; 0 where there is none |
    | mask | (K,) | 1 where there is a proposal |
    | cloud | (P * 3,) | points above the table, row after row, about the table's middle, unit 0.15 m |

    Arrays are flat, as Stable-Baselines3 wants them: `observation["proposals"].reshape(K, F)`.

    Actions: with `action="choose"` the number of the proposal (`action_masks()` says which there are; one
    that is not there costs an attempt and moves nothing); with `action="refine"` (4,) in [-1, 1], the shift of
    the best proposal along x, y, z of the grasp frame (1 = 1 cm) and its turn about the approach (1 = 15 degrees).

    Reward: 1 for an object that is taken away, minus `attempt_cost` for each attempt.

    `info`: is_success (the table is empty), cleared, attempts, presented, ending ("" until the end), outcome.

    Args:
        propose: the detector; None is the built-in `GeometricProposer`.
        objects: what scenes are made from; None is 60 procedural objects.
        scene: "pile" or "packed".
        dialect: "A" or "B" of the benchmark, or rules of one's own.
        top_k: K, most proposals.
        action: "choose" or "refine".
        attempt_cost: what an attempt costs.
        cloud_points: P.
        render_mode: None or "rgb_array".
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 2}  # noqa: RUF012 - Gymnasium's own form

    def __init__(
        self,
        propose: Proposer | None = None,
        objects: ObjectSet | None = None,
        *,
        scene: Literal["pile", "packed"] = "pile",
        dialect: Literal["A", "B"] | Dialect = "A",
        top_k: int = 32,
        action: Literal["choose", "refine"] = "choose",
        attempt_cost: float = 0.1,
        cloud_points: int = 512,
        render_mode: str | None = None,
    ) -> None:
        _check(scene, action, render_mode, top_k, cloud_points, attempt_cost)
        self.propose: Proposer = GeometricProposer() if propose is None else propose
        self.objects = objects
        self.scene: Literal["pile", "packed"] = scene
        self.dialect = dialect if isinstance(dialect, Dialect) else dialect_of(dialect)
        self.top_k, self.cloud_points = top_k, cloud_points
        self.action, self.attempt_cost, self.render_mode = action, attempt_cost, render_mode
        self.feature_names = feature_names(self.propose.feature_names)
        """F names, one for each column of the proposals."""
        self.observation_space: spaces.Dict = spaces.Dict(  # type: ignore[assignment]
            {
                "proposals": spaces.Box(-LIMIT, LIMIT, (top_k * len(self.feature_names),), np.float32),
                "mask": spaces.MultiBinary(top_k),
                "cloud": spaces.Box(-LIMIT, LIMIT, (cloud_points * 3,), np.float32),
            }
        )
        self.action_space = spaces.Discrete(top_k) if action == "choose" else spaces.Box(-1.0, 1.0, (4,), np.float32)
        self._simulation: ClutterSimulation | None = None
        self._proposals: PickProposals | None = None
        self._failures = 0
        self._begin_round()

    @property
    def simulation(self) -> ClutterSimulation:
        """The round that is being played."""
        if self._simulation is None:
            raise InputError("ClutterPickEnv", expected="a round", got="none", remedy="call reset first")
        return self._simulation

    @property
    def proposals(self) -> PickProposals | None:
        """What there is to choose from; None before the first reset and after the end of a round."""
        return self._proposals

    def action_masks(self) -> NDArray[np.bool_]:
        """(K,) which actions there are, under the name that sb3-contrib's MaskablePPO asks for."""
        return np.arange(self.top_k) < (0 if self._proposals is None else len(self._proposals.poses))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[PickObservation, dict[str, Any]]:
        """Draw a new scene and look at it; the same seed gives the same round, bit for bit."""
        super().reset(seed=seed)
        with _one_thread():
            for redrawn in range(_MOST_DRAWS):
                self._draw_scene()
                observation = self._look()
                if self._proposals is not None:
                    return observation, {**self._info(""), "redrawn": redrawn}
        raise InputError(
            "ClutterPickEnv",
            expected="objects that a grasp can be proposed for",
            got=f"nothing proposed in {_MOST_DRAWS} scenes",
            remedy="give objects that fit into the hand, or another proposer",
        )

    def step(self, action: Any) -> tuple[PickObservation, float, bool, bool, dict[str, Any]]:
        """Try one grasp."""
        if self._proposals is None:
            raise InputError("ClutterPickEnv.step", expected="a round", got="none or an ended one", remedy="call reset")
        with _one_thread():
            execution = self._execute(self._pose_of(action))
            self._attempts += 1
            self._cleared += execution.success
            self._failures = 0 if execution.success else self._failures + 1
            if not self.simulation.scene.objects:
                self._ending = "cleared"
            elif self._failures >= self.dialect.max_consecutive_failures:
                self._ending = "failures"
            observation = self._blank() if self._ending else self._look()
        reward = float(execution.success) - self.attempt_cost
        return observation, reward, bool(self._ending), False, self._info(execution.outcome)

    def render(self) -> NDArray[np.uint8] | None:
        """(240, 320, 3) picture of the table as it is now."""
        if self.render_mode is None:
            return None
        center = self.simulation.dialect.workspace.center
        T_world_camera = look_at(center + (0.0, -0.45, 0.40), center)
        camera = RaycastCamera(self.simulation.scene.world, _PICTURE)
        return camera.render(T_world_camera, color=True, normals=False).rgb

    def close(self) -> None:
        """Free the world; a second call does nothing."""
        if self._simulation is not None:
            self._simulation.close()
        self._simulation = self._proposals = None

    def _draw_scene(self) -> None:
        self.close()
        if self.objects is None:
            self.objects = load_objects("procedural", limit=_PROCEDURAL)
        rng = np.random.default_rng(self.np_random.integers(2**63))
        self._simulation = ClutterSimulation(self.dialect, self.objects, self.scene, rng)
        self._begin_round()

    def _begin_round(self) -> None:
        self._memory = RoundMemory()
        self._cleared, self._attempts, self._failures, self._skips = 0, 0, 0, 0
        self._ending = ""
        self._presented = 0 if self._simulation is None else len(self._simulation.scene.objects)

    def _look(self) -> PickObservation:
        """Look until something is proposed or no skip is left; then the round has ended."""
        while self.simulation.scene.objects and self._skips <= self.dialect.max_skips:
            view = replace(self.simulation.observe(), skips_left=self.dialect.max_skips - self._skips)
            if len(view.cloud_world):
                proposals = best_of(self.propose(view), self.top_k, len(self.propose.feature_names))
                if len(proposals.poses):
                    self._proposals = proposals
                    observation = self._described(proposals, view)
                    self._memory.note_look(proposals.poses, log_odds(proposals.scores))
                    return observation
            self._skips += 1
        self._ending, self._proposals = "no grasp", None
        return self._blank()

    def _described(self, proposals: PickProposals, view: Observation) -> PickObservation:
        observation, cloud = self._blank(), seen_cloud(view)
        rows = proposal_features(proposals, view, cloud, self._memory)
        observation["proposals"][: rows.size] = rows.ravel()
        observation["mask"][: len(rows)] = 1
        observation["cloud"][:] = fixed_cloud(cloud, view, self.cloud_points).ravel()
        return observation

    def _blank(self) -> PickObservation:
        """What is seen when there is nothing to choose from."""
        if self._ending:
            self._proposals = None
        return {
            "proposals": np.zeros(self.top_k * len(self.feature_names), dtype=np.float32),
            "mask": np.zeros(self.top_k, dtype=np.int8),
            "cloud": np.zeros(3 * self.cloud_points, dtype=np.float32),
        }

    def _pose_of(self, action: Any) -> FloatArray | None:
        """(4, 4) the grasp that an action means; None where it means none."""
        assert self._proposals is not None
        if self.action == "choose":
            number = int(action)
            return self._proposals.poses[number] if 0 <= number < len(self._proposals.poses) else None
        residual = np.clip(np.asarray(action, dtype=np.float64), -1.0, 1.0)
        turn = Rotation.from_rotvec((0.0, 0.0, _YAW_RAD * residual[3]))
        return self._proposals.poses[0] @ transform(turn, _SHIFT_M * residual[:3])

    def _execute(self, T_world_grasp: FloatArray | None) -> Execution:
        if T_world_grasp is None:
            return _NO_EXECUTION
        execution = self.simulation.execute(T_world_grasp)
        self._memory.note_attempt(T_world_grasp, execution)
        return execution

    def _info(self, outcome: str) -> dict[str, Any]:
        return {
            "is_success": self._ending == "cleared",
            "cleared": int(self._cleared),
            "attempts": self._attempts,
            "presented": self._presented,
            "ending": self._ending,
            "outcome": outcome,
        }


ClutterPickVector = vector_entry_point(ClutterPickEnv)
"""What `gymnasium.make_vec` calls."""


@contextmanager
def _one_thread() -> Iterator[None]:
    """Numerical libraries on one thread, so that the numbers do not depend on the process."""
    with threadpool_limits(1):
        yield


def _check(scene: str, action: str, render_mode: str | None, top_k: int, cloud_points: int, cost: float) -> None:
    for name, value, choices in (
        ("scene", scene, ("pile", "packed")),
        ("action", action, ("choose", "refine")),
        ("render_mode", render_mode, (None, "rgb_array")),
    ):
        if value not in choices:
            raise InputError(f"ClutterPickEnv: {name}", expected=f"one of {choices}", got=repr(value))
    if top_k < 1 or cloud_points < 1 or not np.isfinite(cost):
        raise InputError(
            "ClutterPickEnv",
            expected="top_k and cloud_points of at least 1, a finite attempt_cost",
            got=f"top_k={top_k}, cloud_points={cloud_points}, attempt_cost={cost}",
        )
