"""Grasps <-> what RViz shows of them: each one the gripper's boxes where they would be."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from geometry_msgs.msg import Point, Vector3
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from geometry import PANDA_HAND, GripperSpec
from perception.grasping import Grasps
from ros_nodes.messages.poses import poses_from_matrices
from ros_nodes.messages.stamps import duration_of

_ALPHA = 0.6
_WIDTH_STEP_M = 0.001
_SIDES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
"""A box's six sides, outwards, as corners; corner number 4 x + 2 y + z with 0 for the lower, 1 for the upper."""


def grasp_markers(
    grasps: Grasps,
    header: Any,
    *,
    gripper: GripperSpec = PANDA_HAND,
    lifetime_s: float = 2.0,
    limit: int = 20,
    namespace: str = "grasps",
) -> MarkerArray:
    """A marker for each of the best grasps, red for the worst of them to green for the best; older ones vanish first.

    Args:
        grasps: in the frame `header.frame_id`.
        header: std_msgs/Header.
        gripper: shape to draw, opened as each grasp asks (to the millimetre).
        lifetime_s: after which RViz removes them; 0 is never.
        limit: how many at most.
        namespace: of the markers.
    """
    shown = grasps.top(limit)
    goodness = _goodness(shown.scores)
    markers = [Marker(header=header, ns=namespace, action=Marker.DELETEALL)]
    poses = poses_from_matrices(shown.poses)
    for i, (pose, width_m) in enumerate(zip(poses, shown.widths_m, strict=True)):
        steps = round(min(float(width_m), gripper.max_width_m) / _WIDTH_STEP_M)
        markers.append(
            Marker(
                header=header,
                ns=namespace,
                id=i,
                type=Marker.TRIANGLE_LIST,
                action=Marker.ADD,
                pose=pose,
                scale=Vector3(x=1.0, y=1.0, z=1.0),
                color=ColorRGBA(r=1.0 - goodness[i], g=goodness[i], b=0.1, a=_ALPHA),
                lifetime=duration_of(lifetime_s),
                points=_triangles(gripper, steps),
            )
        )
    return MarkerArray(markers=markers)


def _goodness(scores: Any) -> list[float]:
    """Scores brought from 0, the worst, to 1, the best; all 1 where there is no difference."""
    if not len(scores) or np.ptp(scores) == 0.0:
        return [1.0] * len(scores)
    return list(((scores - scores.min()) / np.ptp(scores)).tolist())


@lru_cache(maxsize=256)
def _triangles(gripper: GripperSpec, steps: int) -> list[Point]:
    """Corners of the triangles of the gripper's boxes; made once for an opening and only read from then on."""
    boxes = gripper.boxes(steps * _WIDTH_STEP_M)
    ends = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    corners = np.where(ends[None] == 1, boxes[:, None, 1], boxes[:, None, 0])
    sides = np.array(_SIDES)
    triangles = np.concatenate([sides[:, [0, 1, 2]], sides[:, [0, 2, 3]]]).ravel()
    return [Point(x=x, y=y, z=z) for x, y, z in corners[:, triangles].reshape(-1, 3).tolist()]
