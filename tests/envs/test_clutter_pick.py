"""ClutterPick: the checkers, the rules of a round, what is observed, and that nothing depends on chance."""

from __future__ import annotations

import pickle
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from scipy.spatial.transform import Rotation
from stable_baselines3.common.env_checker import check_env as check_sb3

from envs.clutter import DIALECT_A, DIALECT_B, Execution, Observation
from envs.clutter_pick import ClutterPickEnv, GeometricProposer, PickProposals
from envs.clutter_pick.pick_features import fixed_cloud, log_odds
from envs.clutter_pick.round_memory import MEMORY_FEATURES, RoundMemory
from envs.clutter_pick.seen_things import HEAP_FEATURES, heap_features, table_scaled_cloud
from envs.objects import ObjectSet
from geometry import InputError, look_at, transform

DOWN = Rotation.from_euler("x", np.pi)


class Scripted:
    """Proposes the same grasps in every look; with none given, nothing."""

    feature_names = ("one", "number")

    def __init__(self, *poses: np.ndarray) -> None:
        self.poses = np.array(poses).reshape(-1, 4, 4)

    def __call__(self, observation: Observation) -> PickProposals:
        n = len(self.poses)
        features = np.stack([np.ones(n), np.arange(n)], axis=-1).astype(np.float32)
        return PickProposals(self.poses, np.full(n, 0.04), np.linspace(0.9, 0.5, n), features)


@pytest.fixture(scope="module")
def one_cube(box_model) -> ObjectSet:
    return ObjectSet("cubes", (box_model((0.04, 0.04, 0.04)),))


def over_the_cube(env: ClutterPickEnv) -> np.ndarray:
    """A grasp that holds the only cube there is, worked out from where it lies."""
    (cube,) = env.simulation.scene.objects.values()
    T = cube.body.pose()
    axes = T[:3, :3][:, np.argsort(np.abs(T[2, :3]))[:2]]  # the two of its axes that lie level
    closing = axes[:, 0] / np.linalg.norm(axes[:2, 0]) * (1, 1, 0)
    approach = np.array((0.0, 0.0, -1.0))
    pose = np.eye(4)
    pose[:3, :3] = np.stack([np.cross(closing, approach), closing, approach], axis=-1)
    pose[:3, 3] = T[:3, 3] - (0, 0, 0.01)
    return pose


def beside() -> np.ndarray:
    return transform(DOWN, (0.02, 0.02, 0.10))


def one_object_env(one_cube: ObjectSet, propose, **options) -> ClutterPickEnv:
    from dataclasses import replace

    return ClutterPickEnv(propose, one_cube, dialect=replace(DIALECT_A, objects_per_round=1), **options)


@pytest.mark.parametrize("options", [{}, {"action": "refine", "top_k": 5}, {"scene": "packed", "dialect": "B"}])
def test_checkers_have_nothing_to_say(options: dict) -> None:
    kwargs = {"propose": GeometricProposer(places=12, directions=4), **options}
    gymnasium.register("test/ClutterPick-v0", entry_point="envs.clutter_pick:ClutterPickEnv", kwargs=kwargs)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            env = gymnasium.make("test/ClutterPick-v0", render_mode="rgb_array")
            check_gymnasium(env.unwrapped)
            check_sb3(env.unwrapped)
            assert env.unwrapped.render().shape == (240, 320, 3)
            env.close()
            env.close()
    finally:
        del gymnasium.registry["test/ClutterPick-v0"]


