"""A real frame made ready for a grasp planner: its table is the world, its objects are the targets.

The world frame of a scene stands on the support: z up, origin amid the visible surface. Without a
support there is no table and z points from the scene towards the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from geometry import PANDA_HAND, FloatArray, GripperSpec, InputError, PinholeCamera, invert, transform, transform_points
from perception.cloud import flying_pixels, voxel_downsample
from perception.frames.support import Support, find_support, object_clusters
from perception.grasping import Grasps
from perception.grasping.scene_view import view_of_cloud

_MARGIN_M = 0.02
_MAX_CLOUD_POINTS = 400_000
_THINNING_M = 0.0015
_LEAST_TARGET_POINTS = 8
_TARGET_RADIUS_M = 0.025


@dataclass(frozen=True)
class RealScene:
    """One look at a real scene; a `SceneView` for planners, and which pixels may be grasped."""

    depth_m: NDArray[np.float32]
    """(H, W) metres along the optical axis, 0 where there is no return or it is out of range."""
    camera: PinholeCamera
    """Intrinsics of the depth image."""
    T_world_camera: FloatArray
    """(4, 4) pose of the camera in the frame of the support."""
    workspace: FloatArray
    """(2, 3) world corners around the targets."""
    table_z_m: float
    """0, the height of the support in its own frame; -inf without one."""
    rng: np.random.Generator
    """Source of the planner's samples."""
    targets: NDArray[np.bool_]
    """(H, W) pixels of what may be grasped."""
    support: Support | None
    """What the objects stand on, in the camera frame."""
    T_source_camera: FloatArray
    """(4, 4) pose of this camera in the frame of the file: the identity for images."""
    whole_view: bool
    """Whether the image is all that the camera saw, so that nothing is known beyond its border."""

    def target_points(self) -> FloatArray:
        """(N, 3) points that may be grasped, in the world."""
        return transform_points(self.T_world_camera, self.camera.unproject(self.depth_m)[self.targets])

    def in_source_frame(self, grasps: Grasps) -> Grasps:
        """Grasps of a planner in the frame of the file that the scene came from, "camera" or "cloud"."""
        name = "camera" if self.whole_view else "cloud"
        return grasps.transformed(self.T_source_camera @ invert(self.T_world_camera), name)


def scene_from_depth(
    depth_m: NDArray[np.float32],
    camera: PinholeCamera,
    rng: np.random.Generator,
    *,
    mask: NDArray[np.bool_] | None = None,
    workspace_camera: ArrayLike | None = None,
    find_table: bool = True,
    max_range_m: float = 1.5,
) -> RealScene:
    """Find the table and the objects in a depth image.

    Args:
        depth_m: (H, W) metres, 0 where there is no return.
        camera: intrinsics of the image.
        rng: source of RANSAC's trials, then of the planner's samples.
        mask: (H, W) true on what may be grasped; None is everything that stands on the table.
        workspace_camera: (2, 3) lower and upper corner in the camera frame of what may be grasped.
        find_table: whether to look for a support; without one, targets are whatever is in range.
        max_range_m: depths beyond this are background.
    Raises:
        InputError: if sizes differ or nothing is left within mask, box and range.
    """
    camera.check_image("depth image", depth_m)
    if mask is not None:
        _check_mask(mask, depth_m.shape)
    points = camera.unproject(np.where(depth_m <= max_range_m, depth_m, 0.0))
    seen = np.isfinite(points[..., 2]) & ~flying_pixels(depth_m)
    _check_range(seen, depth_m, max_range_m)
    wanted = seen if mask is None else seen & mask
    if workspace_camera is not None:
        wanted = wanted & _inside(points, workspace_camera)
    if not wanted.any():
        raise InputError(
            "mask and workspace",
            expected="at least one pixel with depth within mask, workspace and range",
            got="none",
            remedy="the workspace is xmin xmax ymin ymax zmin zmax in the camera frame (x right, y down, z forward)",
        )
    support = find_support(points[seen], rng) if find_table else None
    targets = wanted if support is None else wanted & _standing(points, seen, support, everything=mask is not None)
    T_world_camera = invert(_world_frame(support, points[wanted]))
    return RealScene(
        depth_m=np.where(seen, depth_m, 0.0).astype(np.float32),
        camera=camera,
        T_world_camera=T_world_camera,
        workspace=_box_around(transform_points(T_world_camera, points[targets]), support),
        table_z_m=-np.inf if support is None else 0.0,
        rng=rng,
        targets=targets,
        support=support,
        T_source_camera=np.eye(4),
        whole_view=True,
    )


