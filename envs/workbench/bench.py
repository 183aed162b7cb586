"""A Panda at a workbench with a person's things on it, and a depth camera that looks at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.cameras import RaycastCamera, StructuredLight, dex_noise
from envs.panda import PandaArm
from envs.workbench.bodies import FRICTION, WALL_M, add_thing
from envs.workbench.goals import Outcome
from envs.workbench.taker import Taker
from envs.workbench.thing import Layout, Thing
from envs.world import Body, World
from geometry import FloatArray, InputError, PinholeCamera, invert, look_at, transform

LOOK_Q: FloatArray = np.array([-2.2, 0.1, 0.0, -1.8, 0.0, 1.9, 0.785])
"""Posture (7,), rad, in which the arm hides nothing from the camera."""
BALL_RADIUS_M = 0.006
_BALL_KG = 0.002
_BALL_RGBA = (0.95, 0.75, 0.15, 1.0)
_TAKER_LOOKS = 12
"""Steps from one look of the taker to the next."""
_TABLE_HALF_M, _TABLE_MIDDLE_M = (0.75, 0.75, 0.02), (0.45, 0.0, -0.02)
_TABLE_RGBA = (0.80, 0.74, 0.66, 1.0)
_CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)
_T_WORLD_CAMERA = look_at((0.02, 0.0, 0.74), (0.48, 0.0, 0.02))
_WORKSPACE_M = ((0.22, -0.40, -0.01), (0.75, 0.40, 0.40))

DepthNoise = Literal["dex", "structured light", "none"]


@dataclass(frozen=True)
class BenchView:
    """One look at the bench; a scene view for grasp planners."""

    depth_m: NDArray[np.float32]
    """(480, 640) metres along the optical axis, with the sensor's faults; 0 where there is no return."""
    camera: PinholeCamera
    """Intrinsics."""
    T_world_camera: FloatArray
    """(4, 4), optical frame."""
    workspace: FloatArray
    """(2, 3) lower and upper corner of where grasps are wanted."""
    table_z_m: float
    """Height of the table's top."""
    rng: np.random.Generator
    """For a planner's samples."""


