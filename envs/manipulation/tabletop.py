"""The world of a task: a table, the arm, the props, and a reset that repeats bit for bit.

`restoreState` alone is not repeatable. Four things make it so: one step before the state is saved, with props
parked where they touch nothing; deterministic overlapping pairs (which `World` sets); pairs of the last episode
that are forgotten (they are not part of the state, and their order decides the last bits); and motor commands
that are sent anew, for Bullet does not restore them (bullet3 issues 2442 and 4364). Nothing is added to or taken
from a world afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from envs.manipulation.arm import START_POSITION_M, WORKSPACE_M, TaskArm
from envs.manipulation.physics import Physics
from envs.manipulation.props import Prop, PropBody
from envs.world import World
from geometry import transform

_TABLE_HALF_M = (0.80, 0.70, 0.05)
_TABLE_MIDDLE_M = (-0.05, 0.0, -0.05)
_TABLE_RGBA = (0.80, 0.78, 0.74, 1.0)
TABLE_FRICTION = 0.5
"""Lateral; Bullet multiplies it with that of what lies on the table."""
_PARKED_M, _PARKED_HEIGHT_M = 0.12, 1.5
_ARM_LINKS = 11
_DEFAULT_GROUP, _ALL_GROUPS = 1, -1
_HELD_ABOVE_TIPS_M = 0.010
_CLOSING_STEPS, _SETTLING_STEPS = 150, 50


class Tabletop:
    """One Bullet world with a Panda at a table whose top is z = 0.

    Args:
        props: what lies on the table.
        physics: time step and solver.
        closed: whether the fingers stay closed.
        start_m: (3,) where the fingertips begin.
        ceiling_m: how high they may be sent.
        build: makes what a task needs besides props, while the world is not yet saved.
    """

    def __init__(
        self,
        props: Sequence[Prop],
        physics: Physics,
        *,
        closed: bool,
        start_m: Sequence[float] = START_POSITION_M,
        ceiling_m: float = WORKSPACE_M[1][2],
        build: Callable[[Tabletop], Any] | None = None,
    ) -> None:
        self.physics = physics
        self.world = World(timestep_s=physics.timestep_s, solver_iterations=physics.solver_iterations)
        self.table = self.world.add_box(
            _TABLE_HALF_M, transform(translation=_TABLE_MIDDLE_M), color=_TABLE_RGBA, name="table"
        )
        self.world.bullet.changeDynamics(self.table.uid, -1, lateralFriction=TABLE_FRICTION)
        self.arm = TaskArm(self.world, physics.control_period_s, closed=closed, start_m=start_m, ceiling_m=ceiling_m)
        self.props = [
            PropBody(self.world, prop, (0.1, _PARKED_M * (i - 1), _PARKED_HEIGHT_M)) for i, prop in enumerate(props)
        ]
        for prop in self.props:
            self.world.bullet.changeDynamics(prop.uid, -1, lateralFriction=prop.prop.friction)
        self._contacts = self.world.bullet.getContactPoints
        self.built: Any = None if build is None else build(self)
        """What `build` returned; a task keeps here what belongs to the world and not to an episode."""
        self._set_filter = self.world.bullet.setCollisionFilterGroupMask
        self._movers = [(self.arm.uid, link) for link in range(_ARM_LINKS)] + [(prop.uid, -1) for prop in self.props]
        self.world.step()
        self._saved: int = self.world.bullet.saveState()
        self._held: list[int] = []

    def restore(self) -> None:
        """Back to the start posture, everything at rest where it was first."""
        self.world.bullet.restoreState(self._saved)
        self._forget_contacts()
        self.arm.rest()

    def save_held(self) -> None:
        """Make, for each prop, the state in which the fingers hold it at the start posture; see `restore_held`."""
        for prop in self.props:
            self.restore()
            x, y, z = self.arm.state.position
            self.arm.set_opening(0.0)
            for _ in range(_CLOSING_STEPS):
                prop.place((x, y, z + _HELD_ABOVE_TIPS_M))
                self.world.step()
            self.world.step(_SETTLING_STEPS)
            self._held.append(self.world.bullet.saveState())
        self.restore()

    def restore_held(self, index: int) -> None:
        """Back to the start posture with one prop between the closed fingers, the others where they were first."""
        self.world.bullet.restoreState(self._held[index])
        self._forget_contacts()
        self.arm.rest(0.0)

    def _forget_contacts(self) -> None:
        """Let Bullet find all pairs of the arm and the props anew: setting a filter, if only to what it was, does that.

        Pairs of the last episode would stay for a while, with the order in which contacts are solved.
        """
        for uid, link in self._movers:
            self._set_filter(uid, link, _DEFAULT_GROUP, _ALL_GROUPS)

    def step(self) -> None:
        """Simulate one control period and read everything."""
        self.world.step(self.physics.substeps)
        self.sense()

    def sense(self) -> None:
        """Read the arm and the props."""
        self.arm.sense()
        for prop in self.props:
            prop.sense()

    def held(self, prop: PropBody) -> bool:
        """Whether both fingers touch a prop."""
        return all(self._contacts(self.arm.uid, prop.uid, finger) for finger in (9, 10))

    def close(self) -> None:
        """Free the world; twice is harmless."""
        self.world.close()
