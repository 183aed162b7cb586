"""The workbench in physics: what is hollow is hollow, what stands stays, what is seen is where it is."""

from __future__ import annotations

import numpy as np
import pytest

from envs.workbench import TASKS, Thing, Workbench
from geometry import InputError, invert, transform, transform_points

CUBE = Thing(name="cube", category="cube", size_m=(0.04, 0.04, 0.04))
CUP = Thing(name="cup", category="cup", size_m=(0.064, 0.064, 0.09))
BOX = Thing(name="box", category="box", size_m=(0.14, 0.12, 0.06), mass_kg=0.5)
LINE = Thing(name="line", category="line", size_m=(0.02, 0.2, 0.001))


def at(x: float, y: float, z: float) -> np.ndarray:
    return transform(translation=(x, y, z))


def bench_of(*placed: tuple[Thing, np.ndarray], **options: object) -> Workbench:
    layout = {thing.name: pose for thing, pose in placed}
    return Workbench([thing for thing, _ in placed], layout, rng=np.random.default_rng(0), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", list(TASKS))
def test_a_scene_stays_as_it_was_laid_out(name: str) -> None:
    scene = TASKS[name].draw(np.random.default_rng(1_000_001))
    bench = Workbench(
        scene.things, scene.layout, rng=np.random.default_rng(0), balls=scene.balls, taker_m=scene.taker_m
    )
    moved = {key: np.abs(T - scene.layout[key]).max() for key, T in bench.layout().items()}
    assert max(moved.values()) < 2e-3
    assert all(bench.balls_in(key) == count for key, count in scene.balls.items())
    assert not scene.succeeded(bench.outcome())
    bench.close()


def test_what_is_dropped_into_a_box_lies_on_its_floor_within_its_walls() -> None:
    bench = bench_of((BOX, at(0.5, 0.0, 0.03)), (CUBE, at(0.52, 0.01, 0.12)))
    bench.wait(0.7)
    x, y, z = bench.layout()["cube"][:3, 3]
    assert z == pytest.approx(0.004 + 0.02, abs=1e-3)
    assert abs(x - 0.5) < 0.07 - 0.004 - 0.02 + 1e-3 and abs(y) < 0.06 - 0.004 - 0.02 + 1e-3
    bench.close()


def test_walls_hold_what_is_pushed_against_them() -> None:
    bench = bench_of((BOX, at(0.5, 0.0, 0.03)), (CUBE, at(0.5, 0.0, 0.03)))
    for _ in range(60):
        bench.world.bullet.applyExternalForce(
            bench.bodies["cube"].uid, -1, (3.0, 0.0, 0.0), (0.0, 0.0, 0.0), bench.world.bullet.LINK_FRAME
        )
        bench.world.step()
    way = (bench.layout()["cube"] - bench.layout()["box"])[0, 3]
    assert way == pytest.approx(0.07 - 0.004 - 0.02, abs=3e-3)
    bench.close()


def test_a_line_is_paint() -> None:
    bench = bench_of((LINE, at(0.5, 0.0, 0.0)), (CUBE, at(0.5, 0.0, 0.02)))
    assert bench.layout()["cube"][2, 3] == pytest.approx(0.02, abs=5e-4)
    assert np.array_equal(bench.layout()["line"], at(0.5, 0.0, 0.0))
    bench.close()


def test_balls_run_out_of_a_cup_that_is_turned_over() -> None:
    bench = bench_of((CUP, at(0.5, 0.0, 0.045)), (BOX, at(0.5, 0.2, 0.03)), balls={"cup": 9})
    assert (bench.balls_in("cup"), bench.balls_in("box")) == (9, 0)
    bench.bodies["cup"].set_pose(transform(np.diag([1.0, -1.0, -1.0]), (0.5, 0.2, 0.20)))
    for ball in bench.balls:
        ball.set_pose(at(0.5, 0.2, 0.15) @ at(*np.random.default_rng(ball.uid).uniform(-0.02, 0.02, 3)))
    bench.wait(1.0)
    assert bench.balls_in("box") >= 7
    bench.close()


def test_the_camera_sees_the_table_and_a_cube_at_their_depths() -> None:
    bench = bench_of((CUBE, at(0.5, 0.0, 0.02)), depth_noise="none")
    view = bench.observe()
    T_camera_world = invert(view.T_world_camera)
    for point in ((0.5, 0.0, 0.04), (0.4, 0.2, 0.0), (0.6, -0.2, 0.0)):
        seen = transform_points(T_camera_world, np.array([point]))
        u, v = np.round(view.camera.project(seen)[0]).astype(int)
        assert view.depth_m[v, u] == pytest.approx(float(seen[0, 2]), abs=3e-3)
    bench.close()


def test_the_arm_hides_nothing_of_where_things_stand() -> None:
    bench = bench_of((CUBE, at(0.5, 0.0, 0.02)), depth_noise="none")
    view = bench.observe()
    T_camera_world = invert(view.T_world_camera)
    grid = np.stack(np.meshgrid(np.linspace(0.31, 0.65, 8), np.linspace(-0.3, 0.3, 8), [0.0]), -1).reshape(-1, 3)
    seen = transform_points(T_camera_world, grid[np.abs(grid[:, :2] - (0.5, 0.0)).max(axis=1) > 0.05])
    u, v = np.round(view.camera.project(seen)).astype(int).T
    assert np.abs(view.depth_m[v, u] - seen[:, 2]).max() < 5e-3
    bench.close()


def test_the_hand_takes_what_the_robot_holds_near_it_and_nothing_else() -> None:
    bench = bench_of((CUBE, at(0.5, 0.0, 0.02)), taker_m=(0.5, 0.0, 0.03))
    bench.wait(0.5)
    assert bench.taker is not None and bench.taker.holding is None
    bench.world.on_step = None  # the fingers, which feel nothing here, are not asked
    for _ in range(80):
        bench.taker.watch(bench.bodies["cube"])
        bench.world.step()
    assert bench.taker.holding == "cube" and bench.outcome().taken == ("cube",)
    bench.bodies["cube"].world.bullet.setGravity(0.0, 0.0, 5.0)
    bench.wait(0.5)
    assert np.linalg.norm(bench.layout()["cube"][:3, 3] - (0.5, 0.0, 0.02)) < 5e-3
    bench.close()


def test_the_same_seed_gives_the_same_picture() -> None:
    views = []
    for _ in range(2):
        bench = bench_of((CUBE, at(0.5, 0.0, 0.02)))
        views.append(bench.observe().depth_m)
        bench.close()
    assert np.array_equal(views[0], views[1])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="a finite pose"):
        Workbench([CUBE], {}, rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="balls in open things"):
        bench_of((CUBE, at(0.5, 0.0, 0.02)), balls={"cube": 3})
