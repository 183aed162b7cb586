"""Handover: take a stick from a moving hand and bring it home."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.manipulation.entries import Entry, vector
from envs.manipulation.environment import ManipulationEnv
from envs.manipulation.giver import OPEN_RAD, Giver, leaning, turned
from envs.manipulation.goals import at_goal, near_goal, position_entries
from envs.manipulation.props import Prop
from envs.manipulation.reaching import ReachingMotion
from envs.manipulation.rewards import TIME, GoalTerm, SceneTerm, apart, grasped, near
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.tasks.bring import Bring
from geometry import FloatArray

_STICK = Prop(name="stick", size_m=(0.03, 0.03, 0.16), rgba=(0.15, 0.55, 0.35, 1.0))
_HOME_M = ((0.48, -0.25, 0.10), (0.56, 0.25, 0.22))
_OFFER_M = ((0.02, -0.14, 0.12), (0.14, 0.14, 0.20))
_GOAL_M = ((-0.22, -0.20, 0.10), (-0.10, 0.20, 0.25))
_LEAN_RAD, _YAW_RAD = 0.12, 0.6
_SWAY_M, _SWAY_HZ = (0.003, 0.012), (0.2, 0.6)
_ARRIVES_S, _STAYS_S, _SHIFTS_S, _WITHDRAWS_S = (1.0, 1.5), (0.3, 1.0), (0.7, 1.1), 1.4
_TRUSTS_AFTER = 5
"""The giver lets go after so many steps in which both fingers touched: 0.2 s, the time people take to react."""
_TORN_M = 0.04
_OPENS_RAD = 0.2
"""In one step."""


class Handover(Bring):
    """A person's hand comes from the far side with a stick in its fist and offers the stick's upper end.

    It reaches for a place before the robot, waits, shifts to another, and sways all the while. It lets go when
    both fingers have touched the stick for 0.2 s, or when the stick was torn out of it, and withdraws.

    Besides the goal, the task holds the running episode's motion of the giver: `giver_m` is the (3,) middle of
    the fist, `released` whether it has let go.
    """

    props = (_STICK,)
    goal_entries = position_entries("stick")
    goal_terms = (GoalTerm("stick near goal", 0.4, near_goal), GoalTerm("stick at goal", 0.2, at_goal))
    scene_terms = (
        SceneTerm("hand near free end", 0.2, lambda scene: near(apart(scene.arm.state.position, free_end(scene)))),
        SceneTerm("grasped", 0.2, grasped(0)),
        SceneTerm("touches the giver", -0.2, lambda scene: float(_giver(scene).touched_by(scene.arm.uid))),
        TIME,
    )

    def __init__(self) -> None:
        super().__init__()
        self.released = False
        self._touched = 0
        self._time_s = self._open_rad = 0.0
        self._plan: list[tuple[float, FloatArray, float]] = []
        self.giver_m: FloatArray = np.zeros(3)

    def build(self, scene: Tabletop) -> Giver:
        """See `Task.build`."""
        return Giver(scene.world, scene.props[0])

    def begin(self, scene: Tabletop, rng: np.random.Generator, *, turned: bool) -> None:
        """See `Task.begin`."""
        self.goal = rng.uniform(*_GOAL_M).astype(np.float32)
        self.released, self._touched, self._time_s, self._open_rad = False, 0, 0.0, 0.0
        self._home_m, offer, other = rng.uniform(*_HOME_M), rng.uniform(*_OFFER_M), rng.uniform(*_OFFER_M)
        yaw, (pitch, roll) = rng.uniform(-_YAW_RAD, _YAW_RAD), rng.uniform(-_LEAN_RAD, _LEAN_RAD, 2)
        self._quat = leaning(yaw if turned else 0.0, pitch, roll)
        self._motion = ReachingMotion(
            self._home_m, rng.uniform(*_SWAY_M, 3), rng.uniform(*_SWAY_HZ, 3), rng.uniform(-np.pi, np.pi, 3)
        )
        arrives, stays, shifts = rng.uniform(*_ARRIVES_S), rng.uniform(*_STAYS_S), rng.uniform(*_SHIFTS_S)
        self._plan = [(0.0, offer, arrives), (arrives + stays, other, shifts)]
        self.giver_m, self._giver_ms = self._motion.at(0.0)
        _giver(scene).present(self.giver_m.tolist(), self._quat)

    def advance(self, scene: Tabletop) -> None:
        """Move the giver by one control period; see `Task.advance`."""
        giver = _giver(scene)
        if not self.released:
            self._touched = self._touched + 1 if scene.held(giver.prop) else 0
            if self._touched >= _TRUSTS_AFTER or giver.slipped_m(self.giver_m.tolist()) > _TORN_M:
                self.released = True
                giver.let_go()
                self._plan = [(self._time_s, self._home_m, _WITHDRAWS_S)]
        while self._plan and self._time_s >= self._plan[0][0]:
            _, place, takes = self._plan.pop(0)
            self._motion.go_to(place, self._time_s, takes)
        self._time_s += scene.physics.control_period_s
        self.giver_m, self._giver_ms = self._motion.at(self._time_s)
        if self.released:
            self._open_rad = min(self._open_rad + _OPENS_RAD, OPEN_RAD)
            giver.move(self.giver_m.tolist(), self._quat, self._open_rad)
        else:
            giver.hold(self.giver_m.tolist(), self._quat)

    def extra_entries(self) -> tuple[Entry, ...]:
        """The giver's hand."""
        return (
            *vector("giver position", (-0.5, -0.5, 0.0), (0.7, 0.5, 0.6), "m"),
            *vector("giver velocity", -2.0, 2.0, "m/s"),
            Entry("giver has let go", 0.0, 1.0, "-"),
        )

    def extra(self, scene: Tabletop) -> list[float]:
        """See `extra_entries`."""
        return [*self.giver_m.tolist(), *self._giver_ms.tolist(), float(self.released)]


class HandoverEnv(ManipulationEnv):
    """Take a stick from a person's moving hand and bring it within 5 cm of a point near the robot."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Handover(), **options)


def free_end(scene: Tabletop) -> tuple[float, float, float]:
    """(3,) the middle of the stick's upper end, m."""
    stick = scene.props[0]
    x, y, z = turned(stick.state.quat_xyzw, (0.0, 0.0, stick.prop.half_height_m))
    px, py, pz = stick.state.position
    return px + x, py + y, pz + z


def _giver(scene: Tabletop) -> Giver:
    giver: Giver = scene.built
    return giver
