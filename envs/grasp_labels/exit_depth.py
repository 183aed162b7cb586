"""Where the camera's rays leave the objects that they meet: the hidden back of what is seen."""

from __future__ import annotations

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from envs.grasp_labels.scene_geometry import SceneGeometry
from geometry import FloatArray, PinholeCamera

_PAST_M = 0.0002


def exit_depth(
    geometry: SceneGeometry,
    camera: PinholeCamera,
    T_table_camera: FloatArray,
    depth_m: NDArray[np.float32],
    on_object: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Depth of the next surface behind the one that is seen, along the same ray.

    Args:
        geometry: the scene.
        camera: intrinsics of the image.
        T_table_camera: (4, 4).
        depth_m: (H, W) true depth of what is seen.
        on_object: (H, W) the pixels that see an object.
    Returns:
        (H, W) metres along +z, 0 off the objects. Where a mesh is open and has no back, the table's depth.
    """
    rotation = T_table_camera[:3, :3]
    directions = camera.rays()[on_object] @ rotation.T
    start_m = depth_m[on_object].astype(np.float64) + _PAST_M
    origins = T_table_camera[:3, 3] + start_m[:, None] * directions
    rays = np.concatenate([origins, directions], axis=1).astype(np.float32)
    beyond_m = geometry.seen_caster.cast_rays(o3d.core.Tensor.from_numpy(rays), nthreads=1)["t_hit"].numpy()
    with np.errstate(divide="ignore"):
        table_m = np.where(directions[:, 2] < 0.0, -origins[:, 2] / directions[:, 2], np.inf)
    result = np.zeros(depth_m.shape, dtype=np.float32)
    result[on_object] = start_m + np.clip(np.minimum(beyond_m, np.maximum(table_m, 0.0)), 0.0, 1.0)
    return result
