"""Average precision of a grasp planner on settled scenes seen from several sides, in parallel processes.

The protocol is GraspNet-1Billion's (Fang et al., CVPR 2020), on scenes of our own. One thing differs:
a grasp turned by 180 degrees about its approach is the same grasp, so that suppression takes the twin too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from envs.clutter import (
    DIALECT_A,
    ClutterSimulation,
    Dialect,
    Observation,
    Planner,
    PrivilegedPlanner,
    View,
    play_rounds,
)
from envs.grasp_ap import (
    MAX_WIDTH_M,
    TrueScene,
    average_precision,
    highest_precision,
    judge_grasps,
    precision_at_k,
    true_scene,
)
from envs.objects import ObjectSet
from envs.scenes import Arrangement
from geometry import PANDA_HAND, FloatArray, InputError, transform
from perception.grasping import Grasps, suppress_duplicates

_DEPTH_M = PANDA_HAND.finger_depth_m - 0.02
_BOOTSTRAP_SAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class ApScenes:
    """The scenes of an evaluation, and how they are looked at."""

    arrangement: Arrangement = "pile"
    """How the objects lie."""
    objects_per_scene: int = 10
    """Objects asked for; packed and tabletop scenes may hold fewer."""
    views: int = 3
    """Looks at each scene."""
    depth_noise: Literal["dex", "structured light", "none"] = "dex"
    """Noise on the depth images."""
    polar_deg: tuple[float, float] = (15.0, 65.0)
    """Range of the camera's angle from the vertical; its azimuth is any."""
    radius_m: tuple[float, float] = (0.5, 0.7)
    """Range of the camera's distance from the middle of the scene."""

    def __post_init__(self) -> None:
        if self.objects_per_scene < 1 or self.views < 1:
            raise InputError("ApScenes", expected="objects_per_scene and views of at least 1", got=f"{self}")

    @property
    def rules(self) -> Dialect:
        """The clutter benchmark's physics, table and camera, with these views and this noise."""
        view = View(target_height_m=0.07, radius_m=self.radius_m, polar_deg=self.polar_deg, azimuth_deg=(-180.0, 180.0))
        return replace(DIALECT_A, view=view, depth_noise=self.depth_noise, objects_per_round=self.objects_per_scene)


class FrameAp(NamedTuple):
    """One look at a scene."""

    precision: FloatArray
    """(50, 6) precision@k at each friction coefficient."""
    planned: int
    """Grasps that the planner gave."""
    counted: int
    """Grasps that counted: 50 at most, 10 at most on an object."""
    collided: int
    """Of these, in collision."""
    empty: int
    """Of these, not in collision and with nothing between the fingers."""
    slipped: int
    """Of the others, those without force closure at any friction."""
    plan_s: float
    """Wall time of the planner."""


@dataclass(frozen=True, kw_only=True)
class SceneAp:
    """One scene from all its views."""

    seed: int
    """The run's seed."""
    scene: int
    """The scene's number under it."""
    objects: int
    """Objects on the table."""
    frames: tuple[FrameAp, ...]
    """One for each view; none where no object stayed on the table."""


@dataclass(frozen=True, kw_only=True)
class GraspApResult:
    """What an evaluation found. Precisions are fractions."""

    scenes: tuple[SceneAp, ...]
    """Every scene, by seed and number."""
    ap: float
    """Mean over k, friction, frames and scenes."""
    ap_low: float
    """Lower end of the 95 % bootstrap interval over scenes."""
    ap_high: float
    """Upper end of it."""
    ap_08: float
    """AP at friction 0.8."""
    ap_04: float
    """AP at friction 0.4."""
    ap_limit: float
    """AP of ten perfect grasps on every object; below 1 where scenes hold fewer than five objects."""

    @property
    def frames(self) -> tuple[FrameAp, ...]:
        """All frames."""
        return tuple(frame for scene in self.scenes for frame in scene.frames)


