"""Objects from folders: what counts as one, what Bullet needs mended, and every bad folder's line."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import trimesh

from envs.objects import ObjectSet, load_objects
from envs.world import World
from geometry import InputError

URDF = """<?xml version="0.0" ?>
<robot name="thing"><link name="base">
  <inertial><mass value="0.2"/><inertia ixx="1" ixy="0" ixz="0" iyy="1" iyz="0" izz="1"/></inertial>
  <visual><origin xyz="0 0 0.1"/><geometry><mesh filename="{visual}"/></geometry>
    <material name="m"><color rgba="0.1 0.2 0.3 1"/></material></visual>
  <collision><origin xyz="0 0 0.02" rpy="0 0 0.5"/>
    <geometry><mesh filename="{collision}" scale="2 1 1"/></geometry></collision>
</link></robot>"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def write(folder: Path, name: str = "thing", visual: str = "cube.obj", collision: str = "cube.obj") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    trimesh.creation.box((0.02, 0.03, 0.04)).export(folder / "cube.obj")
    path = folder / f"{name}.urdf"
    path.write_text(URDF.format(visual=visual, collision=collision))
    return path


def test_a_whole_urdf_is_used_as_it_stands(tmp_path: Path) -> None:
    path = write(tmp_path)
    model = load_objects(tmp_path)[0]
    assert (model.name, model.urdf, model.scale, model.true_inertia) == ("thing", path, 1.0, False)
    assert model.mesh().bounds == pytest.approx(np.array([[-0.01, -0.015, 0.08], [0.01, 0.015, 0.12]]))


def test_a_missing_visual_shows_the_collision_shape(tmp_path: Path) -> None:
    write(tmp_path, visual="textured.obj")
    model = load_objects(tmp_path)[0]
    assert model.mesh().bounds[:, 2] == pytest.approx([0.0, 0.04])
    corner = np.array([0.02 * np.cos(0.5) + 0.015 * np.sin(0.5), 0.02 * np.sin(0.5) + 0.015 * np.cos(0.5)])
    assert model.mesh().bounds[1, :2] == pytest.approx(corner)
    with World() as world:
        body = model.load(world)
        shown = world.bullet.getVisualShapeData(body.uid)[0]
    assert shown[4].decode().endswith("cube.obj") and shown[7] == pytest.approx((0.1, 0.2, 0.3, 1.0))


def test_a_missing_collision_mesh_is_one_clear_line(tmp_path: Path) -> None:
    write(tmp_path, collision="lost.obj")
    with pytest.raises(InputError, match=r"thing\.urdf: expected the collision mesh lost\.obj, got no such file"):
        load_objects(tmp_path)


@pytest.mark.parametrize("scheme", ["package", "model"])
def test_package_names_are_sought_in_the_folders_above(tmp_path: Path, scheme: str) -> None:
    write(tmp_path / "my_objects" / "urdf", visual=f"{scheme}://my_objects/meshes/cube.obj", collision="cube.obj")
    write(tmp_path / "my_objects" / "meshes").unlink()
    model = load_objects(tmp_path)[0]
    assert model.mesh().extents == pytest.approx([0.02, 0.03, 0.04])
    with World() as world:
        model.load(world)


def test_names_come_from_stems_then_folders_then_paths(tmp_path: Path) -> None:
    write(tmp_path / "a" / "cup", "model")
    write(tmp_path / "a" / "bowl", "dish")
    assert [m.name for m in load_objects(tmp_path)] == ["dish", "model"]
    write(tmp_path / "b" / "fork", "model")
    assert [m.name for m in load_objects(tmp_path)] == ["bowl", "cup", "fork"]
    write(tmp_path / "b" / "cup", "model")
    assert [m.name for m in load_objects(tmp_path)][:2] == ["a/bowl/dish.urdf", "a/cup/model.urdf"]


def test_meshes_beside_or_below_a_urdf_belong_to_it(tmp_path: Path) -> None:
    write(tmp_path / "cup")
    trimesh.creation.box((0.02, 0.02, 0.02)).export(_made(tmp_path / "cup" / "meshes") / "lid.stl")
    trimesh.creation.box((0.02, 0.02, 0.02)).export(_made(tmp_path / "scans") / "die.stl")
    assert [m.name for m in load_objects(tmp_path)] == ["die", "thing"]


