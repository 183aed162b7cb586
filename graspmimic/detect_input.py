"""What `graspmimic detect` reads: a depth image with its camera, or a cloud, by the command's options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError, PinholeCamera, invert, transform_points
from perception.figures import NO_RETURN_RGB, GraspPicture, render_points, shade_depth
from perception.frames import (
    Cloud,
    RealScene,
    read_cloud,
    read_color,
    read_depth,
    read_intrinsics,
    read_mask,
    scene_from_cloud,
    scene_from_depth,
    seen_near,
)
from perception.grasping import Grasps

if TYPE_CHECKING:
    from graspmimic.detect import Detect

_SPLAT_PIXELS = 1.8
_CLOUD_PICTURE_PX = 900


@dataclass(frozen=True)
class DepthFrame:
    """A depth image with its camera."""

    depth_m: NDArray[np.float32]
    camera: PinholeCamera
    color: NDArray[np.uint8] | None
    mask: NDArray[np.bool_] | None
    depth_scale: float | None
    remark: str
    """How the depth was read, where a person should know."""

    def scene(self, options: Detect) -> RealScene:
        """The table and the targets in the image."""
        return scene_from_depth(
            self.depth_m,
            self.camera,
            np.random.default_rng(options.seed),
            mask=self._wanted(options),
            workspace_camera=_corners(options),
            find_table=options.table == "auto",
            max_range_m=options.max_range_m,
        )

    def _wanted(self, options: Detect) -> NDArray[np.bool_] | None:
        """(H, W) what the options choose to grasp; None for everything."""
        if options.target_box is not None:
            return _box_mask(options.target_box, self.camera)
        if options.target_point is not None:
            return _point_mask(options.target_point, self.depth_m, self.camera)
        return self.mask

    def picture(self, scene: RealScene, grasps: Grasps) -> GraspPicture:
        """The colour image, or the depth as a picture, and the cloud in the same colours."""
        image = self.color if self.color is not None else shade_depth(self.depth_m, self.camera)
        points = scene.camera.unproject(scene.depth_m)
        seen = np.isfinite(points[..., 2])
        return _picture(scene, grasps, image, points[seen], image[seen])


@dataclass(frozen=True)
class CloudFrame:
    """A point cloud."""

    cloud: Cloud
    depth_scale: float | None = None
    remark: str = ""

    def scene(self, options: Detect) -> RealScene:
        """The table and the targets in the cloud."""
        return scene_from_cloud(
            self.cloud.points,
            np.random.default_rng(options.seed),
            viewpoint=options.viewpoint,
            target=options.target_point,
            workspace_camera=_corners(options),
            find_table=options.table == "auto",
            max_range_m=options.max_range_m,
        )

    def picture(self, scene: RealScene, grasps: Grasps) -> GraspPicture:
        """The cloud as its camera saw it, in its own colours or lit as a cast."""
        if self.cloud.colors is not None:
            points, colors = transform_points(invert(scene.T_source_camera), self.cloud.points), self.cloud.colors
        else:
            points = scene.camera.unproject(scene.depth_m)
            seen = np.isfinite(points[..., 2])
            points, colors = points[seen], shade_depth(scene.depth_m, scene.camera)[seen]
        sizes = _SPLAT_PIXELS * np.abs(points[:, 2]) / scene.camera.fx
        camera = _with_margin(scene.camera.scaled(max(1.0, _CLOUD_PICTURE_PX / scene.camera.width)))
        image = render_points(points, colors, 1.3 * sizes, camera, np.eye(4), background=NO_RETURN_RGB, shading=8.0)
        return replace(_picture(scene, grasps, image, points, colors), camera=camera)


def read_frame(options: Detect) -> DepthFrame | CloudFrame:
    """Read what the options name.

    Raises:
        InputError: if a file is bad, or intrinsics are missing, or sizes differ.
    """
    if options.depth is None:
        assert options.cloud is not None
        return CloudFrame(read_cloud(options.cloud))
    camera, file_scale = _intrinsics(options)
    scale = file_scale if options.depth_scale is None else options.depth_scale
    depth = read_depth(options.depth, depth_scale=scale)
    shape = depth.depth_m.shape
    camera = camera or _camera_of_options(options, shape)
    camera.check_image(str(options.depth), depth.depth_m)
    color = None if options.color is None else read_color(options.color)
    mask = None if options.mask is None else read_mask(options.mask)
    for path, image in ((options.color, color), (options.mask, mask)):
        if image is not None and image.shape[:2] != shape:
            raise InputError(
                str(path), expected=f"an image of the depth image's size {shape}", got=f"{image.shape[:2]}"
            )
    remark = f"read at {depth.depth_scale:g} units per metre, a guess; set --depth-scale" if depth.guessed else ""
    return DepthFrame(depth.depth_m, camera, color, mask, depth.depth_scale, remark)


def _intrinsics(options: Detect) -> tuple[PinholeCamera | None, float | None]:
    """The camera of the file and its depth scale; None for a camera given by numbers."""
    numbers = {name: getattr(options, name) for name in ("fx", "fy", "cx", "cy")}
    missing = [f"--{name}" for name, value in numbers.items() if value is None]
    if options.camera is not None and len(missing) < 4:
        raise InputError("--camera", expected="a file or --fx --fy --cx --cy", got="both")
    if options.camera is None and missing:
        raise InputError(
            "intrinsics",
            expected="--camera FILE, or all of --fx --fy --cx --cy",
            got=f"neither; {', '.join(missing)} missing",
            remedy="your camera's driver publishes them as camera_info",
        )
    return read_intrinsics(options.camera) if options.camera is not None else (None, None)


def _camera_of_options(options: Detect, shape: tuple[int, ...]) -> PinholeCamera:
    height, width = shape
    fx, fy, cx, cy = (float(getattr(options, name)) for name in ("fx", "fy", "cx", "cy"))
    return PinholeCamera(width=width, height=height, fx=fx, fy=fy, cx=cx, cy=cy)


def _box_mask(box: tuple[int, int, int, int], camera: PinholeCamera) -> NDArray[np.bool_]:
    x0, y0, x1, y1 = box
    if x1 < 0 or y1 < 0 or x0 >= camera.width or y0 >= camera.height:
        size = f"{camera.width} x {camera.height}"
        raise InputError("--target-box", expected=f"a box in the image of {size} pixels", got=f"{box}")
    mask = np.zeros((camera.height, camera.width), dtype=bool)
    mask[max(y0, 0) : y1 + 1, max(x0, 0) : x1 + 1] = True
    return mask


def _point_mask(point: tuple[float, ...], depth_m: NDArray[np.float32], camera: PinholeCamera) -> NDArray[np.bool_]:
    """What is seen close to a point of the camera frame, or to what a pixel shows."""
    if len(point) == 3:
        return seen_near(np.array(point), depth_m, camera)
    column, row = (round(value) for value in point)
    if not (0 <= column < camera.width and 0 <= row < camera.height):
        size = f"{camera.width} x {camera.height}"
        raise InputError("--target-point", expected=f"a pixel in the image of {size}", got=f"{point}")
    patch = depth_m[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3]
    with np.errstate(invalid="ignore"):
        seen = patch[np.isfinite(patch) & (patch > 0.0)]
    if not len(seen):
        raise InputError("--target-point", expected="a pixel with depth", got=f"none at {column}, {row}")
    z = float(np.median(seen))
    return seen_near(
        z * np.array([(column - camera.cx) / camera.fx, (row - camera.cy) / camera.fy, 1.0]), depth_m, camera
    )


def _corners(options: Detect) -> FloatArray | None:
    """(2, 3) corners of the workspace, or None."""
    return None if options.workspace is None else np.array(options.workspace).reshape(3, 2).T


def _with_margin(camera: PinholeCamera) -> PinholeCamera:
    """The camera with a quarter more image on every side, to show hands beside a cloud that fills it."""
    dx, dy = camera.width // 4, camera.height // 4
    return replace(
        camera, width=camera.width + 2 * dx, height=camera.height + 2 * dy, cx=camera.cx + dx, cy=camera.cy + dy
    )


def _picture(
    scene: RealScene, grasps: Grasps, image: NDArray[np.uint8], points_camera: FloatArray, colors: NDArray[np.uint8]
) -> GraspPicture:
    targets = scene.target_points()
    return GraspPicture(
        image=image,
        camera=scene.camera,
        T_world_camera=scene.T_world_camera,
        points=transform_points(scene.T_world_camera, points_camera),
        point_colors=colors,
        point_sizes_m=_SPLAT_PIXELS * np.abs(points_camera[:, 2]) / scene.camera.fx,
        poses=grasps.poses,
        widths_m=grasps.widths_m,
        scores=grasps.scores,
        focus=targets if len(targets) else transform_points(scene.T_world_camera, points_camera),
    )
