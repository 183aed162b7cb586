"""Analytic scenes: boxes on a table, ray-traced by the slab method, independent of the product's renderers."""

from types import SimpleNamespace

import numpy as np
import pytest

from geometry import PinholeCamera, look_at

CAMERA = PinholeCamera(width=320, height=240, fx=270.0, fy=270.0, cx=159.5, cy=119.5)
WORKSPACE = np.array([[-0.15, -0.15, -0.02], [0.15, 0.15, 0.3]])


def ray_trace(boxes, T_world_camera, table_z_m=0.0, camera=CAMERA):
    """Depth of boxes, each (centre, half extents, yaw), on a table of 1 m by 1 m."""
    rays = camera.rays().reshape(-1, 3) @ T_world_camera[:3, :3].T
    eye = T_world_camera[:3, 3]
    depth = np.full(len(rays), np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        if table_z_m is not None:
            hit = (table_z_m - eye[2]) / rays[:, 2]
            on = eye + hit[:, None] * rays
            good = (hit > 0) & np.all(np.abs(on[:, :2]) < 0.5, axis=1)
            depth[good] = hit[good]
        for centre, half, yaw in boxes:
            c, s = np.cos(yaw), np.sin(yaw)
            R = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
            origin, direction = (eye - centre) @ R, rays @ R
            near, far = (-np.asarray(half) - origin) / direction, (np.asarray(half) - origin) / direction
            enter, leave = np.minimum(near, far).max(axis=1), np.maximum(near, far).min(axis=1)
            hit = (enter < leave) & (enter > 0)
            depth[hit] = np.minimum(depth[hit], enter[hit])
    depth[np.isinf(depth)] = 0.0
    return depth.reshape(camera.height, camera.width).astype(np.float32)


@pytest.fixture
def make_view():
    """Build a `SceneView` of boxes; extra keywords replace its fields."""

    def build(boxes, *, eye=(0.0, -0.45, 0.4), seed=0, **changes):
        T_world_camera = look_at(np.array(eye), (0.0, 0.0, 0.04))
        fields = {
            "depth_m": ray_trace(boxes, T_world_camera, changes.pop("drawn_table_z_m", 0.0)),
            "camera": CAMERA,
            "T_world_camera": T_world_camera,
            "workspace": WORKSPACE,
            "table_z_m": 0.0,
            "rng": np.random.default_rng(seed),
        }
        return SimpleNamespace(**(fields | changes))

    return build