def test_limit_chooses_by_seed_and_keeps_the_order(tmp_path: Path) -> None:
    for name in "abcdefgh":
        write(tmp_path, name)
    chosen = [m.name for m in load_objects(tmp_path, limit=4, seed=1)]
    assert len(chosen) == 4 and chosen == sorted(chosen)
    assert chosen == [m.name for m in load_objects(tmp_path, limit=4, seed=1)]
    assert len({tuple(m.name for m in load_objects(tmp_path, limit=4, seed=s)) for s in range(6)}) > 1
    assert len(load_objects(tmp_path, limit=99)) == 8


def test_one_file_is_a_set_of_one(tmp_path: Path) -> None:
    path = write(tmp_path)
    write(tmp_path, "other")
    assert [(m.name, m.urdf) for m in load_objects(path)] == [("thing", path)]


def test_progress_counts_to_the_end(tmp_path: Path) -> None:
    write(tmp_path, "a")
    write(tmp_path, "b")
    seen: list[tuple[int, int]] = []
    load_objects(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("not xml", "expected a URDF, which is XML"),
        ("<robot name='r'><link name='a'/><link name='b'/></robot>", "with one link, got <robot> with 2 links"),
        ("<sdf/>", "got <sdf> with 0 links"),
        ("<robot name='r'><link name='a'/></robot>", "expected a <collision> element, got none"),
    ],
)
def test_bad_urdfs(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "bad.urdf").write_text(text)
    with pytest.raises(InputError, match=line):
        load_objects(tmp_path)


def test_bad_numbers_and_shapes_are_named(tmp_path: Path) -> None:
    path = write(tmp_path)
    for old, new in (('xyz="0 0 0.1"', 'xyz="0 zero 1"'), ('scale="2 1 1"', 'scale="2"'), ("<mesh", "<torus")):
        path.write_text(URDF.format(visual="cube.obj", collision="cube.obj").replace(old, new))
        model = load_objects(tmp_path)[0]
        with pytest.raises(InputError, match=r"thing\.urdf"):
            model.mesh()
            model.convex_parts()


def test_bad_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='"procedural", .* got .*nowhere\', which does not exist'):
        load_objects(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"expected files of kind .*\.urdf.*, got none in"):
        load_objects(tmp_path)
    with pytest.raises(InputError, match="limit >= 1, got 0"):
        load_objects("random_urdfs", limit=0)
    with pytest.raises(InputError, match="scale > 0, got nan"):
        load_objects("procedural", scale=float("nan"))


def test_an_unreadable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    closed = _made(tmp_path / "closed")
    real = os.scandir

    def scandir(path: str | Path) -> object:  # rights do not stop root, who may run the tests
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(closed))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputError, match="a readable folder, got Permission denied: .*closed"):
        load_objects(tmp_path)


def test_random_urdfs_fit_the_gripper() -> None:
    found = load_objects("random_urdfs", limit=60, seed=4)
    middle = [np.sort(model.mesh().extents)[1] for model in found]
    assert len(found) == 60 and max(middle) <= 0.0601
    assert 0.4 < np.median([model.scale for model in found]) < 0.8
    assert load_objects("random_urdfs", limit=60, seed=4) == found
    with World() as world:
        found[0].load(world)


@pytest.mark.parametrize(("folder", "count"), [("packed_train", 114), ("pile_train", 303), ("household", 94)])
def test_known_sets_are_complete(shared_data: Path, folder: str, count: int) -> None:
    found = load_objects(shared_data / "objects" / folder)
    assert len(found) == count
    original = folder != "household"  # whose visual meshes are missing
    assert all(model.urdf.is_relative_to(shared_data) is original for model in found)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["packed_train", "pile_train", "household", "random_urdfs", "procedural"])
def test_every_object_loads_where_its_collision_shape_says(request: pytest.FixtureRequest, source: str) -> None:
    folder = source
    if source not in ("random_urdfs", "procedural"):
        folder = str(request.getfixturevalue("shared_data") / "objects" / source)
    found: ObjectSet = load_objects(folder)
    with World() as world:
        for model in found:
            body = model.load(world)
            excess = np.array(world.bullet.getAABB(body.uid)) - model.collision_mesh().bounds
            outward = excess * [[-1], [1]]
            assert (outward > 0.0029).all(), model.name
            if not model.true_inertia:  # otherwise Bullet's box is that of a box turned to the principal axes
                assert (outward < 0.0041).all(), model.name
            assert np.ptp(model.mesh().bounds - model.collision_mesh().bounds) < 0.02, model.name
            world.remove(body)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
