"""The live view: cameras, clouds, grasps and robots streamed to Rerun, to its window or into a file."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import PANDA_HAND, FloatArray, GripperSpec, InputError, PinholeCamera
from perception.figures.grasp_figure import grasp_colormap, score_range
from perception.figures.gripper_shape import gripper_fork
from perception.figures.output_file import output_file


class LiveView:
    """Streams a scene to Rerun; every call names an entity, and a later call replaces what it showed.

    All poses stand in one world frame. `at` sets the time of what follows.

        with LiveView("detect", file=Path("scene.rrd")) as view:
            view.cloud("cloud", points_world, colors)

    Args:
        name: title of the recording.
        file: `.rrd` file to write; None opens Rerun's window.
    """

    def __init__(self, name: str, *, file: Path | None = None) -> None:
        try:
            import rerun
        except ImportError:
            raise InputError(
                "--view",
                expected="the package rerun-sdk",
                got="none installed",
                remedy='pip install "graspmimic[view]"',
            ) from None
        if file is not None and file.suffix.lower() != ".rrd":
            raise InputError("--view", expected="a file name that ends in .rrd, or none", got=str(file))
        self._rerun: Any = rerun
        self._file = file
        self._open = ExitStack()
        self._stream = rerun.RecordingStream(f"graspmimic_{name}")

    def __enter__(self) -> LiveView:
        if self._file is None:
            self._spawn()
        else:
            self._stream.save(self._open.enter_context(output_file(self._file)))
        self._log("/", self._rerun.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.flush()
        self._stream.disconnect()
        self._open.__exit__(kind, value, trace)

    def at(self, time_s: float) -> None:
        """What follows happens at this time, seconds since the start."""
        self._stream.set_time("time", duration=time_s)

    def camera(
        self,
        entity: str,
        camera: PinholeCamera,
        T_world_camera: FloatArray,
        *,
        rgb: NDArray[np.uint8] | None = None,
        depth_m: NDArray[np.float32] | None = None,
    ) -> None:
        """Show a camera where it stands, with the images that it took."""
        rr = self._rerun
        self.pose(entity, T_world_camera)
        intrinsics = rr.Pinhole(
            image_from_camera=camera.K, width=camera.width, height=camera.height, image_plane_distance=0.15
        )
        self._log(f"{entity}/image", intrinsics)
        if rgb is not None:
            self._log(f"{entity}/image/color", rr.Image(rgb))
        if depth_m is not None:
            self._log(f"{entity}/image/depth", rr.DepthImage(depth_m, meter=1.0))

    def cloud(self, entity: str, points_world: ArrayLike, colors: NDArray[np.uint8] | None = None) -> None:
        """Show points (N, 3), metres, with optional colours (N, 3)."""
        self._log(entity, self._rerun.Points3D(np.asarray(points_world), colors=colors, radii=0.001))

    def grasps(
        self,
        entity: str,
        poses: FloatArray,
        widths_m: FloatArray,
        scores: FloatArray,
        gripper: GripperSpec = PANDA_HAND,
    ) -> None:
        """Show grasps (N, 4, 4) in the world as forks, coloured by score."""
        rgba = grasp_colormap()(score_range(scores)(scores))
        forks = gripper_fork(poses, widths_m, gripper)
        colors = np.repeat((255 * np.asarray(rgba).reshape(-1, 4)).astype(np.uint8), 4, axis=0)
        self._log(entity, self._rerun.LineStrips3D(forks.reshape(-1, 2, 3), colors=colors, radii=0.0015))

    def mesh(
        self, entity: str, vertices: ArrayLike, triangles: ArrayLike, rgb: tuple[int, int, int] = (200, 200, 205)
    ) -> None:
        """Show a mesh, once, in the frame of its entity; move it by `pose`: a robot is a mesh for each link."""
        mesh = self._rerun.Mesh3D(
            vertex_positions=np.asarray(vertices, np.float32),
            triangle_indices=np.asarray(triangles, np.uint32),
            albedo_factor=(*rgb, 255),
        )
        self._log(entity, mesh, static=True)

    def pose(self, entity: str, T_world_entity: FloatArray) -> None:
        """Put an entity, and all whose names begin with its name and a slash, somewhere in the world."""
        T = np.asarray(T_world_entity, dtype=np.float64)
        self._log(entity, self._rerun.Transform3D(translation=T[:3, 3], mat3x3=T[:3, :3]))

    def text(self, entity: str, message: str) -> None:
        """Add a line to the log beside the scene."""
        self._log(entity, self._rerun.TextLog(message))

    def _log(self, entity: str, thing: Any, *, static: bool = False) -> None:
        self._stream.log(entity, thing, static=static)

    def _spawn(self) -> None:
        try:
            self._stream.spawn()
        except (OSError, RuntimeError) as error:
            raise InputError(
                "--view",
                expected="a screen for Rerun's window",
                got=str(error).splitlines()[0],
                remedy="write a file instead: --view scene.rrd",
            ) from None
