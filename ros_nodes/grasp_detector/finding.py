"""The planner behind the node: loaded from weights or injected, asked for grasps on a target, its time taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

import perception
from geometry import FloatArray, GripperSpec, InputError, invert, transform_points
from perception.grasping import DepthView, Grasps, SceneView
from ros_nodes.grasp_detector.look import points_in_workspace

_WEIGHTS = Path(perception.__file__).parent / "grasping" / "weights" / "grasp_network.safetensors"
_LEAST_HELD = 6
_NEAR_POINT_M = 0.025


class GraspPlanner(Protocol):
    """What finds grasps: a callable as the benchmark has it.

    One that also has `detect_view`, as `GraspDetector` does, is told what shall be grasped and looks there alone; of
    any other's grasps those that hold the target are kept.
    """

    def __call__(self, view: SceneView, /) -> Any:
        """Ranked grasps: `Grasps`, or anything with `poses`, `widths_m` and `scores`."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which grasps are wanted."""

    target: ArrayLike | None = None
    """(H, W) mask, box (x0, y0, x1, y1) in pixels, or point (x, y, z) in the world; None for anything."""
    top_k: int = 50
    """Most grasps."""
    min_score: float = 0.0
    """Least score."""
    cone_rad: float = np.pi
    """Largest angle between a grasp's approach and straight down in the world; pi for any."""


@dataclass(frozen=True)
class Found:
    """What a planner found."""

    grasps: Grasps
    """In the world, best first; `note` says why there are none."""
    detection_ms: float
    """The planner's own time."""


class GraspFinder:
    """Asks a planner.

    Args:
        planner: see `GraspPlanner`.
        gripper: the hand, for planners that are not told of a target.
        threads: of the network.
    """

    def __init__(self, planner: GraspPlanner, *, gripper: GripperSpec, threads: int = 1) -> None:
        self._planner, self._gripper, self._threads = planner, gripper, threads

    def find(self, view: DepthView, wanted: Wanted) -> Found:
        """Find grasps in one look.

        Raises:
            InputError: for a look or a target that makes no sense.
        """
        start_s = time.perf_counter()
        told = getattr(self._planner, "detect_view", None)
        grasps = self._detected(told, view, wanted) if told else self._planned(view, wanted)
        kept = grasps[grasps.scores >= wanted.min_score][: wanted.top_k]
        if len(grasps) and not len(kept):
            kept = replace(kept, note=f"the best grasp scores {grasps.scores[0]:.2f}, below {wanted.min_score:g}")
        return Found(kept, 1e3 * (time.perf_counter() - start_s))

    def _detected(self, detect_view: Callable[..., Grasps], view: DepthView, wanted: Wanted) -> Grasps:
        """By a planner that can be told of a target."""
        import torch

        from perception.grasping import ApproachCone

        torch.set_num_threads(self._threads)  # of the thread that detects; others keep theirs
        cone = ApproachCone((0.0, 0.0, -1.0), wanted.cone_rad) if wanted.cone_rad < np.pi else None
        return detect_view(view, target=wanted.target, cone=cone, top_k=wanted.top_k)

    def _planned(self, view: DepthView, wanted: Wanted) -> Grasps:
        """By any planner: everything, of which what is wanted is kept."""
        found = self._planner(view)
        grasps = found if isinstance(found, Grasps) else Grasps(found.poses, found.widths_m, found.scores)
        grasps = grasps.sorted()
        kept = grasps[-grasps.approaches[:, 2] >= np.cos(wanted.cone_rad) - 1e-6]
        if wanted.target is not None and len(kept):
            kept = kept[_held(kept, _points_of(view, np.asarray(wanted.target)), self._gripper)]
        return kept if len(kept) or not len(grasps) else replace(kept, note=f"none of {len(grasps)} is wanted")


def load_finder(weights: Path | None, *, device: str = "cpu", gripper: GripperSpec, threads: int = 1) -> GraspFinder:
    """The learned detector.

    Args:
        weights: NAME.safetensors with NAME.json beside it; None takes those of the package.
        device: where the network runs: "cpu", "cuda", "cuda:1".
        gripper: the hand.
        threads: of the network on the CPU.
    Raises:
        InputError: if the weights are missing or damaged, or the device is not there.
    """
    from perception.grasping import GraspDetector

    try:
        detector = GraspDetector.from_pretrained(weights, device=device, gripper=gripper)
    except (RuntimeError, AssertionError) as error:  # torch's own, above all for a device that is not there
        raise InputError(
            "device", expected="a device that torch can use", got=f"{device!r} ({_first_line(error)})"
        ) from None
    return GraspFinder(detector, gripper=gripper, threads=threads)


def check_weights(weights: Path | None) -> None:
    """Raise InputError, in one line, where the weights' files are missing; reads nothing of them."""
    path = _WEIGHTS if weights is None else weights
    missing = [file.name for file in (path, path.with_suffix(".json")) if not file.is_file()]
    if missing:
        raise InputError(
            "weights",
            expected=f"{' and '.join(missing)} in {path.parent}",
            got="no such file",
            remedy="set the parameter weights to NAME.safetensors with NAME.json beside it, or to '' for the package's",
        )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _points_of(view: DepthView, target: Any) -> FloatArray:
    """(N, 3) points in the world of what was seen of a target."""
    if target.shape == (3,):
        points = np.asarray(points_in_workspace(view), dtype=np.float64)
        return points[np.linalg.norm(points - target, axis=1) < _NEAR_POINT_M]
    mask = np.zeros(view.depth_m.shape, dtype=bool)
    if target.shape == (4,):
        x0, y0, x1, y1 = (int(round(value)) for value in target)
        mask[max(0, y0) : y1 + 1, max(0, x0) : x1 + 1] = True
    else:
        view.camera.check_image("target mask", target)
        mask = target > 0
    depth = np.where(mask, view.depth_m, np.float32(0.0))
    return np.asarray(points_in_workspace(replace(view, depth_m=depth)), dtype=np.float64)


def _held(grasps: Grasps, points: FloatArray, gripper: GripperSpec) -> list[bool]:
    """Which grasps have some of the points between their fingers."""
    low, high = gripper.closing_region()
    local = (transform_points(invert(pose), points) for pose in grasps.poses)
    return [int(np.all((here >= low) & (here <= high), axis=1).sum()) >= _LEAST_HELD for here in local]
