"""Fixtures that every test may use."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from envs.objects import ObjectModel
from geometry import PinholeCamera, look_at

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Hear Ctrl-C, as do the processes of tests: a shell's background job ignores it, and hands that on."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


class GraspData(NamedTuple):
    """A data set of labelled scenes, small and worked out by hand: one box on a table in each."""

    folder: Path
    canvas: tuple[int, int]
    seeds: int
    """Seeds of each view; the last two are padding."""
    trials: int
    """Physics trials of each scene: every second one succeeded, at the box; the others, beside it, failed."""


_BOX_HALF_M = np.array([0.025, 0.015, 0.03])
_K, _D = 288, 4


def _see_box(canvas: tuple[int, int], middle_m: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
    """Depth in which a line of sight meets the box or the table, depth where it leaves the box, focal length, pose."""
    height, width = canvas
    eye = np.array((0.15, -0.25, 0.42))
    T = look_at(eye, (0.15, 0.15, 0.06))
    focal = float(np.linalg.norm(eye - (0.15, 0.15, 0.06))) / 0.002
    x, y = np.arange(width) - 0.5 * (width - 1), np.arange(height) - 0.5 * (height - 1)
    rays = np.stack([*np.meshgrid(x / focal, y / focal), np.ones(canvas)], axis=-1) @ T[:3, :3].T
    one, two = (middle_m - _BOX_HALF_M - eye) / rays, (middle_m + _BOX_HALF_M - eye) / rays
    enter, leave = np.minimum(one, two).max(axis=-1), np.maximum(one, two).min(axis=-1)
    return np.where(enter < leave, enter, -eye[2] / rays[..., 2]), np.where(enter < leave, leave, 0.0), focal, T


def _grasp_scene(rng: np.random.Generator, canvas: tuple[int, int], seeds: int, trials: int) -> dict[str, np.ndarray]:
    middle = np.array((*rng.uniform(0.14, 0.16, 2), _BOX_HALF_M[2]))
    depth, leave, focal, T = _see_box(canvas, middle)
    pixels = np.argwhere(leave > 0.0)
    chosen = pixels[np.linspace(0, len(pixels) - 1, seeds - 2).astype(int)]
    quality = np.zeros((1, seeds, _K, _D), dtype=np.uint8)
    quality[0, :-2, :80, 1:3] = rng.integers(0, 201, (seeds - 2, 80, 2))
    works = quality.max(axis=-1) > 0
    poses = np.tile(
        np.array([[0, 1.0, 0, 0], [1, 0, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]], dtype=np.float32), (trials, 1, 1)
    )
    poses[:, :3, 3] = middle + rng.uniform(-0.004, 0.004, (trials, 3))
    poses[1::2, 1, 3] += 0.06
    held = np.arange(trials) % 2 == 0
    return {
        "recipe": np.frombuffer(b"{}", dtype=np.uint8),
        "depth": np.rint(1e4 * depth).astype(np.uint16)[None],
        "exit_depth": np.rint(1e4 * leave).astype(np.uint16)[None],
        "segmentation": (leave > 0.0).astype(np.uint8)[None],
        "focal": np.array([focal]),
        "T_table_camera": T[None],
        "seeds": np.concatenate([chosen, -np.ones((2, 2))]).astype(np.int16)[None],
        "quality": quality,
        "width_mm": np.where(works, 30, 0).astype(np.uint8),
        "offset_mm": np.where(works, -4, 0).astype(np.int8),
        "trial_pose": poses,
        "trial_success": held.astype(np.uint8),
        "trial_shaken": np.where(held, 1, 255).astype(np.uint8),
        "trial_outcome": np.where(held, 0, 2).astype(np.uint8),
        "trial_object": held.astype(np.int16),
        "trial_com_m": np.where(held, 0.01, 0.0).astype(np.float32),
        "trial_quality": np.where(held, 0.8, 0.0).astype(np.float32),
    }


@pytest.fixture
def grasp_data(tmp_path: Path) -> Callable[..., GraspData]:
    """Writes a data set by the format's description: `grasp_data(scenes, canvas=(64, 80), seeds=12, trials=10)`."""

    def make(
        scenes: int = 2, *, canvas: tuple[int, int] = (64, 80), seeds: int = 12, trials: int = 10, name: str = "data"
    ) -> GraspData:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "manifest.json").write_text('{"format": "graspmimic-grasps", "version": 1}')
        for number in range(scenes):
            arrays = _grasp_scene(np.random.default_rng(number), canvas, seeds, trials)
            np.savez_compressed(folder / f"scene_{number:06d}.npz", **arrays)
        return GraspData(folder, canvas, seeds, trials)

    return make
