"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from envs.objects import ObjectModel
from geometry import PinholeCamera, look_at

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real frames and benchmark objects: $GRASPMIMIC_DATA, or ../shared/data beside the repository."""
    folder = Path(os.environ.get("GRASPMIMIC_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}; set GRASPMIMIC_DATA to the folder of the test data")
    return folder


class DeskFrame(NamedTuple):
    """An analytic depth image of two boxes on a desk, as a camera in front of it would see them."""

    depth_m: np.ndarray
    camera: PinholeCamera
    T_desk_camera: np.ndarray
    boxes: tuple[tuple[np.ndarray, np.ndarray], ...]
    """Lower and upper corner of each box on the desk (z = 0), metres."""


@pytest.fixture(scope="session")
def desk_frame() -> DeskFrame:
    """A desk of 0.8 m by 0.8 m with a tall and a flat box, and nothing behind it."""
    boxes = tuple(
        (np.array(low), np.array(high))
        for low, high in (((-0.10, -0.03, 0.0), (-0.05, 0.02, 0.12)), ((0.04, -0.06, 0.0), (0.08, 0.03, 0.06)))
    )
    camera = PinholeCamera(width=320, height=240, fx=300.0, fy=300.0, cx=159.5, cy=119.5)
    T_desk_camera = look_at((0.0, -0.5, 0.4), (0.0, 0.0, 0.03))
    rays, eye = camera.rays() @ T_desk_camera[:3, :3].T, T_desk_camera[:3, 3]
    depth = np.full(rays.shape[:2], np.inf)
    with np.errstate(divide="ignore"):
        for low, high in (*boxes, (np.array((-0.4, -0.4, -0.001)), np.array((0.4, 0.4, 0.0)))):
            near, far = (low - eye) / rays, (high - eye) / rays
            enter, leave = np.minimum(near, far).max(axis=-1), np.maximum(near, far).min(axis=-1)
            depth = np.where((enter < leave) & (enter > 0.0), np.minimum(depth, enter), depth)
    return DeskFrame(np.where(np.isinf(depth), 0.0, depth).astype(np.float32), camera, T_desk_camera, boxes)


_BOX_URDF = """<robot name="box"><link name="box">
  <inertial><mass value="{mass}"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>
  <contact><lateral_friction value="1.0"/></contact>
  <visual><geometry><box size="{size}"/></geometry></visual>
  <collision><geometry><box size="{size}"/></geometry></collision>
</link></robot>"""


@pytest.fixture(scope="session")
def box_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ObjectModel]:
    """Makes the model of a box about its frame's origin: `box_model((x, y, z) in metres, mass_kg=0.1)`."""

    def make(size_m: tuple[float, float, float], mass_kg: float = 0.1) -> ObjectModel:
        name = "box_" + "x".join(f"{1000 * s:g}" for s in size_m)
        path = tmp_path_factory.mktemp(name) / "box.urdf"
        path.write_text(_BOX_URDF.format(mass=mass_kg, size=" ".join(map(str, size_m))))
        return ObjectModel(name, path)

    return make
