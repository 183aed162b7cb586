"""The benchmark's loop and its views, with planners that follow a script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from envs.clutter import (
    DIALECT_A,
    DIALECT_B,
    ClutterSimulation,
    Dialect,
    Observation,
    Proposals,
    Round,
    dialect,
    run_clutter_removal,
    run_round,
)
from envs.objects import ObjectSet
from geometry import InputError, PinholeCamera, invert, transform, transform_points

DOWN = np.diag([1.0, -1.0, -1.0])
SMALL = PinholeCamera(width=80, height=60, fx=67.5, fy=67.5, cx=40.0, cy=30.0)
IN_THE_AIR = transform(DOWN, (0.15, 0.15, 0.27))


class Scripted:
    """Says what its script says: h a grasp that holds, m a miss, n nothing, c an object jumps away and a miss."""

    def __init__(self, script: str) -> None:
        self.script, self.looks, self.simulation = script, 0, None
        self.skips_left: list[int] = []

    def bind(self, simulation: ClutterSimulation) -> None:
        self.simulation = simulation

    def __call__(self, observation: Observation) -> Proposals:
        act = self.script[self.looks]
        self.skips_left.append(observation.skips_left)
        self.looks += 1
        if act == "n":
            return Proposals(np.empty((0, 4, 4)), np.empty(0), np.empty(0))
        pose, item = IN_THE_AIR, next(iter(self.simulation.scene.objects.values()))
        if act == "h":
            T = item.body.pose()
            pose = transform(T[:3, :3] @ DOWN, T[:3, 3] + (0, 0, 0.005))
        elif act == "c":
            item.body.set_pose(transform(translation=(0.5, 0.5, 0.06)))
        return Proposals(pose[None], np.array([0.04]), np.array([0.7]))


@pytest.fixture(scope="module")
def boxes(box_model: Callable) -> ObjectSet:
    return ObjectSet("boxes", (box_model((0.03, 0.03, 0.06)), box_model((0.035, 0.03, 0.07))))


def play(script: str, rules: Dialect, boxes: ObjectSet, **options) -> tuple[Round, Scripted]:
    planner = Scripted(script)
    rules = replace(rules, camera=SMALL)
    return run_round(planner, rules, boxes, "packed", seed=0, round_index=1, **options), planner


@pytest.mark.parametrize(
    ("rules", "script", "attempts", "grasped", "ending"),
    [
        (DIALECT_A, "hhhhh", 5, 5, "cleared"),
        (DIALECT_A, "mhmhmhmhmh", 10, 5, "cleared"),
        (DIALECT_A, "mm", 2, 0, "failures"),
        (DIALECT_A, "hmhmm", 5, 2, "failures"),
        (DIALECT_A, "n", 0, 0, "no grasp"),
        (DIALECT_A, "hhn", 2, 2, "no grasp"),
        (DIALECT_A, "chhhh", 5, 4, "cleared"),
        (DIALECT_B, "nnnhhhhh", 5, 5, "cleared"),
        (DIALECT_B, "nnnn", 0, 0, "no grasp"),
        (DIALECT_B, "nhnmnhn", 3, 2, "no grasp"),
        (DIALECT_B, "hmnm", 3, 1, "failures"),
    ],
)
def test_a_round_ends_as_the_dialect_says(
    rules: Dialect, script: str, attempts: int, grasped: int, ending: str, boxes: ObjectSet
) -> None:
    """Two failures in a row, no grasp (A at once, B after the fourth), or an empty table; never later or earlier."""
    found, planner = play(script, rules, boxes)
    assert found.presented == 5
    assert (len(found.attempts), found.grasped, found.ending) == (attempts, grasped, ending)
    assert planner.looks == len(script)
    expected = [c == "h" for c in script if c != "n"]
    assert [a.execution.success for a in found.attempts] == expected
    assert [a.attempt for a in found.attempts] == list(range(attempts))


def test_an_attempt_records_what_was_proposed(boxes: ObjectSet) -> None:
    named: list[tuple[str, int]] = []
    found, _ = play(
        "hmm", DIALECT_A, boxes, record_failure=lambda look, grasps, name: named.append((name, len(grasps.poses)))
    )
    held, missed, _ = found.attempts
    assert (held.seed, held.round, held.planned_width_m, held.score) == (0, 1, 0.04, 0.7)
    assert held.execution.outcome == "held" and held.execution.object_name.startswith("box_")
    np.testing.assert_array_equal(missed.T_world_grasp, IN_THE_AIR)
    assert missed.execution.outcome == "empty" and missed.plan_s > 0.0
    assert named == [("seed0_round001_attempt1_empty", 1), ("seed0_round001_attempt2_empty", 1)]


def test_nothing_to_see_ends_the_round_without_asking_the_planner(boxes: ObjectSet) -> None:
    """The camera looks past the objects: an empty cloud."""
    away = replace(DIALECT_A.view, target_height_m=3.0)
    found, planner = play("", replace(DIALECT_A, view=away), boxes)
    assert (found.ending, found.attempts, planner.looks) == ("no grasp", (), 0)


def test_planning_time_leaves_out_the_tsdf(boxes: ObjectSet) -> None:
    seen: list[bool] = []

    def planner(observation: Observation) -> Proposals:
        seen.append("tsdf" in vars(observation))
        return Proposals(np.empty((0, 4, 4)), np.empty(0), np.empty(0))

    run_round(planner, DIALECT_A, boxes, "packed", seed=0, round_index=0)
    assert seen == [True]


@pytest.mark.parametrize(
    "pose",
    [
        np.full((4, 4), np.nan),
        np.diag([2.0, 1.0, 1.0, 1.0]),
        np.diag([1.0, 1.0, -1.0, 1.0]),
        np.eye(3),
        np.vstack([np.eye(4)[:3], [[0, 0, 0, 2]]]),
    ],
)
def test_a_planner_that_answers_nonsense_is_told(pose: np.ndarray, boxes: ObjectSet) -> None:
    def planner(observation: Observation) -> Proposals:
        return Proposals(pose[None], np.array([0.04]), np.array([1.0]))

    with pytest.raises(InputError, match="rigid transforms"):
        run_round(planner, replace(DIALECT_A, camera=SMALL), boxes, "packed", seed=0, round_index=0)


def test_the_view_of_a_is_the_published_side_view(boxes: ObjectSet) -> None:
    """60 degrees from the vertical at -90 degrees azimuth, 0.6 m from (0.15, 0.15, 0.10); pixels worked out by hand."""
    simulation = ClutterSimulation(replace(DIALECT_A, depth_noise="none"), boxes, "packed", np.random.default_rng(0))
    look = simulation.observe()
    simulation.close()
    T = look.T_world_camera
    np.testing.assert_allclose(T[:3, 3], (0.15, 0.15 - 0.6 * 0.75**0.5, 0.40), atol=1e-9)
    points = [(0.15, 0.15, 0.10), (0.25, 0.15, 0.10), (0.15, 0.15, 0.20)]
    pixels = look.camera.project(transform_points(invert(T), points))
    np.testing.assert_allclose(pixels, [(320, 240), (410, 240), (320, 240 - 540 * 0.0866025 / 0.55)], atol=1e-3)
    # a ray through the lowest row meets the table: forward - t down, with t = 239 / 540
    drop = 0.5 + (479 - 240) / 540 * 0.75**0.5
    assert look.depth_m[479, 0] == pytest.approx(0.35 / drop, abs=1e-4)


def test_the_cloud_is_the_image_inside_the_grasp_volume(boxes: ObjectSet) -> None:
    simulation = ClutterSimulation(DIALECT_A, boxes, "packed", np.random.default_rng(0))
    look = simulation.observe()
    simulation.close()
    np.testing.assert_allclose(look.workspace, [[0.02, 0.02, 0.055], [0.28, 0.28, 0.30]])
    assert (look.table_z_m, look.size_m) == (0.05, 0.30)
    assert len(look.cloud_world) > 1000
    assert np.all(look.cloud_world >= look.workspace[0]) and np.all(look.cloud_world <= look.workspace[1])
    seen = transform_points(look.T_world_camera, look.camera.unproject(look.depth_m)).reshape(-1, 3)
    inside = np.all((seen >= look.workspace[0]) & (seen <= look.workspace[1]), axis=1)
    np.testing.assert_array_equal(look.cloud_world, seen[inside])


def test_the_views_of_b_are_drawn_anew_from_the_published_ranges(boxes: ObjectSet) -> None:
    simulation = ClutterSimulation(replace(DIALECT_B, camera=SMALL), boxes, "packed", np.random.default_rng(0))
    offsets = np.array([simulation.observe().T_world_camera[:3, 3] for _ in range(60)]) - (0.15, 0.15, 0.25)
    simulation.close()
    radius = np.linalg.norm(offsets, axis=1)
    polar = np.rad2deg(np.arccos(offsets[:, 2] / radius))
    azimuth = np.rad2deg(np.arctan2(offsets[:, 1], offsets[:, 0]))
    for values, low, high in ((radius, 0.6, 0.75), (polar, 45.0, 60.0), (azimuth, 0.0, 180.0)):
        assert low <= values.min() < low + 0.15 * (high - low) and high - 0.15 * (high - low) < values.max() <= high


def test_noise_of_the_dialects(boxes: ObjectSet) -> None:
    """A: one factor of sigma 3.2 % an image. B: 0.8 mm on every point."""
    small = replace(DIALECT_A, camera=SMALL)
    noisy = ClutterSimulation(small, boxes, "packed", np.random.default_rng(0))
    clean = ClutterSimulation(replace(small, depth_noise="none"), boxes, "packed", np.random.default_rng(0))
    truth = clean.observe().depth_m
    factors = [np.median(noisy.observe().depth_m[truth > 0] / truth[truth > 0]) for _ in range(80)]
    assert np.std(factors) == pytest.approx(0.0316, rel=0.3) and np.mean(factors) == pytest.approx(1.0, abs=0.012)
    noisy.close()
    clean.close()
    looks = []
    for sigma_m in (0.0008, 0.0):
        rules = replace(DIALECT_B, camera=SMALL, cloud_sigma_m=sigma_m)
        simulation = ClutterSimulation(rules, boxes, "packed", np.random.default_rng(0))
        looks.append(simulation.observe())
        simulation.close()
    np.testing.assert_array_equal(looks[0].T_world_camera, looks[1].T_world_camera)
    seen = looks[1].depth_m > 0.0
    assert not looks[0].depth_m[~seen].any()
    assert np.std((looks[0].depth_m - looks[1].depth_m)[seen]) == pytest.approx(0.0008, rel=0.1)


def test_the_dialects_are_those_in_print() -> None:
    a, b = dialect("A"), dialect("B")
    assert (a.timestep_s, a.solver_iterations, a.max_skips, a.stop_on_contact) == (1 / 240, 150, 0, True)
    assert (b.timestep_s, b.solver_iterations, b.max_skips, b.stop_on_contact) == (1 / 80, 100, 3, False)
    assert (a.pile_scale, a.packed_scale) == ((0.8, 1.0), (0.7, 0.9))
    assert (b.pile_scale, b.packed_scale) == ((0.8, 1.0), (0.7, 0.8))
    assert (a.object_mass_kg, b.object_mass_kg, b.object_friction) == (None, 0.5, 1.0)
    assert (a.hand.gear_force_n, a.hand.finger_friction, a.hand.finger_spinning_friction) == (50.0, 1.0, 0.1)
    assert (b.hand.gear_force_n, b.hand.finger_friction, b.hand.finger_spinning_friction) == (30.0, 0.75, 0.05)
    for rules in (a, b):
        assert (rules.objects_per_round, rules.max_consecutive_failures) == (5, 2)
        c = rules.camera
        assert (c.width, c.height, c.fx, c.fy, c.cx, c.cy) == (640, 480, 540.0, 540.0, 320.0, 240.0)
    with pytest.raises(InputError, match="A or B"):
        dialect("C")


def test_only_a_culls_what_rises_above_the_workspace(box_model: Callable) -> None:
    """In B objects may be taller than the workspace; a base above 0.3 m stays."""
    tower = ObjectSet("tower", (box_model((0.06, 0.06, 0.74), mass_kg=2.0),))
    for rules, presented in ((DIALECT_A, 0), (DIALECT_B, 1)):
        rules = replace(rules, objects_per_round=1, camera=SMALL, packed_scale=(0.7, 0.7))
        simulation = ClutterSimulation(rules, tower, "packed", np.random.default_rng(0))
        assert len(simulation.scene.objects) == presented
        simulation.close()


def test_a_run_puts_its_rounds_in_order(boxes: ObjectSet) -> None:
    heard: list[tuple[int, int]] = []
    rules = replace(DIALECT_A, camera=SMALL)
    nothing = lambda observation: Proposals(np.empty((0, 4, 4)), np.empty(0), np.empty(0))  # noqa: E731
    result = run_clutter_removal(
        nothing,
        boxes,
        dialect=rules,
        arrangement="packed",
        rounds=2,
        seeds=(5, 1),
        on_round=lambda r: heard.append((r.seed, r.round)),
    )
    assert heard == [(5, 0), (5, 1), (1, 0), (1, 1)]
    assert [(r.seed, r.round) for r in result.rounds] == [(1, 0), (1, 1), (5, 0), (5, 1)]
    assert result.endings["no grasp"] == 4 and result.dr.mean == 0.0


@pytest.mark.parametrize(
    "bad", [{"rounds": 0}, {"seeds": ()}, {"seeds": (0, 0)}, {"seeds": (-1,)}, {"processes": 0}], ids=str
)
def test_bad_runs_are_refused(bad: dict, boxes: ObjectSet) -> None:
    with pytest.raises(InputError, match="different seeds from 0 up"):
        run_clutter_removal(lambda o: None, boxes, dialect=DIALECT_A, **bad)


def test_a_planner_is_told_how_often_it_may_still_decline(boxes: ObjectSet) -> None:
    _, in_b = play("nmnnn", DIALECT_B, boxes)
    assert in_b.skips_left == [3, 2, 2, 1, 0]
    _, in_a = play("n", DIALECT_A, boxes)
    assert in_a.skips_left == [0]