def scene_from_cloud(
    points: FloatArray,
    rng: np.random.Generator,
    *,
    viewpoint: ArrayLike | None = None,
    target: ArrayLike | None = None,
    workspace_camera: ArrayLike | None = None,
    find_table: bool = True,
    max_range_m: float = 1.5,
) -> RealScene:
    """Find the table and the objects in a cloud, through the image that its camera would have taken.

    Args:
        points: (N, 3) finite points; clouds above 400,000 points are thinned to 1.5 mm.
        rng: as in `scene_from_depth`.
        viewpoint: (3,) where it was seen from. None is the origin, as in a camera frame; or, where the
            cloud surrounds the origin, a place that looks down on it at an angle, with z up.
        target: (3,) a point of what may be grasped, in the frame of the cloud; None is everything.
        workspace_camera: (2, 3) lower and upper corner, in the frame of the cloud.
        find_table: as in `scene_from_depth`.
        max_range_m: as in `scene_from_depth`.
    Raises:
        InputError: if nothing is left within box and range.
    """
    cloud = np.asarray(points, dtype=np.float64)
    if workspace_camera is not None:
        cloud = cloud[_inside(cloud, workspace_camera)]
    if len(cloud) < 3:
        raise InputError("cloud", expected="at least 3 points (in the workspace)", got=f"{len(cloud)}")
    if len(cloud) > _MAX_CLOUD_POINTS:
        cloud = voxel_downsample(cloud, _THINNING_M)
    eye = _viewpoint_of(cloud) if viewpoint is None else np.asarray(viewpoint, dtype=np.float64)
    if not np.isfinite(eye).all():
        raise InputError("viewpoint", expected="three finite numbers, metres", got=f"{eye.tolist()}")
    view = view_of_cloud(cloud, rng, viewpoint=eye)
    mask = None
    if target is not None:
        point_camera = transform_points(invert(view.T_world_camera), np.reshape(target, (1, 3)))[0]
        mask = seen_near(point_camera, view.depth_m, view.camera)
    scene = scene_from_depth(view.depth_m, view.camera, rng, mask=mask, find_table=find_table, max_range_m=max_range_m)
    return RealScene(**{**vars(scene), "T_source_camera": view.T_world_camera, "whole_view": False})


