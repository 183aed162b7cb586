"""A camera fast enough to look at every step of a policy's training, on convex stand-ins of the visible shapes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.cameras.convex_rays import ConvexRays, NearestFaces
from envs.cameras.convex_world import ConvexWorld
from envs.cameras.frame import Frame, check_range
from envs.world import World
from geometry import FloatArray, InputError, PinholeCamera

_IDENTITY = np.eye(4)


class PolicyCamera:
    """A fast depth and colour camera in a world; images repeat bit for bit.

    Boxes are exact. Other shapes are seen as up to three convex pieces of `face_budget` faces each: on a
    Panda about 1 mm off in the median and 10 mm in one pixel of ten. What is hollow within a piece (a cup,
    a ring) is filled. Colour has one shade per face, by the side that looks outwards, and no shadows or
    textures. `RaycastCamera` is exact, and some two hundred times slower on that arm.

    What stands still (bases of mass 0: tables, bins, walls) is drawn again only when it or the camera has moved.
    The first camera of a process that sees a mesh takes a second or two to cut it into pieces.

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
        if not (0.0 <= ambient <= 1.0 and np.linalg.norm(light_direction) > 0.0):
            raise InputError(
                "PolicyCamera",
                expected="an ambient from 0 to 1 and a light_direction that is not zero",
                got=f"{ambient} and {light_direction!r}",
            )
        self.world = world
        self.camera = camera
        self.near_m = near_m
        self.far_m = far_m
        self.light_direction = light_direction
        self.ambient = ambient
        self.background = background
        self._pieces = ConvexWorld(world, face_budget)
        self._rays = ConvexRays(camera, near_m)
        self._image, self._still = (NearestFaces(camera.height * camera.width) for _ in range(2))
        self._still_key: tuple[bytes, bytes, bool] | None = None
        self.refresh()

    def refresh(self) -> None:
        """Read shapes and colours again: needed when those of a body changed, not when bodies came or went."""
        self._pieces.rebuild()
        table = self._pieces.table
        self._uids = np.append(np.repeat(table.body_uids, table.planes.shape[1]), np.int32(-1))
        self._still_key = None

    def depth(self, T_world_camera: ArrayLike) -> NDArray[np.float32]:
        """(H, W) metres along +z, 0 where nothing stands between near and far: `render`'s depth alone, in less time.

        Args:
            T_world_camera: (4, 4) pose of the camera in the world.
        """
        image, _ = self._look(np.array(T_world_camera, dtype=np.float64), color=False)
        return self._depth(image)

    def render(self, T_world_camera: ArrayLike, *, color: bool = False) -> Frame:
        """Take an image.

        Args:
            T_world_camera: (4, 4) pose of the camera in the world.
            color: also give a colour image.
        """
        T = np.array(T_world_camera, dtype=np.float64)
        image, T_world_frames = self._look(T, color)
        depth = self._depth(image)
        segmentation = self._uids.take(image.face)
        segmentation[depth.ravel() == 0.0] = -1
        shape = (self.camera.height, self.camera.width)
        rgb = None
        if color:
            rgba = self._palette(T_world_frames).take(image.face).view(np.uint8)
            rgb = rgba.reshape(*shape, 4)[..., :3].copy()
        return Frame(depth, segmentation.reshape(shape), None, rgb, self.camera, T)

    def _look(self, T_world_camera: FloatArray, color: bool) -> tuple[NearestFaces, FloatArray]:
        """What is seen now, and the poses (S, 4, 4) of the frames of reference."""
        if self._pieces.changed():
            self.refresh()
        table = self._pieces.table
        T_world_frames = self._pieces.frames()
        T_frame_camera = (_inverses(T_world_frames) @ T_world_camera).take(table.frame, axis=0)
        key = (T_world_camera.tobytes(), T_world_frames[: table.still_frames].tobytes(), color)
        if self._still_key != key:
            self._still.clear(len(self._uids) - 1)
            self._draw(self._still, slice(0, table.still), T_frame_camera, color)
            self._still_key = key
        self._image.copy_from(self._still)
        self._draw(self._image, slice(table.still, len(T_frame_camera)), T_frame_camera, color)
        return self._image, T_world_frames

    def _depth(self, image: NearestFaces) -> NDArray[np.float32]:
        inverse = image.inverse_depth.copy()
        inverse[inverse < np.float32(1.0 / self.far_m)] = np.inf
        return np.reciprocal(inverse, out=inverse).reshape(self.camera.height, self.camera.width)

    def _draw(self, image: NearestFaces, which: slice, T_frame_camera: FloatArray, color: bool) -> None:
        """Draw pieces of the table into an image."""
        table = self._pieces.table
        self._rays.draw(
            image,
            table.planes[which],
            table.corners[which],
            T_frame_camera[which],
            first=which.start * table.planes.shape[1],
            tell_faces=color,
        )

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


def _inverses(T: FloatArray) -> FloatArray:
    """Of rigid transforms (S, 4, 4), as `geometry.invert` gives them, which checks what it is given."""
    R = T[:, :3, :3].transpose(0, 2, 1)
    inverse = np.empty_like(T)
    inverse[:] = _IDENTITY
    inverse[:, :3, :3] = R
    np.negative((R @ T[:, :3, 3:])[..., 0], out=inverse[:, :3, 3])
    return inverse
