"""Training scenes: object pools, recipes that build the same scene again, views and their label grids."""

from __future__ import annotations

import json

import numpy as np
import pytest

from envs.clutter import DIALECT_A, try_grasp
from envs.grasp_labels import SceneGeometry, rate_grasps
from envs.objects import ObjectModel, ObjectSet, load_objects
from envs.scenes import Scene
from geometry import InputError, transform, transform_points
from perception.grasping.network import CANVAS, DEPTHS_M, ORIENTATIONS
from policies.grasp_learning import (
    SCENE_MIX,
    LabelledView,
    ObjectPool,
    Recipe,
    SceneMix,
    WeightedSet,
    draw_camera,
    look,
    run_trials,
    settle_scene,
)
from policies.grasp_learning.label_grid import grid_poses, label_view

PILE = SceneMix(shares={"pile": 1.0}, counts=(3, 3), scales=(0.7, 1.0), odd_friction=0.0, frictions=(1.0, 1.0))


@pytest.fixture(scope="module")
def pool() -> ObjectPool:
    return ObjectPool((WeightedSet(load_objects("procedural", limit=6)),))


@pytest.fixture(scope="module")
def settled(pool: ObjectPool) -> tuple[Recipe, Scene]:
    recipe = settle_scene(pool, PILE, (7,))
    return recipe, recipe.build(pool)


@pytest.fixture(scope="module")
def view(settled: tuple[Recipe, Scene]) -> LabelledView:
    rng = np.random.default_rng(3)
    return look(settled[1], SceneGeometry.of(settled[1]), draw_camera(0.3, rng), rng)


def poses_of(scene: Scene) -> list[list[float]]:
    return [item.body.pose().reshape(-1).tolist() for item in scene.objects.values()]


def test_a_recipe_comes_back_from_its_json_bit_for_bit(pool: ObjectPool, settled: tuple[Recipe, Scene]) -> None:
    recipe, scene = settled
    again = Recipe.from_json(recipe.to_json())
    assert again == recipe
    rebuilt = again.build(pool)
    assert poses_of(rebuilt) == poses_of(scene)
    T_recipe = np.array([item.T_world_object for item in recipe.objects])
    assert np.allclose(np.array(poses_of(scene)).reshape(-1, 4, 4), T_recipe, atol=1e-7)
    rebuilt.world.close()


def test_a_rebuilt_scene_moves_as_the_first_did(pool: ObjectPool, settled: tuple[Recipe, Scene]) -> None:
    recipe, _ = settled
    outcomes = []
    for _ in range(2):
        scene = recipe.build(pool)
        target = next(iter(scene.objects.values())).body.pose()[:3, 3]
        grasp = np.array([[0, 1, 0, target[0]], [1, 0, 0, target[1]], [0, 0, -1, target[2]], [0, 0, 0, 1.0]])
        outcomes.append((try_grasp(scene, grasp, DIALECT_A)[0], poses_of(scene)))
        scene.world.close()
    assert outcomes[0] == outcomes[1]


def test_a_settled_scene_rests(pool: ObjectPool, settled: tuple[Recipe, Scene]) -> None:
    scene = settled[0].build(pool)
    before = np.array(poses_of(scene)).reshape(-1, 4, 4)
    scene.world.step(60)
    after = np.array(poses_of(scene)).reshape(-1, 4, 4)
    assert np.linalg.norm(after[:, :3, 3] - before[:, :3, 3], axis=1).max() < 0.005
    scene.world.close()


