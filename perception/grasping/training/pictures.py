"""Pictures of a network's mind: the image it gets, what it makes of it, and its best grasps."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from torch import Tensor

from geometry import PinholeCamera, invert, transform_points
from perception.grasping.network.model import GraspNetwork
from perception.grasping.network.search import Search, View, find_grasps

_GRASPS = 12
_SCALE = 2


def training_picture(
    network: GraspNetwork, depth_m: Tensor, focal: Tensor, T_table_camera: Tensor
) -> NDArray[np.uint8]:
    """(2 H, 6 W, 3) the measured depth with the best grasps, graspness, and thickness along the line of sight.

    Args:
        network: trained or not.
        depth_m: (1, H, W) canonical depth.
        focal: (1,).
        T_table_camera: (1, 4, 4).
    """
    view = View(depth_m, focal, T_table_camera)
    maps = network.backbone(*view)
    found = find_grasps(network, view, maps, Search())
    depth = depth_m[0].cpu().numpy()
    size = (depth.shape[0] * _SCALE, depth.shape[1] * _SCALE)
    near, far = np.percentile(depth[depth > 0.0], [1, 99]) if (depth > 0.0).any() else (0.0, 1.0)
    image = _painted((far - depth) / max(far - near, 1e-6), "gray", size)
    camera = PinholeCamera(
        width=depth.shape[1],
        height=depth.shape[0],
        fx=float(focal),
        fy=float(focal),
        cx=0.5 * (depth.shape[1] - 1),
        cy=0.5 * (depth.shape[0] - 1),
    )
    T_camera_table = invert(T_table_camera[0].cpu().numpy().astype(np.float64))
    for pose, probability in list(zip(found.poses[:_GRASPS], found.probability[:_GRASPS], strict=True))[::-1]:
        _draw_hand(image, camera, T_camera_table @ pose.cpu().numpy().astype(np.float64), float(probability))
    thickness = (maps.exit_m - maps.front_m)[0].cpu().numpy() / 0.08
    return np.concatenate(
        [
            image,
            _painted(maps.graspness_logit[0].sigmoid().cpu().numpy(), "viridis", size),
            _painted(thickness, "magma", size),
        ],
        axis=1,
    )


def _painted(values: NDArray[np.floating], colours: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W, 3) values of 0 to 1 in colours, enlarged to a size by repeating pixels."""
    rows = np.arange(size[0]) * values.shape[0] // size[0]
    columns = np.arange(size[1]) * values.shape[1] // size[1]
    painted = colormaps[colours](np.clip(values, 0.0, 1.0))[..., :3][rows][:, columns]
    return np.asarray(255.0 * painted, dtype=np.uint8)


def _draw_hand(image: NDArray[np.uint8], camera: PinholeCamera, T_camera_grasp: NDArray[np.float64], p: float) -> None:
    """Fingers, palm and wrist as lines, from red (0) to green (1)."""
    corners = np.array(
        [[0, 0.04, 0], [0, 0.04, -0.046], [0, -0.04, -0.046], [0, -0.04, 0], [0, 0, -0.046], [0, 0, -0.09]], float
    )
    pixels = camera.project(transform_points(T_camera_grasp, corners)) * _SCALE
    colour = np.array([255 * min(1.0, 2 - 2 * p), 255 * min(1.0, 2 * p), 40], dtype=np.uint8)
    for a, b in ((0, 1), (1, 2), (2, 3), (4, 5)):
        points = np.rint(np.linspace(pixels[a], pixels[b], 120)).astype(int)
        inside = np.all((points >= 0) & (points < (image.shape[1], image.shape[0])), axis=1)
        image[points[inside, 1], points[inside, 0]] = colour