def played(env: ClutterPickEnv, seed: int) -> list:
    observation, info = env.reset(seed=seed)
    seen, ended = [observation], False
    while not ended:
        observation, reward, ended, truncated, info = env.step(int(env.action_masks().sum()) // 2)
        seen += [observation, reward, truncated, info]
    return seen


def bits(seen: list) -> list:
    return [[v.tobytes() for v in item.values()] if "mask" in (item or {}) else item for item in map(wrapped, seen)]


def wrapped(item):
    return item if isinstance(item, dict) else {"value": item}


def test_the_same_seed_gives_the_same_round_bit_for_bit_whatever_was_played_before() -> None:
    one, other = ClutterPickEnv(), ClutterPickEnv()
    first = bits(played(one, 5))
    played(other, 9)
    again = bits(played(other, 5))
    assert first == again
    assert first != bits(played(one, 6))


def test_an_environment_pickles() -> None:
    env = ClutterPickEnv(GeometricProposer(places=20), top_k=7)
    env.reset(seed=1)
    twin = pickle.loads(pickle.dumps(env))
    assert twin.top_k == 7 and twin.propose == GeometricProposer(places=20)
    assert bits(played(twin, 3)) == bits(played(env, 3))


def test_a_cube_that_is_held_is_taken_away_and_the_round_is_won(one_cube: ObjectSet) -> None:
    env = one_object_env(one_cube, Scripted(beside()), attempt_cost=0.25)
    env.reset(seed=0)
    env.propose = Scripted(beside(), over_the_cube(env))
    env.reset(seed=0)
    assert env.action_masks().tolist() == [True, True] + [False] * 30
    observation, reward, ended, truncated, info = env.step(1)
    assert (reward, ended, truncated) == (0.75, True, False)
    assert info == {
        "is_success": True,
        "cleared": 1,
        "attempts": 1,
        "presented": 1,
        "ending": "cleared",
        "outcome": "held",
    }
    assert not observation["mask"].any() and not env.action_masks().any()
    with pytest.raises(InputError, match="reset"):
        env.step(0)


def test_two_failures_in_a_row_end_a_round(one_cube: ObjectSet) -> None:
    env = one_object_env(one_cube, Scripted(beside()))
    env.reset(seed=0)
    _, reward, ended, _, info = env.step(0)
    assert (reward, ended, info["ending"], info["outcome"]) == (-0.1, False, "", "empty")
    _, _, ended, _, info = env.step(0)
    assert (ended, info["ending"], info["is_success"], info["attempts"]) == (True, "failures", False, 2)


def test_a_choice_that_is_not_there_costs_an_attempt_and_moves_nothing(one_cube: ObjectSet) -> None:
    env = one_object_env(one_cube, Scripted(beside()))
    env.reset(seed=0)
    (cube,) = env.simulation.scene.objects.values()
    before = cube.body.pose()
    _, reward, _, _, info = env.step(31)
    assert reward == -0.1 and info["outcome"] == "nothing chosen"
    np.testing.assert_array_equal(cube.body.pose(), before)


class Falters(Scripted):
    """Proposes something in the first look of a round only."""

    looks = 0

    def __call__(self, observation: Observation) -> PickProposals:
        self.looks += 1
        return super().__call__(observation) if self.looks == 1 else Scripted()(observation)


@pytest.mark.parametrize(("rules", "looks"), [(DIALECT_A, 2), (DIALECT_B, 5)])
def test_a_round_ends_when_nothing_is_proposed_and_no_skip_is_left(one_cube: ObjectSet, rules, looks: int) -> None:
    propose = Falters(beside())
    env = ClutterPickEnv(propose, one_cube, dialect=rules)
    env.reset(seed=0)
    _, _, ended, _, info = env.step(0)
    assert (ended, info["ending"], propose.looks) == (True, "no grasp", looks)


def test_a_refined_grasp_is_shifted_and_turned_in_its_own_frame(one_cube: ObjectSet) -> None:
    env = one_object_env(one_cube, Scripted(beside()), action="refine")
    env.reset(seed=0)
    tried = []
    env.simulation.execute = lambda pose: tried.append(pose) or Execution(False, "empty", 0.0, "")
    env.step(np.array((1.0, 0.5, -1.0, 2.0), dtype=np.float32))
    # pointing down about x: x stays, y and z are reversed; +15 degrees about the approach
    np.testing.assert_allclose(tried[0][:3, 3], (0.02 + 0.01, 0.02 - 0.005, 0.10 + 0.01), atol=1e-12)
    turn = Rotation.from_matrix(beside()[:3, :3].T @ tried[0][:3, :3]).as_rotvec(degrees=True)
    np.testing.assert_allclose(turn, (0.0, 0.0, 15.0), atol=1e-9)


def test_rows_say_what_their_names_say(one_cube: ObjectSet) -> None:
    poses = (beside(), transform(DOWN, (0.15, 0.18, 0.12)))
    env = one_object_env(one_cube, Scripted(*poses), top_k=4)
    observation, _ = env.reset(seed=0)
    rows = observation["proposals"].reshape(4, len(env.feature_names))
    column = dict(zip(env.feature_names, rows.T, strict=True))
    assert not rows[2:].any() and observation["mask"].tolist() == [1, 1, 0, 0]
    np.testing.assert_allclose(column["log_odds"][:2], np.log([0.9 / 0.1, 0.5 / 0.5]), atol=1e-6)
    np.testing.assert_allclose(column["y"][:2], ((0.02 - 0.15) / 0.15, 0.2), atol=1e-6)
    np.testing.assert_allclose(column["z"][:2], ((0.10 - 0.05) / 0.15, 0.07 / 0.15), atol=1e-6)
    np.testing.assert_allclose(column["approach_z"][:2], -1.0, atol=1e-6)
    np.testing.assert_allclose(column["number"][:2], (0, 1))
    np.testing.assert_allclose(column["below_best"][:2], (0.0, np.log(9.0)), atol=1e-6)
    assert not column["near_failure"].any()
    observation, *_ = env.step(0)
    rows = observation["proposals"].reshape(4, -1)
    column = dict(zip(env.feature_names, rows.T, strict=True))
    np.testing.assert_allclose(column["same_as_failure"][0], 1.0, atol=1e-3)
    apart = np.linalg.norm(poses[0][:3, 3] - poses[1][:3, 3])
    np.testing.assert_allclose(column["near_failure"][:2], (1.0, np.exp(-apart / 0.03)), atol=1e-6)
    assert column["failed_last"][:2].tolist() == [1.0, 1.0]


def test_memory_knows_swapped_fingers_and_forgives_success() -> None:
    memory, here = RoundMemory(), transform(DOWN, (0.1, 0.1, 0.1))
    swapped = here @ transform(Rotation.from_euler("z", np.pi))
    turned = here @ transform(Rotation.from_euler("z", 0.4))
    memory.note_look(np.array([here]), np.array([1.5]))
    memory.note_attempt(here, Execution(False, "closed", 0.0, ""))
    columns = dict(zip(MEMORY_FEATURES, memory.features(np.array([swapped, turned])).T, strict=True))
    np.testing.assert_allclose(columns["same_as_failure"], (1.0, np.exp(-1.0)), atol=1e-6)
    np.testing.assert_allclose(columns["near_closed"], 1.0)
    np.testing.assert_allclose(columns["near_empty"], 0.0)
    np.testing.assert_allclose(columns["earlier_log_odds"], (1.5, 1.5))
    memory.note_attempt(here, Execution(True, "held", 0.03, "thing"))
    columns = dict(zip(MEMORY_FEATURES, memory.features(np.array([here])).T, strict=True))
    assert (columns["failed_last"], columns["near_last_failure"], columns["near_success"]) == (0.0, 0.0, 1.0)


def test_heaps_are_what_hangs_together() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(6) * 0.008] * 2, [0.0, 0.008], indexing="ij"), axis=-1).reshape(-1, 3)
    cloud = np.concatenate([grid + (0.05, 0.05, 0.06), 2.0 * grid[:8] * 0 + (0.2, 0.2, 0.06)])
    poses = np.array([transform(DOWN, (0.07, 0.07, 0.06)), transform(DOWN, (0.2, 0.2, 0.06))])
    columns = dict(zip(HEAP_FEATURES, heap_features(poses, poses[:1], cloud).T, strict=True))
    np.testing.assert_allclose(columns["heap_length"][1], 0.0, atol=1e-9)
    assert 0.4 - 1e-6 <= columns["heap_length"][0] <= 0.4 * np.sqrt(2) + 1e-6
    np.testing.assert_allclose(columns["off_heap_middle"], (0.0, 0.0), atol=1e-9)
    assert columns["heap_failed"].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("factor", [0.95, 1.0, 1.06])