def seen_near(point_camera: FloatArray, depth_m: NDArray[np.float32], camera: PinholeCamera) -> NDArray[np.bool_]:
    """(H, W) pixels whose points lie within 2.5 cm of a point (3,) of the camera frame: a target by a point."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.linalg.norm(camera.unproject(depth_m) - point_camera, axis=-1) < _TARGET_RADIUS_M)


def on_targets(grasps: Grasps, scene: RealScene, gripper: GripperSpec = PANDA_HAND) -> Grasps:
    """The grasps that hold a target: enough target points, and mostly those, between the fingers.

    Fingertips beyond the border of the image do not count as free: an object that the border cuts
    goes on there.
    """
    points = transform_points(scene.T_world_camera, scene.camera.unproject(scene.depth_m))
    table = scene.support.tolerance_m if scene.support is not None else -np.inf
    with np.errstate(invalid="ignore"):
        solid = np.isfinite(points[..., 2]) & ((points[..., 2] > table) | scene.targets)
    cloud, is_target = points[solid], scene.targets[solid]
    if not len(cloud) or not len(grasps):
        return grasps[:0]
    if scene.whole_view:
        grasps = grasps[_tips_in_view(grasps, scene, gripper)]
    reach = float(np.linalg.norm([0.5 * gripper.max_width_m, gripper.finger_depth_m]))
    near = cKDTree(cloud).query_ball_point(grasps.positions, reach)
    return grasps[[_holds_target(g, cloud[i], is_target[i], gripper) for g, i in zip(grasps, near, strict=True)]]


def _tips_in_view(grasps: Grasps, scene: RealScene, gripper: GripperSpec) -> NDArray[np.bool_]:
    """(N,) grasps whose fingertips, in their full thickness, lie within the image."""
    outer = 0.5 * grasps.widths_m + gripper.tip_thickness_m
    tips = grasps.positions[:, None] + np.stack([outer, -outer], axis=1)[..., None] * grasps.closings[:, None]
    pixels = scene.camera.project(transform_points(invert(scene.T_world_camera), tips))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.all((pixels >= 0) & (pixels < (scene.camera.width, scene.camera.height)), axis=(1, 2)))


def _holds_target(grasp: Grasps, points: FloatArray, is_target: NDArray[np.bool_], gripper: GripperSpec) -> bool:
    lower, upper = gripper.closing_region(float(grasp.widths_m[0]))
    local = transform_points(invert(grasp.poses[0]), points)
    held = is_target[np.all((local >= lower) & (local <= upper), axis=1)]
    return bool(held.sum() >= _LEAST_TARGET_POINTS and held.mean() > 0.5)


def _check_mask(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> None:
    if mask.shape != shape:
        raise InputError("mask", expected=f"the depth image's shape {shape}", got=f"{mask.shape}")


def _check_range(seen: NDArray[np.bool_], depth_m: NDArray[np.float32], max_range_m: float) -> None:
    if seen.any():
        return
    valid = depth_m[depth_m > 0.0]
    got, remedy = "no depth at all", "check that it is the depth image"
    if len(valid) and valid.min() > max_range_m:
        got, remedy = f"the nearest at {valid.min():.3g} m", "raise --max-range-m"
    elif len(valid):
        got, remedy = f"{len(valid)} pixel(s) with depth that belong to no surface", "check the camera and its cable"
    raise InputError("depth image", expected=f"surfaces within {max_range_m:g} m", got=got, remedy=remedy)


def _inside(points: FloatArray, box: ArrayLike) -> NDArray[np.bool_]:
    lower, upper = np.asarray(box, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.all((points >= lower) & (points <= upper), axis=-1))


def _standing(points: FloatArray, seen: NDArray[np.bool_], support: Support, *, everything: bool) -> NDArray[np.bool_]:
    """(H, W) pixels of objects on the support; `everything`: of whatever is above it, as a mask chooses."""
    standing = np.zeros(seen.shape, dtype=bool)
    if everything:
        standing[seen] = support.height(points[seen]) > support.tolerance(points[seen])
    else:
        standing[seen] = object_clusters(points[seen], support) >= 0
    return standing


def _world_frame(support: Support | None, points: FloatArray) -> FloatArray:
    """(4, 4) `T_camera_world`."""
    if support is not None:
        return support.T_camera_support
    rotation = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])  # z against the line of sight
    return transform(rotation, np.median(points, axis=0))


def _box_around(points_world: FloatArray, support: Support | None) -> FloatArray:
    if not len(points_world):
        return np.array([[-_MARGIN_M] * 3, [_MARGIN_M] * 3])
    box = np.stack([points_world.min(axis=0) - _MARGIN_M, points_world.max(axis=0) + _MARGIN_M])
    if support is not None:
        box[0, 2] = -_MARGIN_M
    return box


def _viewpoint_of(cloud: FloatArray) -> FloatArray:
    """The origin, or a place 0.5 m outside a cloud that lies around the origin."""
    lower, upper = cloud.min(axis=0), cloud.max(axis=0)
    if (cloud[:, 2] > 0.0).mean() > 0.99:
        return np.zeros(3)
    direction = np.array([1.0, -1.0, 1.0]) / np.sqrt(3.0)
    return np.asarray(0.5 * (lower + upper) + direction * (0.5 + 0.5 * np.linalg.norm(upper - lower)))
