"""A demonstration seen by a virtual RGB-D camera: colour, faulty depth, and where the keypoints are in the image."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.cameras import Frame, Lighting, RaycastCamera, StructuredLight
from envs.demonstrator.demonstration import Demonstration
from envs.demonstrator.filming.figure import PersonFigure
from envs.demonstrator.hand_model import HAND_POINTS
from envs.demonstrator.hand_path import RATE_HZ
from envs.demonstrator.recording import points_of_persons
from envs.demonstrator.seated_body import BODY_POINTS
from envs.workbench.bodies import add_thing
from envs.world import Body, World
from geometry import FloatArray, InputError, PinholeCamera, invert, look_at, transform, transform_points

FILM_CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)
"""What films are taken with, as a rule."""
T_WORLD_FILM_CAMERA: FloatArray = look_at((-0.22, -0.42, 0.80), (0.60, 0.02, 0.12))
"""(4, 4) where from: beside the robot, above the bench, looking at the person."""
SEEN_M: FloatArray = np.array([0.15] * len(BODY_POINTS) + [0.05] + [0.025] * (len(HAND_POINTS) - 1))
"""(18 + 21,) a keypoint is seen where the surface at its pixel is this near to it: a joint lies beneath the skin."""
_SHIRTS = ((0.25, 0.33, 0.45, 1.0), (0.55, 0.30, 0.28, 1.0))
_TABLE_RGBA = (0.80, 0.74, 0.66, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class FilmShot:
    """One image of a demonstration."""

    row: int
    """Frame of the demonstration."""
    time_s: float
    """Its time."""
    rgb: NDArray[np.uint8] | None
    """(H, W, 3), where colour was asked for."""
    depth_m: NDArray[np.float32]
    """(H, W) with the camera's faults; 0 without return."""
    points_px: tuple[FloatArray, ...]
    """For each person (18 + 21, 2) pixels of body and right hand; true."""
    seen: tuple[NDArray[np.bool_], ...]
    """For each person (18 + 21,) whether the point is in the image, and nothing is in front of it."""


class DemonstrationFilm:
    """Images of a demonstration, one for each frame that is kept.

    Args:
        demonstration: what was shown.
        camera: intrinsics.
        T_world_camera: (4, 4), optical frame.
        rng: draws the faults of the depth.
        every: keep each such frame.
        color: render colour too, which takes most of the time.
        sensor: what the depth sensor does wrong; None: nothing.
        lighting: of the colour.
    """

    def __init__(
        self,
        demonstration: Demonstration,
        rng: np.random.Generator,
        *,
        camera: PinholeCamera = FILM_CAMERA,
        T_world_camera: ArrayLike = T_WORLD_FILM_CAMERA,
        every: int = 1,
        color: bool = True,
        sensor: StructuredLight | None = None,
        lighting: Lighting | None = None,
    ) -> None:
        if every < 1:
            raise InputError("DemonstrationFilm", expected="every of at least 1", got=f"{every}")
        self.demonstration, self.camera = demonstration, camera
        self.T_world_camera = np.asarray(T_world_camera, dtype=np.float64)
        self.rows = range(0, len(demonstration.time_s), every)
        self._rng, self._color, self._sensor = rng, color, sensor
        self._lighting = Lighting(shadow_rays=1) if lighting is None else lighting

    def __iter__(self) -> Iterator[FilmShot]:
        """Shots in order of time."""
        return self.shots(self.rows)

    def shots(self, rows: ArrayLike | range) -> Iterator[FilmShot]:
        """Shots of chosen frames."""
        shown = self.demonstration
        everybody = points_of_persons(shown)
        with World() as world:
            bodies = self._furnish(world)
            figures = [
                PersonFigure(world, body[0], hand[0], shirt=_SHIRTS[number % len(_SHIRTS)])
                for number, (body, hand) in enumerate(everybody)
            ]
            camera = RaycastCamera(world, self.camera, far_m=3.0, lighting=self._lighting, threads=1)
            for row in np.asarray(rows).tolist():
                for body, pose in zip(bodies, shown.T_world_things[row], strict=True):
                    body.set_pose(pose)
                for figure, (points, hand) in zip(figures, everybody, strict=True):
                    figure.pose(points[row], hand[row])
                frame = camera.render(self.T_world_camera, color=self._color, normals=self._sensor is not None)
                yield self._shot(row, frame, [np.concatenate([b[row], h[row]]) for b, h in everybody])

    def _furnish(self, world: World) -> list[Body]:
        world.add_box((0.75, 0.75, 0.02), transform(translation=(0.30, 0.0, -0.021)), color=_TABLE_RGBA, name="table")
        shown = self.demonstration
        return [add_thing(world, thing, T) for thing, T in zip(shown.things, shown.T_world_things[0], strict=True)]

    def _shot(self, row: int, frame: Frame, points: list[FloatArray]) -> FilmShot:
        depth = frame.depth_m if self._sensor is None else self._sensor.apply(frame, self._rng)
        views = [_project(each, self.camera, self.T_world_camera, frame.depth_m) for each in points]
        return FilmShot(
            row=row,
            time_s=float(self.demonstration.time_s[row]),
            rgb=frame.rgb,
            depth_m=depth,
            points_px=tuple(view[0] for view in views),
            seen=tuple(view[1] for view in views),
        )


def write_film(folder: Path, film: DemonstrationFilm) -> None:
    """Write a film as `color/`, `depth/` (millimetres, 16 bit) and `intrinsics.json`, with the camera's pose beside.

    Raises:
        InputError: if the folder exists, or the film has no colour.
    """
    if folder.exists():
        raise InputError(str(folder), expected="a folder that does not exist yet", got="one that does")
    draft = folder.with_name(f".{folder.name}.part")
    for name in ("color", "depth"):
        (draft / name).mkdir(parents=True, exist_ok=True)
    for number, shot in enumerate(film):
        if shot.rgb is None:
            raise InputError("write_film", expected="a film with colour", got="depth alone", remedy="color=True")
        imageio.imwrite(draft / "color" / f"{number:06d}.png", shot.rgb)
        imageio.imwrite(draft / "depth" / f"{number:06d}.png", np.round(1000.0 * shot.depth_m).astype(np.uint16))
    (draft / "intrinsics.json").write_text(json.dumps(_description(film), indent=1), encoding="utf-8")
    draft.rename(folder)


def _description(film: DemonstrationFilm) -> dict[str, object]:
    camera = film.camera
    return {
        "width": camera.width,
        "height": camera.height,
        "fx": camera.fx,
        "fy": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
        "depth_scale": 1000.0,
        "rate_hz": RATE_HZ / film.rows.step,
        "T_world_camera": film.T_world_camera.tolist(),
        "made_by": "a simulator: synthetic images",
    }


def _project(
    points: FloatArray, camera: PinholeCamera, T_world_camera: FloatArray, depth_m: NDArray[np.float32]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Pixels (K, 2), and which points are seen (K,): in the image, with the surface right in front of them."""
    local = transform_points(invert(T_world_camera), points)
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = local[:, :2] / local[:, 2:] * (camera.fx, camera.fy) + (camera.cx, camera.cy)
    column, row = np.round(np.nan_to_num(pixels, nan=-1.0)).astype(int).T
    inside = (local[:, 2] > 0.0) & (column >= 0) & (row >= 0) & (column < camera.width) & (row < camera.height)
    surface = depth_m[np.where(inside, row, 0), np.where(inside, column, 0)]
    return pixels, inside & (surface > 0.0) & (np.abs(surface - local[:, 2]) < SEEN_M)
