"""What `graspmimic detect` writes: grasps as rows and as JSON, the picture, and the live view."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from geometry import to_pos_quat
from perception.figures import GraspPicture, LiveView, grasp_figure, output_file
from perception.frames import RealScene
from perception.grasping import Grasps, to_graspnet

_GRASP_FRAME = "origin midway between the fingertips, +z approach, +y closing direction; quaternions are xyzw"


def write_grasps(folder: Path, scene: RealScene, grasps: Grasps) -> None:
    """Write grasps.npy (17 columns, as GraspNet) and grasps.json, in the frame of the input, best first."""
    in_source = scene.in_source_frame(grasps)
    with output_file(folder / "grasps.npy") as path:
        np.save(path, to_graspnet(in_source))
    positions, quats_xyzw = to_pos_quat(in_source.poses)
    rows = [
        {"score": score, "width_m": width, "position_m": position, "quat_xyzw": quat_xyzw}
        for score, width, position, quat_xyzw in zip(
            grasps.scores.tolist(), grasps.widths_m.tolist(), positions.tolist(), quats_xyzw.tolist(), strict=True
        )
    ]
    content: dict[str, Any] = {
        "frame": in_source.frame,
        "grasp_frame": _GRASP_FRAME,
        "note": grasps.note,
        "grasps": rows,
    }
    if scene.support is not None:
        normal = scene.T_source_camera[:3, :3] @ scene.support.normal
        offset = scene.support.offset_m + normal @ scene.T_source_camera[:3, 3]
        content["table"] = {"normal": normal.tolist(), "offset_m": float(offset)}
    with output_file(folder / "grasps.json") as path:
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_picture(path: Path, picture: GraspPicture, title: str) -> None:
    """Write the grasp figure as PNG."""
    with output_file(path) as draft:
        grasp_figure(picture, title=title).savefig(draft, format="png")


def show(scene: RealScene, picture: GraspPicture, file: Path | None) -> None:
    """Stream the frame and its grasps to Rerun's window, or into a `.rrd` file."""
    with LiveView("detect", file=file) as view:
        view.camera("camera", scene.camera, scene.T_world_camera, rgb=picture.image, depth_m=scene.depth_m)
        view.cloud("cloud", picture.points, picture.point_colors)
        view.grasps("grasps", picture.poses, picture.widths_m, picture.scores)
