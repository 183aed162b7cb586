"""A camera fast enough to look at every step of a policy's training, on convex stand-ins of the visible shapes.

With inverse depth w = 1 / z, a face seen by the ray (u, v, 1) bounds w by an affine function of
the pixel: from above if the camera is on its outer side, from below if not. So a convex piece is
entered at the least of the upper bounds and left at the greatest of the lower ones: no division,
no search tree, one small matrix product per piece over the pixels that its bounding box covers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.cameras.convex_world import ConvexWorld
from envs.cameras.frame import Frame, check_range
from envs.world import World
from geometry import FloatArray, InputError, PinholeCamera

CHUNK = 4096
"""Pixels of a piece that are met at once: what stays in the processor's cache."""
EDGE_ON_M = 1e-9
"""A camera this near to a face's plane is on its outer side."""


class _Layer:
    """An image under construction: what is nearest so far."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.inverse = np.zeros(shape, np.float32)
        """(H, W) 1 / depth; 0 is infinitely far."""
        self.face = np.zeros(shape, np.intp)
        """(H, W) number of the face in the table of faces."""

    def clear(self, nothing: int) -> None:
        self.inverse.fill(0.0)
        self.face.fill(nothing)

    def copy_from(self, other: _Layer) -> None:
        np.copyto(self.inverse, other.inverse)
        np.copyto(self.face, other.face)


class PolicyCamera:
    """A fast depth and colour camera in a world; images repeat bit for bit.

    Boxes are exact. Other shapes are seen as up to three convex pieces of `face_budget` faces each,
    a few millimetres off; what is hollow within a piece (a cup, a ring) is filled. Colour has one
    shade per face and no shadows or textures. `RaycastCamera` is exact, and a hundred times slower.

    What stands still (bases of mass 0: tables, bins, walls) is drawn again only when it or the camera has moved.

    Args:
        world: what to look at; bodies may come, go and move between images.
        camera: intrinsics.
        near_m: surfaces nearer than this are not seen.
        far_m: surfaces farther than this have no depth; colour sees them.
        face_budget: most faces of a piece, at least 6.
        light_direction: from the scene towards the light, in the world.
        ambient: share of the light in [0, 1] that falls on every face; the rest comes from the light's direction.
        background: colour in [0, 1] where there is nothing.
    """

    def __init__(
        self,
        world: World,
        camera: PinholeCamera,
        *,
        near_m: float = 0.05,
        far_m: float = 3.0,
        face_budget: int = 32,
        light_direction: ArrayLike = (0.35, 0.55, 1.0),
        ambient: float = 0.4,
        background: ArrayLike = (0.9, 0.92, 0.95),
    ) -> None:
        check_range("PolicyCamera", near_m, far_m)
        if face_budget < 6:
            raise InputError("PolicyCamera", expected="face_budget >= 6", got=f"{face_budget}")
        self.world = world
        self.camera = camera
        self.near_m = near_m
        self.far_m = far_m
        self.light_direction = light_direction
        self.ambient = ambient
        self.background = background
        self._pieces = ConvexWorld(world, face_budget)
        self._rays = np.ascontiguousarray(np.moveaxis(camera.rays(), -1, 0), np.float32)
        shape = (camera.height, camera.width)
        self._layer, self._still = _Layer(shape), _Layer(shape)
        self._still_key: tuple[bytes, bytes, bool] | None = None
        self._buffer = np.empty(0, np.float32)
        self.refresh()

    def refresh(self) -> None:
        """Read shapes and colours again: needed when those of a body changed, not when bodies came or went."""
        self._pieces.rebuild()
        table = self._pieces.table
        count, width, _ = table.planes.shape
        self._buffer = np.empty(width * max(CHUNK, self.camera.width), np.float32)
        self._uids = np.append(np.repeat(table.body_uids, width), np.int32(-1))
        self._row_starts = np.arange(count)[:, None] * width
        self._still_key = None

    def render(self, T_world_camera: ArrayLike, *, color: bool = False) -> Frame:
        """Take an image.

        Args:
            T_world_camera: (4, 4) pose of the camera in the world.
            color: also give a colour image.
        """
        T = np.array(T_world_camera, dtype=np.float64)
        if self._pieces.changed():
            self.refresh()
        table = self._pieces.table
        T_world_frames = self._pieces.frames()
        layer, still = self._layer, table.still
        key = (T.tobytes(), T_world_frames[: table.still_frames].tobytes(), color)
        if self._still_key != key:
            self._still.clear(len(self._uids) - 1)
            self._draw(self._still, slice(0, still), T_world_frames, T, color)
            self._still_key = key
        layer.copy_from(self._still)
        self._draw(layer, slice(still, len(table.faces)), T_world_frames, T, color)
        seen = layer.inverse >= np.float32(1.0 / self.far_m)
        depth = np.zeros(seen.shape, np.float32)
        np.divide(np.float32(1.0), layer.inverse, out=depth, where=seen)
        segmentation = self._uids.take(layer.face)
        segmentation[~seen] = -1
        rgb = None
        if color:
            rgba = self._palette(T_world_frames).take(layer.face).view(np.uint8)
            rgb = rgba.reshape(*seen.shape, 4)[..., :3].copy()
        return Frame(depth, segmentation, None, rgb, self.camera, T)

    def _draw(
        self, layer: _Layer, which: slice, T_world_frames: FloatArray, T_world_camera: FloatArray, color: bool
    ) -> None:
        """Put pieces of the table in front of what the layer shows."""
        table = self._pieces.table
        R = T_world_frames[table.frame[which], :3, :3]
        offset = T_world_camera[:3, 3] - T_world_frames[table.frame[which], :3, 3]
        T_frame_camera = np.zeros((len(R), 4, 4))
        T_frame_camera[:, 3, 3] = 1.0
        np.matmul(R.transpose(0, 2, 1), T_world_camera[:3, :3], out=T_frame_camera[:, :3, :3])
        np.matmul(offset[:, None, :], R, out=T_frame_camera[:, None, :3, 3])
        windows = self._windows(table.corners[which], T_frame_camera)
        bounds = table.planes[which] @ T_frame_camera
        above = bounds[..., 3]
        above[np.abs(above) < EDGE_ON_M] = EDGE_ON_M
        front = above > 0.0
        order = np.argsort(~front, axis=1, kind="stable")
        order += self._row_starts[: len(R)]
        slopes = (bounds[..., :3] / -above[..., None]).astype(np.float32).reshape(-1, 3)
        slopes = slopes.take(order, axis=0)
        order += which.start * order.shape[1]
        for row, (window, split) in enumerate(zip(windows, front.sum(axis=1).tolist(), strict=True)):
            top, bottom, left, right, crosses = window
            if top >= bottom or left >= right:
                continue
            faces = table.faces[which.start + row] + 1
            step = max(CHUNK // (right - left), 1)
            names = order[row] if color else order[row, :1]
            for start in range(top, bottom, step):
                box = slice(start, min(start + step, bottom)), slice(left, right)
                self._meet(layer, box, slopes[row, :faces], split, names, bool(crosses))

    def _windows(self, corners: FloatArray, T_frame_camera: FloatArray) -> list[list[int]]:
        """Rows and columns of the image (top, bottom, left, right) that each piece may cover, and if it is near."""
        camera = self.camera
        points = (corners - T_frame_camera[:, None, :3, 3]) @ T_frame_camera[:, :3, :3]
        z = points[..., 2]
        near = z.min(axis=1) <= self.near_m
        scale = 1.0 / np.maximum(z, self.near_m)
        u = points[..., 0] * scale
        v = points[..., 1] * scale
        windows = np.empty((len(corners), 5))
        windows[:, 0] = v.min(axis=1) * camera.fy + camera.cy
        windows[:, 1] = v.max(axis=1) * camera.fy + (camera.cy + 1.0)
        windows[:, 2] = u.min(axis=1) * camera.fx + camera.cx
        windows[:, 3] = u.max(axis=1) * camera.fx + (camera.cx + 1.0)
        windows[:, 4] = near
        if near.any():
            windows[near, :4] = 0, camera.height, 0, camera.width
            windows[z.max(axis=1) <= self.near_m, :4] = 0
        np.floor(windows, out=windows)
        np.clip(windows, 0, (camera.height, camera.height, camera.width, camera.width, 1), out=windows)
        found: list[list[int]] = windows.astype(np.intp).tolist()
        return found

    def _meet(
        self,
        layer: _Layer,
        box: tuple[slice, slice],
        slopes: NDArray[np.float32],
        split: int,
        names: NDArray[np.intp],
        near: bool,
    ) -> None:
        """Meet a piece with the rays of a window; its first `split` faces bound inverse depth from above."""
        rays = self._rays[:, box[0], box[1]]
        shape = rays.shape[1:]
        pixels = rays.reshape(3, -1)
        count = pixels.shape[1]
        bounds = self._buffer[: len(slopes) * count].reshape(len(slopes), count)
        np.matmul(slopes, pixels, out=bounds)
        leave = np.maximum.reduce(bounds[split:])
        nearest = layer.inverse[box]
        if near:
            surface, face = self._surface_beyond_near(bounds, leave, split)
            hit = surface.reshape(shape) > nearest
        else:
            surface, face = np.minimum.reduce(bounds[:split]), None
            hit = surface.reshape(shape) > np.maximum(leave.reshape(shape), nearest)
        np.copyto(nearest, surface.reshape(shape), where=hit)
        if len(names) > 1:
            face = bounds[:split].argmin(axis=0) if face is None else face
            np.copyto(layer.face[box], names.take(face).reshape(shape), where=hit)
        else:
            layer.face[box][hit] = names[0]

    def _surface_beyond_near(
        self, bounds: NDArray[np.float32], leave: NDArray[np.float32], split: int
    ) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """Inverse depth and face where rays from `near_m` on meet a piece, perhaps from within; 0 where they miss it."""
        limit = np.float32(1.0 / self.near_m)
        face = leave_face = split + bounds[split:].argmax(axis=0)
        surface = leave.copy()
        if split:
            enter = np.minimum.reduce(bounds[:split])
            outside = enter <= limit
            surface[outside] = enter[outside]
            surface[enter <= leave] = 0.0
            face = np.where(outside, bounds[:split].argmin(axis=0), leave_face)
        surface[surface > limit] = 0.0
        return surface, face

    def _palette(self, T_world_frames: FloatArray) -> NDArray[np.uint32]:
        """(P F + 1,) colour of each face, and last of the background, as bytes r, g, b, 255."""
        table = self._pieces.table
        light = np.asarray(self.light_direction, np.float64)
        light = light / np.linalg.norm(light)
        in_frames = light @ T_world_frames[:, :3, :3]
        facing = table.planes[..., :3] @ in_frames[table.frame, :, None]
        shade = np.maximum(facing, 0.0)
        shade *= 255.0 * (1.0 - self.ambient)
        shade += 255.0 * self.ambient
        colors = np.full((len(self._uids), 4), 255, np.uint8)
        colors[:-1, :3] = (shade * table.rgb + 0.5).reshape(-1, 3)
        colors[-1, :3] = np.asarray(self.background) * 255.0 + 0.5
        return colors.view(np.uint32)[:, 0]