def run_grasp_ap(
    planner: Planner,
    objects: ObjectSet,
    *,
    config: ApScenes | None = None,
    scenes: int = 20,
    seeds: Sequence[int] = (0,),
    processes: int = 1,
    on_scene: Callable[[SceneAp], None] | None = None,
) -> GraspApResult:
    """Measure the average precision of a planner.

    Args:
        planner: from an `Observation` to ranked grasps; with more than one process it must pickle.
        objects: the object set.
        config: the scenes.
        scenes: scenes for each seed.
        seeds: one run of `scenes` for each.
        processes: worker processes; the numbers do not depend on it.
        on_scene: called in this process as scenes finish, for a progress bar.
    """
    if isinstance(planner, PrivilegedPlanner):
        raise InputError(
            "run_grasp_ap", expected="a planner that ranks many grasps", got="one that looks into the scene"
        )
    finished = []
    play = partial(evaluate_scene, planner, config or ApScenes(), objects)
    for done in play_rounds(play, scenes, seeds, processes):
        finished.append(done)
        if on_scene is not None:
            on_scene(done)
    return summarise_ap(finished)


def evaluate_scene(planner: Planner, config: ApScenes, objects: ObjectSet, *, seed: int, round_index: int) -> SceneAp:
    """Settle one scene, look at it from every view, and judge what the planner finds.

    Args:
        planner: as in `run_grasp_ap`.
        config: the scenes.
        objects: what the scene is made from.
        seed: the run's seed.
        round_index: the scene's number under it; with the seed it decides everything.
    """
    with threadpool_limits(1):
        simulation = ClutterSimulation(
            config.rules, objects, config.arrangement, np.random.default_rng([seed, round_index])
        )
        try:
            truth = true_scene(simulation.scene)
            views = config.views if truth.objects else 0
            frames = tuple(_evaluate_view(planner, simulation.observe(), truth) for _ in range(views))
        finally:
            simulation.close()
    return SceneAp(seed=seed, scene=round_index, objects=len(truth.objects), frames=frames)


def summarise_ap(scenes: Sequence[SceneAp]) -> GraspApResult:
    """Average over frames and scenes; scenes without objects do not count.

    Raises:
        InputError: if no scene holds an object.
    """
    ordered = tuple(sorted(scenes, key=lambda s: (s.seed, s.scene)))
    told = [scene for scene in ordered if scene.frames]
    if not told:
        raise InputError("summarise_ap", expected="a scene with objects on the table", got="none")
    precision = np.stack([np.mean([frame.precision for frame in scene.frames], axis=0) for scene in told])
    limit = np.mean([highest_precision(scene.objects).mean() for scene in told])
    per_scene = precision.mean(axis=(1, 2))
    draws = np.random.default_rng(0).integers(len(told), size=(_BOOTSTRAP_SAMPLES, len(told)))
    low, high = np.percentile(per_scene[draws].mean(axis=1), (2.5, 97.5))
    return GraspApResult(
        scenes=ordered,
        ap=average_precision(precision),
        ap_low=float(low),
        ap_high=float(high),
        ap_08=average_precision(precision, 0.8),
        ap_04=average_precision(precision, 0.4),
        ap_limit=float(limit),
    )


def _evaluate_view(planner: Planner, observation: Observation, truth: TrueScene) -> FrameAp:
    _ = observation.tsdf  # integrated before the clock starts, as in the clutter benchmark
    start_s = time.perf_counter()
    planned = planner(observation)
    plan_s = time.perf_counter() - start_s
    grasps = Grasps(planned.poses, np.clip(planned.widths_m, 0.0, MAX_WIDTH_M), planned.scores)
    kept = _suppressed(grasps)
    judged = judge_grasps(truth, kept.poses, kept.widths_m, kept.scores, np.full(len(kept), _DEPTH_M))
    failed_closure = ~judged.collided & ~judged.empty & np.isinf(judged.frictions)
    return FrameAp(
        precision=precision_at_k(judged.frictions),
        planned=len(grasps),
        counted=len(judged.chosen),
        collided=int(judged.collided.sum()),
        empty=int((judged.empty & ~judged.collided).sum()),
        slipped=int(failed_closure.sum()),
        plan_s=plan_s,
    )


def _suppressed(grasps: Grasps) -> Grasps:
    """Non-maximum suppression as the protocol has it: 3 cm between grasp points, not tips, and 30 degrees."""
    to_point = transform(translation=(0.0, 0.0, -_DEPTH_M))
    at_points = replace(grasps, poses=grasps.poses @ to_point)
    kept = suppress_duplicates(at_points, distance_m=0.03, angle_rad=float(np.pi / 6))
    return replace(kept, poses=kept.poses @ transform(translation=(0.0, 0.0, _DEPTH_M)))
