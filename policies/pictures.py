"""Pictures of what the camera saw on the table and the grasps that were found in it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from envs.clutter import Observation, RankedGrasps
from geometry import FloatArray, transform_points
from perception.figures import GraspPicture, grasp_figure, output_file, shade_depth

_SPLAT_PIXELS = 1.3
_DRAWN = 8
_DRAWN_APART_M = 0.03


def picture_of(observation: Observation, grasps: RankedGrasps, count: int = _DRAWN) -> GraspPicture:
    """The depth image, lit as a cast, with the best grasps; `focus` is the cloud above the table.

    Args:
        observation: what the camera saw.
        grasps: best first.
        count: how many of them to draw at most; of those close to each other, the best.
    """
    drawn = _apart(np.asarray(grasps.poses), count)
    image = shade_depth(observation.depth_m, observation.camera)
    points = observation.camera.unproject(observation.depth_m)
    seen = np.isfinite(points[..., 2])
    world = transform_points(observation.T_world_camera, points[seen])
    near = np.linalg.norm(world - observation.workspace.mean(axis=0), axis=-1) < 0.5
    return GraspPicture(
        image=image,
        camera=observation.camera,
        T_world_camera=observation.T_world_camera,
        points=world[near],
        point_colors=image[seen][near],
        point_sizes_m=_SPLAT_PIXELS * points[seen][near, 2] / observation.camera.fx,
        poses=np.asarray(grasps.poses)[drawn],
        widths_m=np.asarray(grasps.widths_m)[drawn],
        scores=np.asarray(grasps.scores)[drawn],
        focus=observation.cloud_world if len(observation.cloud_world) else observation.workspace,
    )


def _apart(poses: FloatArray, count: int) -> list[int]:
    """Indices of at most `count` grasps, best first, each 3 cm or more from those before it."""
    kept: list[int] = []
    for i, position in enumerate(poses[:, :3, 3]):
        if len(kept) == count:
            break
        if all(np.linalg.norm(position - poses[k, :3, 3]) >= _DRAWN_APART_M for k in kept):
            kept.append(i)
    return kept


class FailurePictures:
    """Saves a grasp figure for each failed grasp; pass it to the benchmark as `record_failure`.

    Args:
        folder: where the PNG files go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, observation: Observation, grasps: RankedGrasps, name: str) -> None:
        """Draw the grasp that failed."""
        title = re.sub(r"[_-]", " ", name)
        with output_file(self.folder / f"{name}.png") as draft:
            grasp_figure(picture_of(observation, grasps, 1), title=title).savefig(draft, format="png")
