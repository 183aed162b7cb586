"""A model's meshes against what Bullet draws and hits, and sets of models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import open3d as o3d
import pytest
import trimesh

from envs.objects import ObjectModel, ObjectSet
from envs.world import World
from geometry import InputError, transform, transform_points

URDF = """<robot name="thing"><link name="base">
  <inertial><origin xyz="0.01 0 0.02" rpy="0.1 0 0.3"/><mass value="0.2"/>
    <inertia ixx="1" ixy="0" ixz="0" iyy="1" iyz="0" izz="1"/></inertial>
  <visual><origin xyz="0.01 -0.02 0.03" rpy="0.3 0.2 0.1"/>
    <geometry><mesh filename="cone.obj" scale="1 1.5 0.5"/></geometry></visual>
  <collision><origin xyz="0 0.05 0" rpy="0.2 -0.4 1.1"/>
    <geometry><mesh filename="two.obj" scale="1 2 1"/></geometry></collision>
  <collision><origin xyz="0 0 0.12" rpy="0.5 0 0"/><geometry><{primitive}/></geometry></collision>
</link></robot>"""
PRIMITIVES = [
    'box size="0.03 0.04 0.05"',
    'sphere radius="0.03"',
    'cylinder radius="0.02" length="0.06"',
    'capsule radius="0.02" length="0.06"',
]


@pytest.fixture(params=PRIMITIVES, ids=lambda p: p.split()[0])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectModel:
    """A cone to be seen; two boxes with a gap in one file, and a primitive, to collide with."""
    trimesh.creation.cone(0.04, 0.12, sections=16).export(tmp_path / "cone.obj")
    lines, count = [], 0
    for index, x in enumerate((-0.05, 0.05)):
        box = trimesh.creation.box((0.04, 0.03, 0.02), transform(translation=(x, 0, 0)))
        lines += [f"o part{index}"] + [f"v {a} {b} {c}" for a, b, c in box.vertices]
        lines += [f"f {a} {b} {c}" for a, b, c in box.faces + 1 + count]
        count += len(box.vertices)
    (tmp_path / "two.obj").write_text("\n".join(lines))
    (tmp_path / "thing.urdf").write_text(URDF.format(primitive=request.param))
    return ObjectModel("thing", tmp_path / "thing.urdf", scale=0.8)


def cast(mesh: trimesh.Trimesh, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32))
    return scene.cast_rays(np.concatenate([origins, directions], -1).astype(np.float32))["t_hit"].numpy()


def test_collision_mesh_is_what_bullet_hits(model: ObjectModel) -> None:
    rng = np.random.default_rng(0)
    origins = rng.normal(size=(1500, 3))
    origins *= 0.5 / np.linalg.norm(origins, axis=1, keepdims=True)
    targets = rng.uniform(model.collision_mesh().bounds[0], model.collision_mesh().bounds[1], size=(1500, 3))
    with World() as world:
        model.load(world)
        hits = world.bullet.rayTestBatch(origins.tolist(), (2 * targets - origins).tolist())
    touched = np.array([hit[0] >= 0 for hit in hits])
    bullet = np.linalg.norm(np.array([hit[3] for hit in hits]) - origins, axis=1)
    directions = targets - origins
    ours = cast(model.collision_mesh(), origins, directions / np.linalg.norm(directions, axis=1, keepdims=True))
    both = touched & np.isfinite(ours)
    assert both.sum() > 200
    assert np.mean(np.isfinite(ours) & ~touched) < 0.01
    assert np.mean(touched & ~np.isfinite(ours)) < 0.05  # rays that pass within Bullet's margin of 1 mm
    assert np.median(np.abs(bullet - ours)[both]) < 0.0025  # the margin again


def test_mesh_is_what_bullet_draws(model: ObjectModel) -> None:
    size, eye, T_world_link = 200, (0.3, 0.25, 0.35), transform(translation=(0.02, -0.01, 0.04))
    with World() as world:
        model.load(world, T_world_link, scale=1.5)
        bullet = world.bullet
        view = bullet.computeViewMatrix(eye, (0, 0, 0.05), (0, 0, 1))
        projection = bullet.computeProjectionMatrixFOV(50, 1.0, 0.1, 2.0)
        shown = bullet.getCameraImage(size, size, view, projection, renderer=bullet.ER_TINY_RENDERER)
    seen = np.reshape(shown[4], (size, size)) >= 0
    to_clip = np.reshape(projection, (4, 4)).T @ np.reshape(view, (4, 4)).T
    x, y = np.meshgrid((np.arange(size) + 0.5) / size * 2 - 1, 1 - (np.arange(size) + 0.5) / size * 2)
    far = np.stack([x, y, np.ones_like(x), np.ones_like(x)], -1) @ np.linalg.inv(to_clip).T
    rays = far[..., :3] / far[..., 3:] - eye
    mesh = model.mesh()
    placed = trimesh.Trimesh(transform_points(T_world_link, 1.5 * mesh.vertices), mesh.faces)
    ours = np.isfinite(cast(placed, np.broadcast_to(eye, rays.shape), rays))
    assert 1000 < ours.sum() < 0.5 * size**2
    assert np.mean(ours != seen) < 0.01


def test_scale_multiplies_the_mesh_and_one_is_shared(model: ObjectModel) -> None:
    plain = ObjectModel("plain", model.urdf)
    assert model.mesh().vertices == pytest.approx(0.8 * plain.mesh().vertices)
    assert model.mesh() is model.mesh()
    assert len(model.convex_parts()) == 3


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    urdf = tmp_path / "box.urdf"
    text = '<robot name="r"><link name="l"><collision><geometry><box size="{}"/></geometry></collision></link></robot>'
    urdf.write_text(text.format("1 1 1"))
    assert ObjectModel("box", urdf).mesh().volume == pytest.approx(1.0)
    urdf.write_text(text.format("1 1 0.25"))
    assert ObjectModel("box", urdf).mesh().volume == pytest.approx(0.25)


def test_set_is_sorted_and_draws_by_the_generator(tmp_path: Path) -> None:
    models = ObjectSet("letters", tuple(ObjectModel(name, tmp_path / name) for name in "dbca"))
    assert [m.name for m in models] == list("abcd") and models[1].name == "b" and len(models) == 4
    drawn = models.sample(np.random.default_rng(0), 50)
    assert drawn == models.sample(np.random.default_rng(0), 50) and len({m.name for m in drawn}) == 4
    assert len(set(models.sample(np.random.default_rng(0), 4, replace=False))) == 4
    with pytest.raises(InputError, match="n <= 4 without replacement, got 5"):
        models.sample(np.random.default_rng(0), 5, replace=False)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_scale_must_be_positive(scale: float) -> None:
    with pytest.raises(InputError, match="scale > 0"):
        ObjectModel("x", Path("x.urdf"), scale)


def test_empty_set_and_missing_file() -> None:
    with pytest.raises(InputError, match="at least one object"):
        ObjectSet("none", ())
    with pytest.raises(InputError, match="expected a URDF file, got no file"):
        ObjectModel("x", Path("nowhere.urdf")).mesh()