def test_the_same_seed_settles_the_same_scene_and_another_seed_another(pool: ObjectPool) -> None:
    first, again, other = (settle_scene(pool, SCENE_MIX, (seed, 5)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_scene_that_ends_empty_is_drawn_again(
    pool: ObjectPool, monkeypatch: pytest.MonkeyPatch, settled: tuple[Recipe, Scene]
) -> None:
    from policies.grasp_learning import recipe as room

    full, tried = settled[0], []

    def settle(pool: ObjectPool, mix: SceneMix, seed: tuple[int, ...]) -> Recipe:
        tried.append(seed)
        empty = Recipe(**{**vars(full), "objects": ()})
        return full if len(tried) == 3 else empty

    monkeypatch.setattr(room, "_settle_once", settle)
    assert settle_scene(pool, PILE, (4, 2)) == full
    assert tried == [(4, 2, 0), (4, 2, 1), (4, 2, 2)]


@pytest.mark.parametrize("text", ["", "[]", '{"objects": []}', '{"objects": [{"name": "x"}]}'])
def test_a_foreign_recipe_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="recipe"):
        Recipe.from_json(text)


def test_a_recipe_of_unknown_objects_is_refused(settled: tuple[Recipe, Scene], pool: ObjectPool) -> None:
    fields = json.loads(settled[0].to_json())
    fields["objects"][0]["name"] = "unheard-of"
    with pytest.raises(InputError, match="unheard-of.*--objects"):
        Recipe.from_json(json.dumps(fields)).build(pool)


def test_a_bin_has_walls_again(pool: ObjectPool) -> None:
    mix = SceneMix(shares={"bin": 1.0}, counts=(1, 2), scales=(0.7, 0.8), odd_friction=0.0, frictions=(1.0, 1.0))
    recipe = settle_scene(pool, mix, (1,))
    scene = recipe.build(pool)
    assert len(scene.world.bodies) == 1 + 4 + len(recipe.objects)
    scene.world.close()


def test_weights_decide_what_is_drawn(box_model: type) -> None:
    def named(name: str) -> ObjectSet:
        return ObjectSet(name, (ObjectModel(name, box_model((0.03, 0.03, 0.03)).urdf),))

    pool = ObjectPool((WeightedSet(named("a"), 3.0, 0.0), WeightedSet(named("b"), 1.0, 1.0)))
    rng = np.random.default_rng(0)
    drawn = [model.name for model in pool.draw(rng, 4000, packed=False)]
    assert drawn.count("a") / 4000 == pytest.approx(0.75, abs=0.03)
    assert {model.name for model in pool.draw(rng, 50, packed=True)} == {"b"}
    with pytest.raises(InputError, match="another name"):
        ObjectPool((WeightedSet(named("a")), WeightedSet(named("a"))))


def test_a_view_is_canonical_and_says_what_each_pixel_is(settled: tuple[Recipe, Scene], view: LabelledView) -> None:
    count = len(settled[1].objects)
    assert view.depth_m.shape == view.exit_m.shape == view.segmentation.shape == CANVAS
    assert set(np.unique(view.segmentation)) <= {*range(count + 1)}
    on_object = view.segmentation > 0
    assert np.all(view.exit_m[on_object] >= view.depth_m[on_object]) and not view.exit_m[~on_object].any()
    assert np.all(view.exit_m[on_object] - view.depth_m[on_object] < 0.3)
    heights = transform_points(view.T_table_camera, view.camera.unproject(view.depth_m).reshape(-1, 3))[:, 2]
    table = (view.segmentation == 0).reshape(-1) & (view.depth_m > 0).reshape(-1)
    assert np.abs(heights[table]).max() < 1e-4


def test_seeds_lie_on_objects_and_are_spread(view: LabelledView) -> None:
    rows, columns = view.seeds[view.seeds[:, 0] >= 0].T
    assert np.all(view.segmentation[rows, columns] > 0)
    assert len({*zip(rows.tolist(), columns.tolist(), strict=True)}) == len(rows)
    seen = {*np.unique(view.segmentation[view.segmentation > 0])}
    assert {*view.segmentation[rows, columns]} == seen


def test_the_grid_puts_the_tips_at_their_depth_beyond_the_seed(view: LabelledView) -> None:
    poses, points = grid_poses(view), view.seed_points()
    assert poses.shape == (len(points), len(ORIENTATIONS), len(DEPTHS_M), 4, 4)
    for k, d in ((0, 0), (100, 3)):
        assert np.allclose(poses[5, k, d, :3, 3] - points[5], DEPTHS_M[d] * poses[5, k, d, :3, 2], atol=1e-9)
    level = poses[:, 8 * 3, 0, 2, 1]  # angle 0 closes level, whatever the view
    assert np.allclose(level, 0.0, atol=1e-9)


def test_the_grid_of_a_view_holds_the_ratings_of_its_poses(settled: tuple[Recipe, Scene], view: LabelledView) -> None:
    geometry = SceneGeometry.of(settled[1])
    grid, poses = label_view(geometry, view), grid_poses(view)
    rng = np.random.default_rng(0)
    good = np.argwhere(grid.quality > 0)
    for s, k, d in [*rng.permutation(good)[:20], *rng.integers((0, 0, 0), poses.shape[:3], (20, 3))]:
        rating = rate_grasps(geometry, poses[s, k, d][None])
        assert grid.quality[s, k, d] == round(200 * float(rating.quality[0]))
        best = grid.quality[s, k].argmax()
        rating = rate_grasps(geometry, poses[s, k, best][None])
        if grid.quality[s, k, best]:
            assert abs(grid.width_mm[s, k] - 1e3 * rating.width_m[0]) <= 0.51
            assert abs(grid.offset_mm[s, k] - 1e3 * rating.offset_m[0]) <= 0.51
        else:
            assert grid.width_mm[s, k] == grid.offset_mm[s, k] == 0


def test_every_trial_starts_from_the_same_state(pool: ObjectPool, settled: tuple[Recipe, Scene]) -> None:
    recipe, scene = settled
    geometry, down = SceneGeometry.of(scene), [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]
    targets = [item.body.pose()[:3, 3] - (0.0, 0.0, recipe.table_z_m) for item in scene.objects.values()]
    poses = transform(down, np.repeat([(*t[:2], max(t[2], 0.01)) for t in targets], 2, axis=0))
    before = poses_of(scene)
    found = run_trials(scene, geometry, poses, recipe.physics.rules)
    assert poses_of(scene) == before
    assert found.success.any()
    for values in found:
        assert np.array_equal(values[0::2], values[1::2])  # the second of a pair is as if the first had not been
