"""`GraspDetector`: from depth images or clouds to ranked grasps with calibrated probabilities of success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike

from geometry import PANDA_HAND, GripperSpec, InputError, PinholeCamera
from perception.grasping.grasps import Grasps
from perception.grasping.network.fusion import Look
from perception.grasping.network.model import GraspNetwork
from perception.grasping.network.persistence import Persistence
from perception.grasping.network.preparation import prepare_all
from perception.grasping.network.search import Search
from perception.grasping.network.stages import OnStage, StageClock
from perception.grasping.network.targets import ApproachCone, target_of
from perception.grasping.network.verdict import Ranking, one_of_each
from perception.grasping.network.wishes import Wishes
from perception.grasping.scene_view import DepthView, SceneView, view_of_cloud

WEIGHTS = Path(__file__).parents[1] / "weights" / "grasp_network.safetensors"
"""The weights that come with the package."""

_EVERYWHERE = np.array([[-np.inf] * 3, [np.inf] * 3])


class GraspDetector:
    """Finds grasps in depth images; a callable from a `SceneView` to ranked `Grasps`.

    Scores are calibrated probabilities that the grasp lifts something and keeps it. They hold for
    what the network was trained on: rigid objects of 1 to 20 cm on a table, seen from 0.45 to
    0.8 m, and the Panda's hand in simulation.

    Args:
        network: trained.
        gripper: the hand. For one other than the Panda's, fingertips go where the Panda's would; grasps too
            wide for it are left out, its own boxes clear the table and what was seen, and where its fingers
            are shorter it is drawn back and judged again. The probabilities remain those of a Panda hand in
            that pose: a hand of other thickness or friction will do better or worse.
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
        network = GraspNetwork.load(WEIGHTS if path is None else Path(path)).to(device)
        network.use_bf16(has_bf16(device) if bf16 is None else bf16)
        return GraspDetector(network, gripper=gripper, search=search, ranking=ranking)

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
            table_z_m: height of a level table in the world, which also puts the depth's scale right; None: the
                table is looked for; -inf: there is none.
            target: what shall be grasped: (H, W) bool mask, box (x0, y0, x1, y1) in pixels, pixel (x, y), or
                point (x, y, z) in the world.
            cone: directions from which a grasp may come.
            top_k: most grasps.
            seed: of the search for the table.
            on_stage: told how long each stage took: prepare, backbone, search, evaluate, finish.
        Returns:
            Grasps in the world (frame "camera" without `T_world_camera`), best first, their scores
            probabilities of success; `note` says why there are none, or what was given up to find some.
        Raises:
            InputError: for what is no depth image in metres of the camera's size, no pose, or no target.
        """
        frame = "camera" if T_world_camera is None else "world"
        pose = np.eye(4) if T_world_camera is None else np.asarray(T_world_camera, dtype=np.float64)
        view = DepthView(np.asarray(depth_m), camera, pose, _box(workspace), table_z_m, np.random.default_rng(seed))
        grasps = self.detect_views([view], target=target, cone=cone, top_k=top_k, on_stage=on_stage)
        return replace(grasps, frame=frame)

    def detect_cloud(
        self,
        points: ArrayLike,
        *,
        viewpoint: ArrayLike = (0.0, 0.0, 0.0),
        workspace: ArrayLike | None = None,
        table_z_m: float | None = None,
        target: ArrayLike | None = None,
        cone: ApproachCone | None = None,
        top_k: int = 50,
        seed: int = 0,
        on_stage: OnStage | None = None,
    ) -> Grasps:
        """Find grasps in an unorganised or fused cloud, through the image that a camera would have taken of it.

        Args:
            points: (N, 3) metres; those that are not finite are dropped.
            viewpoint: (3,) where the cloud was seen from, in its frame; for a fused one, from where most of it
                can be seen.
            workspace: see `detect`; in the cloud's frame.
            table_z_m: see `detect`; in the cloud's frame.
            target: point (x, y, z) in the cloud's frame.
            cone: see `detect`.
            top_k: see `detect`.
            seed: see `detect`.
            on_stage: see `detect`; making the image counts as a stage of its own, "image".
        Returns:
            Grasps in the cloud's frame, named "cloud"; otherwise as `detect`.
        """
        if target is not None and np.shape(target) != (3,):
            raise InputError("target", expected="a point (x, y, z) in the cloud's frame", got=f"{np.shape(target)}")
        clock = StageClock(on_stage)
        rng = np.random.default_rng(seed)
        view = view_of_cloud(points, rng, viewpoint=viewpoint, workspace=workspace, table_z_m=table_z_m)
        clock.lap("image")
        grasps = self.detect_views([view], target=target, cone=cone, top_k=top_k, on_stage=on_stage)
        return replace(grasps, frame="cloud")

    def detect_view(
        self,
        view: SceneView,
        *,
        target: ArrayLike | None = None,
        cone: ApproachCone | None = None,
        top_k: int = 50,
        on_stage: OnStage | None = None,
    ) -> Grasps:
        """Find grasps in one look at a scene; as `detect`, with all that is known of the scene in one value."""
        return self.detect_views([view], target=target, cone=cone, top_k=top_k, on_stage=on_stage)

    def detect_views(
        self,
        views: Sequence[SceneView],
        *,
        target: ArrayLike | None = None,
        cone: ApproachCone | None = None,
        top_k: int = 50,
        on_stage: OnStage | None = None,
    ) -> Grasps:
        """Find grasps in several looks at one scene that has not moved; see `fusion` for who judges what.

        Args:
            views: all in one world, with one workspace; the table is taken from the first where it is known there.
            target: see `detect`; in the image of the first.
            cone: see `detect`.
            top_k: see `detect`.
            on_stage: see `detect`.
        """
        if not views:
            raise InputError("detect_views", expected="at least one view", got="none")
        if top_k < 1:
            raise InputError("top_k", expected="at least 1", got=f"{top_k}")
        device = self.network.calibration.device
        clock = StageClock(on_stage, device)
        with torch.inference_mode():
            prepared = prepare_all(views, device=device)
            chosen = None if target is None else target_of(target, views[0].camera, views[0].depth_m, prepared[0])
            clock.lap("prepare")
            looks = tuple(Look(p, self.network.backbone(*p.view)) for p in prepared)
            clock.lap("backbone")
            wishes = Wishes(looks=looks, target=chosen, cone=cone)
            grasps = Persistence(self.network, self.search, self.ranking, self.gripper, clock).find(wishes)
        grasps = one_of_each(grasps, self.ranking, top_k).transformed(prepared[0].T_world_table, "world")
        clock.lap("finish")
        return grasps


def has_bf16(device: torch.device | str) -> bool:
    """Whether mixed precision is faster there: on a GPU, and on processors with bf16 arithmetic."""
    if torch.device(device).type == "cuda":
        return torch.cuda.is_bf16_supported()
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _box(workspace: ArrayLike | None) -> np.ndarray:
    return _EVERYWHERE if workspace is None else np.asarray(workspace, dtype=np.float64)
