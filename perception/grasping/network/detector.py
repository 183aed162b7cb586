"""`GraspDetector`: from a depth image to ranked grasps with calibrated probabilities of success."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from geometry import PANDA_HAND, GripperSpec, PinholeCamera
from perception.grasping.grasps import Grasps
from perception.grasping.network.model import GraspNetwork
from perception.grasping.network.preparation import Prepared, prepare
from perception.grasping.network.search import Found, Search, find_grasps
from perception.grasping.network.targets import ApproachCone, Target, target_of
from perception.grasping.network.verdict import Ranking, one_of_each, ranked
from perception.grasping.scene_view import DepthView, SceneView

WEIGHTS = Path(__file__).parents[1] / "weights" / "grasp_network.safetensors"
"""The weights that come with the package."""

OnStage = Callable[[str, float], None]
"""Called with a stage's name and the seconds that it took."""

_EVERYWHERE = np.array([[-np.inf] * 3, [np.inf] * 3])


class GraspDetector:
    """Finds grasps in depth images; a callable from a `SceneView` to ranked `Grasps`.

    Args:
        network: trained.
        gripper: the hand. The network was trained on the Panda's: for another one, grasps too wide for
            it are left out and its own boxes clear the table, but the probabilities remain the Panda's.
        search: how hard to look.
        ranking: how grasps are ranked and thinned out.
        top_k: most grasps that a call as a planner returns.
    """

    def __init__(
        self,
        network: GraspNetwork,
        *,
        gripper: GripperSpec = PANDA_HAND,
        search: Search | None = None,
        ranking: Ranking | None = None,
        top_k: int = 50,
    ) -> None:
        self.network, self.gripper, self.top_k = network.eval(), gripper, top_k
        self.search, self.ranking = search or Search(), ranking or Ranking()

    @staticmethod
    def from_pretrained(
        path: Path | None = None,
        *,
        device: torch.device | str = "cpu",
        bf16: bool | None = None,
        gripper: GripperSpec = PANDA_HAND,
        search: Search | None = None,
        ranking: Ranking | None = None,
    ) -> GraspDetector:
        """A detector with trained weights.

        Args:
            path: NAME.safetensors with NAME.json beside it; None takes the weights of the package.
            device: where the network runs.
            bf16: mixed precision; None where the device has the arithmetic for it.
            gripper: see `GraspDetector`.
            search: see `GraspDetector`.
            ranking: see `GraspDetector`.
        Raises:
            InputError: if the file is missing, damaged or of another network.
        """
        network = GraspNetwork.load(WEIGHTS if path is None else path).to(device)
        network.use_bf16(has_bf16(device) if bf16 is None else bf16)
        return GraspDetector(network, gripper=gripper, search=search, ranking=ranking)

    @property
    def device(self) -> torch.device:
        """Where the network runs."""
        return self.network.calibration.device

    def __call__(self, view: SceneView) -> Grasps:
        """Plan as any planner does: grasps in the world, best first; `note` says why there are none."""
        return self.detect_view(view, top_k=self.top_k)

    def detect(
        self,
        depth_m: ArrayLike,
        camera: PinholeCamera,
        *,
        T_world_camera: ArrayLike | None = None,
        workspace: ArrayLike | None = None,
        table_z_m: float | None = None,
        target: ArrayLike | None = None,
        cone: ApproachCone | None = None,
        top_k: int = 50,
        seed: int = 0,
        on_stage: OnStage | None = None,
    ) -> Grasps:
        """Find grasps in one depth image.

        Args:
            depth_m: (H, W) float, metres; 0, NaN or infinite where there is no return.
            camera: its intrinsics.
            T_world_camera: (4, 4) pose of the camera, optical frame; None: the world is the camera's frame.
            workspace: (2, 3) corners in the world of where grasps are wanted; None is wherever things stand.
            table_z_m: height of a level table in the world; None: the table is looked for; -inf: there is none.
            target: (H, W) bool mask, or box (x0, y0, x1, y1) in pixels, or pixel (x, y), or point (x, y, z) in
                the world: what shall be grasped.
            cone: directions from which a grasp may come.
            top_k: most grasps.
            seed: of the search for the table.
            on_stage: told how long each stage took: prepare, backbone, search, finish.
        Returns:
            Grasps in the world (frame "camera" without `T_world_camera`), best first, their scores calibrated
            probabilities of success; `note` says why there are none, or what was relaxed to find some.
        Raises:
            InputError: for what is no depth image in metres of the camera's size, no pose, no target.
        """
        view = DepthView(
            np.asarray(depth_m),
            camera,
            np.eye(4) if T_world_camera is None else np.asarray(T_world_camera, dtype=np.float64),
            _EVERYWHERE if workspace is None else np.asarray(workspace, dtype=np.float64),
            table_z_m,
            np.random.default_rng(seed),
        )
        grasps = self.detect_view(view, target=target, cone=cone, top_k=top_k, on_stage=on_stage)
        return replace(grasps, frame="camera") if T_world_camera is None else grasps

    def detect_view(
        self,
        view: SceneView,
        *,
        target: ArrayLike | None = None,
        cone: ApproachCone | None = None,
        top_k: int = 50,
        on_stage: OnStage | None = None,
    ) -> Grasps:
        """Find grasps in one look at a scene; see `detect`."""
        clock = _Clock(on_stage)
        prepared = prepare(view, device=self.device)
        wanted = None if target is None else target_of(target, view.camera, view.depth_m, prepared)
        clock.lap("prepare")
        found = self._search(prepared, wanted, cone, clock)
        grasps = ranked(found, self.ranking, self.gripper)
        if wanted is not None:
            grasps = grasps[wanted.held(grasps.poses, self.gripper)]
        grasps = one_of_each(grasps, self.ranking, top_k).transformed(prepared.T_world_table, "world")
        clock.lap("finish")
        return grasps

    def _search(self, prepared: Prepared, target: Target | None, cone: ApproachCone | None, clock: _Clock) -> Found:
        def seeds(points: Tensor) -> Tensor:
            inside = prepared.in_workspace(points)
            return inside if target is None else inside & target.seeds_allowed(points)

        with torch.inference_mode():
            maps = self.network.backbone(*prepared.view)
            clock.lap("backbone")
            found = find_grasps(
                self.network,
                prepared.view,
                maps,
                self.search,
                gripper=self.gripper,
                seed_allowed=seeds,
                pose_allowed=None if cone is None else lambda poses: cone.allows(poses, prepared.T_world_table),
                has_table=prepared.has_table,
            )
            clock.lap("search")
        return found


def has_bf16(device: torch.device | str) -> bool:
    """Whether mixed precision is faster there: on a GPU, and on processors with bf16 arithmetic."""
    if torch.device(device).type == "cuda":
        return torch.cuda.is_bf16_supported()
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


class _Clock:
    """Tells how long each stage took."""

    def __init__(self, on_stage: OnStage | None) -> None:
        self._on_stage, self._start_s = on_stage, time.perf_counter()

    def lap(self, name: str) -> None:
        now_s = time.perf_counter()
        if self._on_stage is not None:
            self._on_stage(name, now_s - self._start_s)
        self._start_s = now_s
