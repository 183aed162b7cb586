"""Procedural objects: graspable, as heavy as the formulas say, at rest where they should be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from envs.objects import ObjectModel, load_objects
from envs.objects.procedural import KINDS
from envs.world import World
from geometry import rotation_from_quat, transform

CODE = """
import hashlib, sys
from envs.objects import load_objects
digest = hashlib.sha256()
for model in load_objects("procedural", limit=14, seed=5):
    for name in ("object.urdf", "visual.obj", "collision.obj"):
        digest.update(model.urdf.with_name(name).read_bytes())
print(digest.hexdigest())
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def models() -> dict[str, ObjectModel]:
    """One object of each kind."""
    found = load_objects("procedural", limit=len(KINDS), seed=1)
    return {model.name.split("_", 1)[1]: model for model in found}


def test_kinds_take_turns_and_a_longer_set_starts_alike() -> None:
    short, long = load_objects("procedural", limit=7, seed=2), load_objects("procedural", limit=21, seed=2)
    assert [m.name for m in long][:3] == ["000_box", "001_cylinder", "002_superquadric"]
    assert short.models == long.models[:7]
    assert short.models != load_objects("procedural", limit=7, seed=3).models
    assert len({m.urdf for m in long}) == 21


def test_same_files_in_a_fresh_process(tmp_path: Path) -> None:
    def run(home: Path) -> str:
        env = {"XDG_CACHE_HOME": str(home), "PATH": "/usr/bin:/bin"}
        return subprocess.run([sys.executable, "-c", CODE], env=env, check=True, capture_output=True, text=True).stdout

    assert run(tmp_path / "a").splitlines()[-1] == run(tmp_path / "b").splitlines()[-1]


def test_every_object_fits_into_the_gripper_somewhere() -> None:
    for seed in range(3):
        for model in load_objects("procedural", limit=35, seed=seed):
            extents = np.sort(model.mesh().extents)
            assert 0.008 < extents[0] <= 0.076, model.name
            assert extents[2] < 0.18, model.name
    small = load_objects("procedural", limit=1, graspable_width_m=0.04)[0].mesh().extents
    assert small == pytest.approx(0.5 * load_objects("procedural", limit=1)[0].mesh().extents)


def inertia_about_center(model: ObjectModel) -> tuple[float, np.ndarray]:
    """Mass, and (3, 3) inertia in the link's axes, that Bullet works with."""
    with World() as world:
        info = world.bullet.getDynamicsInfo(model.load(world).uid, -1)
    axes = rotation_from_quat(info[4])
    return info[0], axes @ np.diag(info[2]) @ axes.T


def box_inertia(size: np.ndarray) -> np.ndarray:
    """Of a box of unit density about its centre."""
    return np.prod(size) / 12 * (np.eye(3) * (size @ size) - np.diag(size**2))


def test_mass_and_inertia_of_a_box_are_those_of_the_formula(models: dict[str, ObjectModel]) -> None:
    mass, inertia = inertia_about_center(models["box"])
    size = models["box"].mesh().extents
    density = mass / np.prod(size)
    assert density == pytest.approx(400.0, rel=1e-6) or density == pytest.approx(650.0, rel=1e-6)
    assert inertia == pytest.approx(density * box_inertia(size), rel=1e-4, abs=1e-12)


def test_inertia_of_an_l_shape_is_that_of_its_two_boxes(models: dict[str, ObjectModel]) -> None:
    """By the parallel axis theorem; its principal axes are those of no box."""
    mass, inertia = inertia_about_center(models["l_shape"])
    sizes = [part.extents for part in models["l_shape"].convex_parts()]
    centers = [part.bounds.mean(axis=0) for part in models["l_shape"].convex_parts()]
    volumes = np.array([np.prod(size) for size in sizes])
    middle = volumes @ np.array(centers) / volumes.sum()
    expected = np.zeros((3, 3))
    for size, center, volume in zip(sizes, centers, volumes, strict=True):
        arm = center - middle
        expected += box_inertia(size) + volume * (np.eye(3) * (arm @ arm) - np.outer(arm, arm))
    expected *= mass / volumes.sum()
    assert abs(expected[0, 1]) > 0.1 * expected[0, 0]
    assert inertia == pytest.approx(expected, rel=1e-3, abs=1e-9)


def test_inertia_of_a_cylinder_is_nearly_that_of_a_round_one(models: dict[str, ObjectModel]) -> None:
    mass, inertia = inertia_about_center(models["cylinder"])
    diameter, _, height = models["cylinder"].mesh().extents
    upright = 3 * diameter**2 / 4 + height**2
    assert np.diag(inertia) == pytest.approx(mass / 12 * np.array([upright, upright, 1.5 * diameter**2]), rel=0.03)


def test_twice_the_size_is_eight_times_the_mass(models: dict[str, ObjectModel]) -> None:
    with World() as world:
        one, two = models["mug"].load(world), models["mug"].load(world, scale=2.0)
        before, after = (world.bullet.getDynamicsInfo(body.uid, -1) for body in (one, two))
    assert after[0] == pytest.approx(8 * before[0])
    assert after[2] == pytest.approx([32 * value for value in before[2]])


@pytest.mark.parametrize("kind", [name for name, _, _ in KINDS])
def test_stands_still_on_a_plane_at_its_height(models: dict[str, ObjectModel], kind: str) -> None:
    mesh = models[kind].mesh()
    with World() as world:
        world.add_box((0.5, 0.5, 0.05), transform(translation=(0, 0, -0.05)))
        body = models[kind].load(world, transform(translation=(0, 0, 0.003 - mesh.bounds[0, 2])))
        world.step(480)
        pose, speed = body.pose(), body.speed()
    lowest = (mesh.vertices @ pose[:3, :3].T + pose[:3, 3])[:, 2].min()
    assert lowest == pytest.approx(0.001, abs=2e-4)  # Bullet keeps its margin of 1 mm around hulls
    assert speed < 0.02
    if kind != "superquadric":
        assert pose[2, 2] > np.cos(np.deg2rad(1.0))


def test_a_ball_drops_into_the_mug(models: dict[str, ObjectModel]) -> None:
    """What one convex hull would never allow."""
    mesh = models["mug"].mesh()
    with World() as world:
        world.add_box((0.5, 0.5, 0.05), transform(translation=(0, 0, -0.05)))
        models["mug"].load(world)
        ball = world.add_box((0.008, 0.008, 0.008), transform(translation=(0, 0, 0.15)), mass_kg=0.01)
        world.step(480)
        assert ball.pose()[2, 3] < 0.5 * mesh.extents[2]


def test_friction_and_color_reach_the_world(models: dict[str, ObjectModel]) -> None:
    with World() as world:
        body = models["bottle"].load(world)
        assert world.bullet.getDynamicsInfo(body.uid, -1)[1] == pytest.approx(0.6)
        red, green, blue, opaque = world.bullet.getVisualShapeData(body.uid)[0][7]
    assert opaque == 1.0 and len({red, green, blue}) > 1
