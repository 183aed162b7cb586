"""The antipodal planner: geometric grasps from one look at a scene, no network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geometry import PANDA_HAND, FloatArray, GripperSpec
from perception.cloud import find_clusters, voxel_downsample
from perception.grasping.candidates import Sampling, sample_candidates
from perception.grasping.closing import Closing, simulate_closing
from perception.grasping.grasps import Grasps
from perception.grasping.hand_clearance import hand_clearance
from perception.grasping.nms import suppress_duplicates
from perception.grasping.occupancy import Occupancy, map_occupancy
from perception.grasping.scene_view import SceneView
from perception.grasping.scoring import grasp_features, grasp_scores
from perception.grasping.table_scene import TableScene, read_scene

_LEAST_POINTS = 8
_MOST_DRAWN_BACK_M = 0.04
_CLUSTER_VOXEL_M = 0.005


@dataclass(frozen=True, kw_only=True)
class AntipodalPlanner:
    """Finds grasps between opposing surfaces; a callable from a `SceneView` to ranked `Grasps`."""

    gripper: GripperSpec = PANDA_HAND
    """The hand."""
    sampling: Sampling = Sampling()
    """How candidates are drawn."""
    approach_m: float = 0.05
    """Length of the straight way to the grasp that must be free."""
    table_clearance_m: float = 0.003
    """Least height of any part of the hand above the table."""
    finalists: int = 900
    """Candidates that pass the quick look and are judged in full."""
    max_grasps: int = 100
    """Grasps returned at most, after suppression of near duplicates."""
    correct_scale: bool = True
    """Whether the table's known height is used to put the scale of the depth right."""

    def __call__(self, view: SceneView) -> Grasps:
        """Plan grasps in the world frame, best first; when there is none, `note` says why."""
        scene = read_scene(view, correct_scale=self.correct_scale)
        points = scene.object_points
        if len(points) < _LEAST_POINTS:
            return Grasps(note=f"only {len(points)} object points above the table inside the workspace")
        occupancy = map_occupancy(scene)
        poses = sample_candidates(
            points, scene.T_table_camera[:3, 3], occupancy, self.gripper.max_width_m - 0.004, view.rng, self.sampling
        )
        if not len(poses):
            return Grasps(note="nothing seen fits between the fingers")
        judged = self._judged(scene, occupancy, self._off_the_table(poses, scene.has_table))
        if not len(judged):
            return Grasps(note="the hand has no room at anything that fits between the fingers")
        best = suppress_duplicates(judged.top(6 * self.max_grasps), distance_m=0.015, angle_rad=0.4)
        return best.top(self.max_grasps).transformed(scene.T_world_table, "world")

    def _judged(self, scene: TableScene, occupancy: Occupancy, poses: FloatArray) -> Grasps:
        """Those of the poses (C, 4, 4) in the table frame that hold something, scored."""
        quick = hand_clearance(poses, occupancy, self.gripper, self.approach_m, step_scale=2.0)
        order = np.argsort(quick.fingers + 0.3 * quick.palm + quick.start + quick.fingers_mean, kind="stable")[
            : self.finalists
        ]
        poses = _centred(poses[order], simulate_closing(poses[order], occupancy, self.gripper))
        closing = simulate_closing(poses, occupancy, self.gripper)
        poses, closing = poses[closing.holds], closing.of(closing.holds)
        clearance = hand_clearance(poses, occupancy, self.gripper, self.approach_m)
        features = grasp_features(poses, closing, clearance, occupancy)
        widths = np.clip(closing.width_m + 0.01, 0.0, self.gripper.max_width_m)
        return Grasps(poses, widths, grasp_scores(features), "table", _held_cluster(poses, scene))

    def _off_the_table(self, poses: FloatArray, has_table: bool) -> FloatArray:
        """Poses drawn back along their approach until no part of the hand is in the table; some cannot."""
        if not has_table:
            return poses
        corners = np.array([[b[i, 0], b[j, 1], b[1, 2]] for b in self.gripper.boxes() for i in (0, 1) for j in (0, 1)])
        lowest = (poses[:, 2, :3] @ corners.T).min(axis=1) + poses[:, 2, 3]
        missing = np.maximum(self.table_clearance_m - lowest, 0.0)
        back = missing / np.maximum(-poses[:, 2, 2], 0.15)
        moved = poses.copy()
        moved[:, :3, 3] -= back[:, None] * poses[:, :3, 2]
        return moved[back < _MOST_DRAWN_BACK_M]


def _centred(poses: FloatArray, closing: Closing) -> FloatArray:
    """The poses at which something is held, moved so that both fingers touch at once."""
    shift = 0.5 * (closing.low + closing.high)[closing.holds]
    moved = poses[closing.holds].copy()
    moved[:, :3, 3] += shift[:, None] * moved[:, :3, 1]
    return moved


def _held_cluster(poses: FloatArray, scene: TableScene) -> NDArray[np.int64]:
    """(G,) the cluster of seen points that lies nearest to the middle between the fingers' ends."""
    cloud = voxel_downsample(scene.object_points, _CLUSTER_VOXEL_M)
    labels = find_clusters(cloud, gap_m=2.0 * _CLUSTER_VOXEL_M, min_points=1)
    return labels[cKDTree(cloud).query(poses[:, :3, 3])[1]]
