"""Objects from meshes alone: decomposition, mass, units, and files that are none; and the cache of it all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh

from envs.objects import Material, ObjectModel, load_objects
from envs.objects.asset_cache import cached_folder
from envs.objects.mesh_file import convex_parts, mesh_model
from envs.world import World
from geometry import InputError, transform


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def u_shape(size: float = 1.0) -> trimesh.Trimesh:
    """A closed U: outline of 6 x 6 with a slot of 2 x 4, extruded by 2, in centimetres times `size`."""
    outline = np.array([[0, 0], [6, 0], [6, 6], [4, 6], [4, 2], [2, 2], [2, 6], [0, 6]], dtype=float)
    caps = np.array([[0, 5, 7], [5, 6, 7], [0, 1, 5], [1, 4, 5], [1, 2, 4], [2, 3, 4]])
    vertices = np.vstack([np.c_[outline, np.full(8, z)] for z in (-1.0, 1.0)])
    i = np.arange(8)
    j = np.roll(i, -1)
    faces = np.vstack([caps[:, ::-1], caps + 8, np.c_[i, j, j + 8], np.c_[i, j + 8, i + 8]])
    return trimesh.Trimesh((vertices - [3, 3, 0]) * 0.01 * size, faces, process=False)


@pytest.mark.parametrize("kind", ["obj", "stl", "ply", "glb", "off"])
def test_any_mesh_becomes_a_body_of_true_mass_and_inertia(tmp_path: Path, kind: str) -> None:
    size = np.array([0.04, 0.05, 0.06])
    trimesh.creation.box(size).export(tmp_path / f"brick.{kind}")
    model = load_objects(tmp_path, material=Material(density_kg_m3=1000.0, friction=0.5))[0]
    with World() as world:
        info = world.bullet.getDynamicsInfo(model.load(world).uid, -1)
    assert info[0] == pytest.approx(0.12, rel=1e-5) and info[1] == pytest.approx(0.5)
    assert info[2] == pytest.approx(0.01 * (size @ size - size**2), rel=1e-4)
    assert model.mesh().extents == pytest.approx(size)


def test_a_slot_stays_open(tmp_path: Path) -> None:
    u_shape().export(tmp_path / "u.stl")
    model = load_objects(tmp_path)[0]
    assert model.mesh().volume == pytest.approx((36 - 8) * 2e-6)
    with World() as world:
        model.load(world)
        through = world.bullet.rayTest([0, 0.02, 0.1], [0, 0.02, -0.1])[0]
        side = world.bullet.rayTest([0.02, 0.02, 0.1], [0.02, 0.02, -0.1])[0]
    assert through[0] == -1 and side[0] >= 0
    assert sum(part.volume for part in model.convex_parts()) == pytest.approx(56e-6, rel=0.05)


def height_and_mass_at_rest(model: ObjectModel) -> tuple[float, float]:
    with World() as world:
        world.add_box((0.5, 0.5, 0.05), transform(translation=(0, 0, -0.05)))
        body = model.load(world, transform(translation=(0, 0, 0.05)))
        world.step(480)
        assert body.speed() < 0.05
        return body.pose()[2, 3], world.bullet.getDynamicsInfo(body.uid, -1)[0]


def test_an_inverted_and_a_flat_mesh_work(tmp_path: Path) -> None:
    closed = trimesh.creation.box((0.04, 0.04, 0.04))
    trimesh.Trimesh(closed.vertices, closed.faces[:, ::-1], process=False).export(tmp_path / "turned.ply")
    flat = trimesh.Trimesh([[0, 0, 0], [0.1, 0, 0], [0.1, 0.1, 0], [0, 0.1, 0]], [[0, 1, 2], [0, 2, 3]])
    flat.export(tmp_path / "flat.ply")
    sheet, turned = load_objects(tmp_path)
    assert turned.mesh().volume == pytest.approx(0.04**3)
    assert height_and_mass_at_rest(turned) == pytest.approx((0.021, 0.032), rel=0.02)
    height, mass = height_and_mass_at_rest(sheet)
    assert height < 0.006 and 0.0 < mass < 0.02


@pytest.mark.slow
def test_an_open_mesh_weighs_what_its_hull_would(tmp_path: Path) -> None:
    closed = trimesh.creation.box((0.04, 0.04, 0.04))
    trimesh.Trimesh(closed.vertices, closed.faces[2:], process=False).export(tmp_path / "open.ply")
    assert height_and_mass_at_rest(load_objects(tmp_path)[0]) == pytest.approx((0.021, 0.032), rel=0.1)


def test_a_small_hole_is_filled(tmp_path: Path) -> None:
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.03)
    trimesh.Trimesh(ball.vertices, ball.faces[5:], process=False).export(tmp_path / "ball.ply")
    model = load_objects(tmp_path, material=Material(density_kg_m3=1000.0))[0]
    assert len(model.convex_parts()) == 1 and model.mesh().is_watertight
    with World() as world:
        assert world.bullet.getDynamicsInfo(model.load(world).uid, -1)[0] == pytest.approx(0.1131, rel=0.02)


def test_millimetres_are_noticed_and_mended_by_scale(tmp_path: Path) -> None:
    u_shape(1000.0).export(tmp_path / "u.stl")
    with pytest.raises(InputError, match=r"got 60 m at scale 1; .*for millimetres give scale 0\.001"):
        load_objects(tmp_path)
    assert load_objects(tmp_path, scale=0.001)[0].mesh().extents == pytest.approx([0.06, 0.06, 0.02])
    with pytest.raises(InputError, match="give a larger scale"):
        load_objects(tmp_path, scale=1e-6)


def test_a_far_origin_is_brought_to_the_middle(tmp_path: Path) -> None:
    box = trimesh.creation.box((0.04, 0.04, 0.04))
    box.apply_translation((0.01, 0, 0))
    box.export(tmp_path / "near.ply")
    box.apply_translation((0, 0, 0.8))
    box.export(tmp_path / "scan.ply")
    far, near = sorted(load_objects(tmp_path), key=lambda m: m.name != "scan")
    assert far.mesh().bounds.mean(axis=0) == pytest.approx(0.0, abs=1e-7)
    assert near.mesh().bounds.mean(axis=0) == pytest.approx([0.01, 0, 0], abs=1e-7)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("empty.ply", b"", "expected a mesh file"),
        ("noise.glb", b"hello", "expected a mesh file"),
        ("noise.obj", b"hello", "expected a mesh with faces"),
        ("noise.stl", b"\x00\x01\x02", "expected a mesh"),
        ("points.ply", trimesh.PointCloud(np.eye(3)).export(file_type="ply"), "got none .a point cloud"),
        ("cut.ply", u_shape().export(file_type="ply")[:300], "expected a mesh file"),
        ("nan.obj", b"v 0 0 0\nv nan 0 0\nv 0 1 0\nf 1 2 3\n", "finite vertices, got NaN"),
    ],
)
def test_files_that_are_no_meshes(tmp_path: Path, name: str, content: bytes, line: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: .*{line}|{name}: {line}"):
        load_objects(tmp_path)


def test_cutting_is_done_once_and_alike(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    u_shape().export(tmp_path / "u.stl")
    first = mesh_model("u", tmp_path / "u.stl")
    (tmp_path / "u.stl").rename(tmp_path / "renamed.stl")
    monkeypatch.setattr("envs.objects.mesh_file.convex_parts", lambda mesh: pytest.fail("cut again"))
    assert mesh_model("u", tmp_path / "renamed.stl") == first
    assert first.urdf.is_relative_to(cache)


def test_same_parts_whatever_the_number_of_threads() -> None:
    code = (
        "import hashlib, trimesh\nfrom envs.objects.mesh_file import convex_parts\n"
        "mesh = trimesh.creation.annulus(0.02, 0.03, 0.03, sections=12)\n"
        "print(hashlib.sha256(b''.join(p.vertices.tobytes() for p in convex_parts(mesh))).hexdigest())"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"OMP_NUM_THREADS": threads, "PATH": "/usr/bin:/bin"},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for threads in ("1", "3")
    ]
    assert found[0] == found[1] and len(found[0]) > 60


def test_a_fine_mesh_is_cut_from_a_coarser_one() -> None:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=0.03)
    parts = convex_parts(ball)
    assert len(ball.faces) == 20480 and sum(len(part.vertices) for part in parts) < 2000
    assert sum(part.volume for part in parts) == pytest.approx(4 / 3 * np.pi * 0.03**3, rel=0.03)


def test_material_wants_positive_numbers() -> None:
    with pytest.raises(InputError, match="density_kg_m3 > 0, got 0"):
        Material(density_kg_m3=0.0)


def _maker(text: str, calls: list[str]) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        calls.append(text)
        (folder / "file").write_text(text)

    return make


def test_cache_makes_a_folder_once_and_never_half(cache: Path) -> None:
    calls: list[str] = []
    first = cached_folder("kind", b"key", _maker("a", calls))
    assert cached_folder("kind", b"key", _maker("b", calls)) == first and calls == ["a"]
    assert cached_folder("kind", b"other", _maker("c", calls)) != first

    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        cached_folder("kind", b"broken", fail)
    assert (cached_folder("kind", b"broken", _maker("d", calls)) / "file").read_text() == "d"
    assert not [p for p in (cache / "graspmimic" / "objects").iterdir() if p.name.startswith(".making")]


def test_two_makers_of_the_same_folder_agree(cache: Path) -> None:
    def slow(folder: Path) -> None:
        (folder / "file").write_text("mine")
        cached_folder("race", b"key", _maker("theirs", []))

    assert (cached_folder("race", b"key", slow) / "file").read_text() == "theirs"


def test_cache_falls_back_to_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = cached_folder("kind", b"key", _maker("a", []))
    assert made.is_relative_to(tmp_path) and (made / "file").read_text() == "a"
