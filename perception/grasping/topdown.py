"""The top-down heuristic: across the narrow side of each cluster, straight down. The simple baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import PANDA_HAND, FloatArray, GripperSpec
from perception.cloud import find_clusters
from perception.grasping.grasps import Grasps
from perception.grasping.scene_view import SceneView
from perception.grasping.table_scene import read_scene

_LEAST_POINTS = 12


@dataclass(frozen=True, kw_only=True)
class TopDownPlanner:
    """One grasp for each cluster of points: from above, at its middle, across its minor axis."""

    gripper: GripperSpec = PANDA_HAND
    """The hand."""
    gap_m: float = 0.008
    """Least gap between two objects' points."""
    depth_m: float = 0.03
    """How far below the top of a cluster the fingertips shall reach."""
    table_clearance_m: float = 0.004
    """Least height of the fingertips above the table."""

    def __call__(self, view: SceneView) -> Grasps:
        """Plan grasps in the world frame, highest cluster first; when there is none, `note` says why."""
        scene = read_scene(view)
        points = scene.object_points
        if len(points) < _LEAST_POINTS:
            return Grasps(note=f"only {len(points)} object points above the table inside the workspace")
        labels = find_clusters(points, gap_m=self.gap_m, min_points=_LEAST_POINTS)
        clusters = [points[labels == label] for label in range(labels.max() + 1)]
        if not clusters:
            return Grasps(note="the object points are too scattered to form a cluster")
        poses = np.stack([self._pose(cluster, scene.has_table) for cluster in clusters])
        widths = np.array([_footprint_width(c, pose) for c, pose in zip(clusters, poses, strict=True)])
        tops = np.array([np.percentile(cluster[:, 2], 98) for cluster in clusters])
        too_wide = widths > self.gripper.max_width_m
        scores = 1.0 / (1.0 + np.exp(-tops / 0.1)) - 0.5 * too_wide
        grasps = Grasps(
            poses, np.minimum(widths + 0.01, self.gripper.max_width_m), scores, "table", np.arange(len(poses))
        )
        return grasps.sorted().transformed(scene.T_world_table, "world")

    def _pose(self, cluster: FloatArray, has_table: bool) -> FloatArray:
        """(4, 4) `T_table_grasp`: approach down, closing along the footprint's minor axis."""
        _, axes = np.linalg.eigh(np.cov(cluster[:, :2].T))
        closing = np.array([*axes[:, 0], 0.0])
        along = cluster[:, :2] @ axes
        middle = axes @ (0.5 * (np.percentile(along, 2, axis=0) + np.percentile(along, 98, axis=0)))
        tip = np.percentile(cluster[:, 2], 98) - self.depth_m
        pose = np.eye(4)
        pose[:3, 2] = (0.0, 0.0, -1.0)
        pose[:3, 1] = closing
        pose[:3, 0] = np.cross(closing, pose[:3, 2])
        pose[:3, 3] = (*middle, max(tip, self.table_clearance_m) if has_table else tip)
        return pose


def _footprint_width(cluster: FloatArray, pose: FloatArray) -> float:
    """Extent of the cluster along the closing direction, metres."""
    low, high = np.percentile(cluster @ pose[:3, 1], [2, 98])
    return float(high - low)
