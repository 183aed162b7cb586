"""A second look before acting: the best grasps are tried in an imagined scene and ranked anew.

    planner = Imagination()(AntipodalPlanner())

What a trial says is weighed against what the planner says: with p the planner's score and h the share
of a grasp's trials that held, the new score has the log-odds

    logit(p) + weight * (h - expected)

which is Bayes' rule where trials that held, and those that did not, come with those likelihood ratios.
Grasps are tried in the planner's order, and no further than until none of the rest can come first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation
from scipy.special import expit, logit
from threadpoolctl import threadpool_limits

from geometry import FloatArray, InputError, invert, transform
from perception.grasping import Grasps, SceneView, TableScene, read_scene
from policies.imagination.completion import Completion, complete
from policies.imagination.convex_pieces import cut_into_convex
from policies.imagination.network_spans import predict_spans
from policies.imagination.object_segments import split_objects
from policies.imagination.private_trials import PrivateRules, try_grasps
from policies.imagination.private_world import ImaginedBody, imagined_body
from policies.imagination.sight import Sight

GraspPlanner = Callable[[SceneView], Grasps]
"""Any planner."""

_LEAST_SCORE = 1e-4
_MOVE_M, _MOVE_RAD = 0.003, 0.05


@dataclass(frozen=True, kw_only=True)
class Imagination:
    """How the second look is done; call it with a planner to get one that looks twice."""

    completion: Completion = "symmetric"
    """How hidden sides are guessed; "predicted" needs the grasp network."""
    candidates: int = 8
    """Grasps that are tried at most, the planner's best."""
    moves: int = 0
    """Further trials of each, moved by some millimetres and degrees."""
    weight: float = 1.5
    """Log-odds between a grasp that always held and one that never did."""
    expected: float = 0.8
    """Share of the trials that hold for grasps about which the planner is right; leaves the score as it is."""
    density_kg_m3: float = 1000.0
    """Of everything imagined."""
    private: PrivateRules = PrivateRules()
    """Physics and execution in the private worlds."""
    processes: int = 1
    """Processes that try grasps at once; the result does not depend on it."""
    weights: Path | None = None
    """The network's weights for "predicted"; None takes those of the package."""

    def __post_init__(self) -> None:
        if self.candidates < 1 or self.moves < 0 or self.processes < 1:
            raise InputError("Imagination", expected="candidates, processes >= 1 and moves >= 0", got=f"{self}")
        if not (self.weight >= 0.0 and 0.0 <= self.expected <= 1.0 and self.density_kg_m3 > 0.0):
            raise InputError("Imagination", expected="weight >= 0, expected in [0, 1], density > 0", got=f"{self}")

    def __call__(self, planner: GraspPlanner) -> ImaginingPlanner:
        """The planner with a second look."""
        return ImaginingPlanner(planner=planner, imagination=self)


@dataclass(frozen=True, kw_only=True)
class ImaginingPlanner:
    """A planner whose best grasps are tried in an imagined scene before they are proposed."""

    planner: GraspPlanner
    """Proposes grasps, with scores between 0 and 1."""
    imagination: Imagination = Imagination()
    """How they are tried."""

    def __call__(self, view: SceneView) -> Grasps:
        """Plan as the planner does, in the world, best first after the second look."""
        grasps = self.planner(view)
        if len(grasps) < 2 or self.imagination.weight == 0.0:
            return grasps
        with threadpool_limits(1):
            return _ranked_anew(grasps.sorted(), view, self.imagination)


def imagine(view: SceneView, imagination: Imagination) -> tuple[TableScene, list[ImaginedBody]]:
    """A look and the bodies that are imagined from it, in its table frame."""
    scene = read_scene(view)
    sight = Sight.of(scene, split_objects(scene))
    spans = predict_spans(view, scene, imagination.weights) if imagination.completion == "predicted" else None
    cuts = [cut_into_convex(o.points, o.is_empty) for o in complete(scene, sight, imagination.completion, spans)]
    bodies = [imagined_body(pieces, imagination.density_kg_m3, on_table=scene.has_table) for pieces in cuts]
    return scene, [body for body in bodies if body is not None]


def _ranked_anew(grasps: Grasps, view: SceneView, imagination: Imagination) -> Grasps:
    """The grasps, best first on the way in, with the scores of those that were tried put right."""
    scene, bodies = imagine(view, imagination)
    scores = grasps.scores.copy()
    odds = logit(np.clip(scores[: imagination.candidates], _LEAST_SCORE, 1.0 - _LEAST_SCORE))
    poses = _with_moves(invert(scene.T_world_table) @ grasps.poses[: len(odds)], imagination.moves)
    rules = replace(imagination.private, has_table=scene.has_table)
    held = _held_shares(bodies, poses, rules, imagination.processes)
    most = imagination.weight * (1.0 - imagination.expected)
    tried: list[float] = []
    for prior in odds:
        if tried and max(tried) >= prior + most:  # neither this grasp nor a later one can come first any more
            break
        tried.append(float(prior + imagination.weight * (next(held) - imagination.expected)))
    scores[: len(tried)] = expit(tried)
    return replace(grasps, scores=scores).sorted()


def _held_shares(bodies: list[ImaginedBody], poses: FloatArray, rules: PrivateRules, processes: int) -> Iterator[float]:
    """The share of each grasp's trials that held, for poses (N, M, 4, 4); tried only as far as somebody asks."""
    for start in range(0, len(poses), processes):
        part = poses[start : start + processes]
        held = np.array([e.success for e in try_grasps(bodies, part.reshape(-1, 4, 4), rules, processes)])
        yield from held.reshape(len(part), -1).mean(axis=1).tolist()


def _with_moves(poses: FloatArray, count: int) -> FloatArray:
    """(N, 1 + count, 4, 4) each pose, followed by itself moved in `count` ways, always the same ones."""
    rng = np.random.default_rng(0)
    moves = [np.eye(4)]
    for _ in range(count):
        turn = Rotation.from_rotvec(_MOVE_RAD * rng.standard_normal(3))
        moves.append(transform(turn, _MOVE_M * rng.standard_normal(3)))
    return np.asarray(poses[:, None] @ np.stack(moves))