class Workbench:
    """The bench in a world of its own. The robot's base stands at the origin on the table; the table's top is z = 0.

    Args:
        things: what is on it; at least one.
        layout: where they stand.
        rng: draws the sensor's faults.
        balls: by the name of an open thing, how many small balls lie in it.
        taker_m: (3,) where a person's hand waits to take something; None: there is none.
        depth_noise: what the camera makes of the scene; "dex" is the clutter benchmark's.
        timestep_s: of the physics.
        solver_iterations: of the physics, a step.
    """

    def __init__(
        self,
        things: Sequence[Thing],
        layout: Layout,
        *,
        rng: np.random.Generator,
        balls: Mapping[str, int] | None = None,
        taker_m: ArrayLike | None = None,
        depth_noise: DepthNoise = "dex",
        timestep_s: float = 1.0 / 240.0,
        solver_iterations: int = 100,
    ) -> None:
        _check(things, layout, balls or {})
        self.things = {thing.name: thing for thing in things}
        self.world = World(timestep_s=timestep_s, solver_iterations=solver_iterations)
        T_table = transform(translation=_TABLE_MIDDLE_M)
        self.table = self.world.add_box(_TABLE_HALF_M, T_table, color=_TABLE_RGBA, name="table")
        self.world.bullet.changeDynamics(self.table.uid, -1, lateralFriction=FRICTION)
        self._painted = {each.name: np.array(layout[each.name], dtype=np.float64) for each in things if each.fixed}
        self.bodies = {each.name: add_thing(self.world, each, np.asarray(layout[each.name])) for each in things}
        self.arm = PandaArm(self.world, q=LOOK_Q)
        self.balls = [self._add_ball(at) for name, count in (balls or {}).items() for at in self._heap(name, count)]
        self.taker = None if taker_m is None else Taker(self.world, np.asarray(taker_m, dtype=np.float64))
        self.on_step: Callable[[], None] | None = None
        """Called after every step of the world, for example to film."""
        self.world.on_step = self._after_step
        self._rng, self._noise = rng, depth_noise
        self._camera = RaycastCamera(self.world, _CAMERA)
        self.wait(0.3)

    def layout(self) -> Layout:
        """True poses of all things; a thing that fell off the table is far below it."""
        return {name: self._pose(name) for name in self.things}

    def observe(self) -> BenchView:
        """Look at the bench; what stands between hides what is behind it, the arm as well."""
        frame = self._camera.render(_T_WORLD_CAMERA, normals=self._noise == "structured light")
        depth_m = frame.depth_m
        if self._noise == "dex":
            depth_m = dex_noise(depth_m, self._rng)
        elif self._noise == "structured light":
            depth_m = StructuredLight().apply(frame, self._rng)
        rng = np.random.default_rng(self._rng.integers(2**63))
        return BenchView(depth_m, _CAMERA, _T_WORLD_CAMERA, np.array(_WORKSPACE_M), 0.0, rng)

    def wait(self, time_s: float) -> None:
        """Let time pass."""
        self.world.step(max(1, round(time_s / self.world.timestep_s)))

    def held(self) -> str | None:
        """The thing that presses on both fingers, as the fingers feel it; None where there is none."""
        hold = self.arm.gripper.hold()
        return next((name for name, body in self.bodies.items() if body.uid in hold.bodies), None)

    def load_n(self, name: str) -> float:
        """Force on a thing from all but the robot and balls, N; on a held one, what a wrist feels besides weight."""
        own = {self.arm.body.uid, *(ball.uid for ball in self.balls)}
        return sum(c.normal_force_n for c in self.world.contacts(self.bodies[name]) if c.body_b not in own)

    def balls_in(self, name: str) -> int:
        """How many balls lie in an open thing."""
        thing, T_thing_world = self.things[name], invert(self._pose(name))
        inside = 0
        for ball in self.balls:
            x, y, z = (T_thing_world @ ball.pose())[:3, 3]
            half = 0.5 * np.array(thing.size_m)
            inside += bool(np.hypot(x, y) < half[:2].max() and abs(z) < half[2] + BALL_RADIUS_M)
        return inside

    def outcome(self) -> Outcome:
        """How the bench stands now, for a task's goals to judge."""
        taken = () if self.taker is None or self.taker.holding is None else (self.taker.holding,)
        hollow = [name for name, thing in self.things.items() if thing.holds]
        return Outcome(layout=self.layout(), balls_in={name: self.balls_in(name) for name in hollow}, taken=taken)

    def close(self) -> None:
        """Free the world."""
        self.world.close()

    def _pose(self, name: str) -> FloatArray:
        return self._painted[name].copy() if name in self._painted else self.bodies[name].pose()

    def _after_step(self) -> None:
        if self.taker is not None and self.taker.holding is None and self.world.steps % _TAKER_LOOKS == 0:
            name = self.held()
            self.taker.watch(None if name is None else self.bodies[name])
        if self.on_step is not None:
            self.on_step()

    def _heap(self, name: str, count: int) -> list[FloatArray]:
        """(3,) places for the balls, in rings that lie on one another."""
        thing, T_world_thing = self.things[name], self._pose(name)
        pitch = 2.1 * BALL_RADIUS_M
        room = 0.5 * min(thing.size_m[:2]) - WALL_M - BALL_RADIUS_M
        rings = [(0.0, 0.0)]
        for ring in range(1, 1 + int(room / pitch)):
            angles = 2.0 * np.pi * np.arange(6 * ring) / (6 * ring)
            rings += [(ring * pitch * float(np.cos(a)), ring * pitch * float(np.sin(a))) for a in angles]
        floor = WALL_M + BALL_RADIUS_M - 0.5 * thing.size_m[2]
        spots = [(*rings[i % len(rings)], floor + pitch * (i // len(rings))) for i in range(count)]
        return [(T_world_thing @ (*spot, 1.0))[:3] for spot in spots]

    def _add_ball(self, at_m: FloatArray) -> Body:
        bullet = self.world.bullet
        shape = bullet.createCollisionShape(bullet.GEOM_SPHERE, radius=BALL_RADIUS_M)
        visual = bullet.createVisualShape(bullet.GEOM_SPHERE, radius=BALL_RADIUS_M, rgbaColor=_BALL_RGBA)
        uid = bullet.createMultiBody(_BALL_KG, shape, visual)
        bullet.changeDynamics(uid, -1, lateralFriction=0.3, rollingFriction=1e-5, linearDamping=0.02)
        return self.world.adopt(uid, "ball", transform(translation=at_m))


def _check(things: Sequence[Thing], layout: Layout, balls: Mapping[str, int]) -> None:
    names = [thing.name for thing in things]
    if not names or len(set(names)) < len(names):
        raise InputError("Workbench", expected="things with names of their own", got=f"{names}")
    missing = [
        name
        for name in names
        if name not in layout or np.shape(layout[name]) != (4, 4) or not np.isfinite(layout[name]).all()
    ]
    if missing:
        raise InputError("Workbench", expected="a finite pose (4, 4) for each thing", got=f"none for {missing}")
    hollow = {thing.name for thing in things if thing.holds}
    if not set(balls) <= hollow:
        raise InputError("Workbench", expected=f"balls in open things, out of {sorted(hollow)}", got=f"{dict(balls)}")
