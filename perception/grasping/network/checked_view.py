"""A caller's look, checked before anything is made of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError, PinholeCamera
from perception.grasping.scene_view import DepthView, SceneView

_MOST_M = 50.0


def checked(view: SceneView) -> DepthView:
    """The same look as plain values: float32 depth, float64 pose and workspace.

    Raises:
        InputError: if the image is no depth image in metres of the camera's size, or pose, workspace or
            table are none.
    """
    table_z_m = view.table_z_m
    if table_z_m is not None and (np.isnan(table_z_m) or table_z_m == np.inf):
        raise InputError("table_z_m", expected="a height in metres, -inf for no table, or None", got=f"{table_z_m}")
    return DepthView(
        _depth(view.depth_m, view.camera),
        view.camera,
        _pose(view.T_world_camera),
        _box(view.workspace),
        None if table_z_m is None else float(table_z_m),
        view.rng,
    )


def _box(workspace: object) -> FloatArray:
    box = np.asarray(workspace, dtype=np.float64)
    if box.shape != (2, 3) or not np.all(box[0] < box[1]):
        raise InputError(
            "workspace", expected="a lower and an upper corner (2, 3), the lower one lower", got=f"{box.tolist()}"
        )
    return box


def _depth(depth_m: object, camera: PinholeCamera) -> NDArray[np.float32]:
    depth = np.asarray(depth_m)
    if depth.ndim != 2 or not np.issubdtype(depth.dtype, np.floating):
        integers = depth.ndim == 2 and np.issubdtype(depth.dtype, np.integer)
        raise InputError(
            "depth_m",
            expected="a float image (H, W) in metres",
            got=f"{depth.dtype} of shape {depth.shape}",
            remedy="divide integer depth by its units per metre, usually 1000" if integers else "",
        )
    camera.check_image("depth_m", depth)
    sample = depth[:: max(1, depth.shape[0] // 40), :: max(1, depth.shape[1] // 40)]
    with np.errstate(invalid="ignore"):
        seen = sample[np.isfinite(sample) & (sample > 0.0)]
    if len(seen) and np.median(seen) > _MOST_M:
        raise InputError(
            "depth_m",
            expected="metres",
            got=f"a median depth of {np.median(seen):.0f}",
            remedy="these look like millimetres; divide by 1000",
        )
    return depth.astype(np.float32, copy=False)


def _pose(T_world_camera: object) -> FloatArray:
    T = np.asarray(T_world_camera, dtype=np.float64)
    rigid = T.shape == (4, 4) and np.isfinite(T).all() and np.allclose(T[3], (0.0, 0.0, 0.0, 1.0))
    if not rigid or not np.allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-3) or np.linalg.det(T) < 0.0:
        raise InputError("T_world_camera", expected="a rigid transform (4, 4)", got=f"{T.tolist()}")
    return T