def test_the_table_puts_the_scale_right(factor: float) -> None:
    camera, T = DIALECT_A.camera, look_at((0.15, -0.37, 0.40), (0.15, 0.15, 0.10))
    rays = camera.rays() @ T[:3, :3].T
    depth = (0.05 - T[2, 3]) / rays[..., 2]
    point = T[:3, 3] + 0.9 * depth[240, 320] * rays[240, 320]
    observation = Observation(
        depth_m=(factor * depth).astype(np.float32),
        camera=camera,
        T_world_camera=T,
        cloud_world=(T[:3, 3] + factor * (point - T[:3, 3]))[None],
        workspace=np.array([[0.02, 0.02, 0.055], [0.28, 0.28, 0.3]]),
        table_z_m=0.05,
        size_m=0.3,
        rng=np.random.default_rng(0),
    )
    np.testing.assert_allclose(table_scaled_cloud(observation)[0], point, atol=5e-4)
    assert fixed_cloud(table_scaled_cloud(observation), observation, 16).shape == (16, 3)


def test_log_odds_stay_finite_and_in_order() -> None:
    odds = log_odds(np.array([1.0, 0.99, 0.5, 0.0]))
    assert np.all(np.isfinite(odds)) and np.all(np.diff(odds) < 0.0) and odds[2] == 0.0


def test_bad_arguments_and_detectors_are_named(one_cube: ObjectSet) -> None:
    for options in ({"scene": "heap"}, {"action": "think"}, {"top_k": 0}, {"render_mode": "human"}):
        with pytest.raises(InputError, match=next(iter(options))):
            ClutterPickEnv(None, one_cube, **options)
    crooked = beside()
    crooked[:3, :3] *= 2.0
    with pytest.raises(InputError, match="rigid"):
        one_object_env(one_cube, Scripted(crooked)).reset(seed=0)
    with pytest.raises(InputError, match="nothing proposed"):
        one_object_env(one_cube, Scripted()).reset(seed=0)
