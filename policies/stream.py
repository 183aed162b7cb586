"""A robot cell streamed to Rerun: camera, cloud, grasps, and everything that moves."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np

from envs.cameras import visual_parts
from envs.cell import RobotCell
from envs.clutter import Observation, RankedGrasps
from perception.figures import LiveView

_INTERVAL_S = 0.1


class CellStream:
    """Streams a cell while its world is stepped.

    Args:
        cell: what to stream.
        file: `.rrd` file to write; None opens Rerun's window.
    """

    def __init__(self, cell: RobotCell, file: Path | None) -> None:
        self._cell = cell
        self._view = LiveView("demo", file=file)
        self._every = max(1, round(_INTERVAL_S / cell.world.timestep_s))
        self._known: set[str] = set()

    def __enter__(self) -> CellStream:
        self._view.__enter__()
        self._before = self._cell.world.on_step
        self._cell.world.on_step = self._on_step
        self._show_parts()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cell.world.on_step = self._before
        self._view.__exit__(kind, value, trace)

    def show_look(self, observation: Observation, grasps: RankedGrasps) -> None:
        """Show what the camera saw and the grasps in it."""
        self._view.at(self._cell.world.time_s)
        self._view.camera("camera", observation.camera, observation.T_world_camera, depth_m=observation.depth_m)
        self._view.cloud("cloud", observation.cloud_world)
        self._view.grasps("grasps", np.asarray(grasps.poses), np.asarray(grasps.widths_m), np.asarray(grasps.scores))

    def _on_step(self) -> None:
        if self._before is not None:
            self._before()
        if self._cell.world.steps % self._every == 0:
            self._view.at(self._cell.world.time_s)
            self._show_parts()

    def _show_parts(self) -> None:
        """Move every visible shape; a shape seen for the first time sends its mesh as well."""
        for index, part in enumerate(visual_parts(self._cell.world)):
            entity = f"world/body{part.body_uid}/link{part.link_index}/part{index}"
            if entity not in self._known:
                self._known.add(entity)
                color = np.asarray(part.rgba[:3]) * part.surface.rgb.mean(axis=0)
                red, green, blue = (int(255 * c) for c in color)
                self._view.mesh(entity, part.surface.vertices, part.surface.triangles, (red, green, blue))
            self._view.pose(entity, part.T_world_part)
