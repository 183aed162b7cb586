"""What the robot must keep clear of: the table, and the things where it believes them to be."""

from __future__ import annotations

from collections.abc import Collection

from envs.panda import PathCollision
from envs.workbench import Layout, Workbench, add_thing
from envs.world import Body, World


class BenchModel:
    """A private copy of the bench for collision checks; the simulated bench itself is never asked.

    Args:
        bench: its arm's base, its table, and the shapes of its things.
    """

    def __init__(self, bench: Workbench) -> None:
        self.collision = PathCollision(bench.arm.T_world_base)
        """The checks."""
        self.collision.add_body(bench.table)
        self._things = {thing.name: thing for thing in bench.things.values() if not thing.fixed}
        self._shapes = World()
        self._bodies: dict[str, Body] = {}
        self._obstacles: dict[str, int] = {}

    def believe(self, layout: Layout, leave_out: Collection[str] = ()) -> None:
        """Put all things where they are believed to be, except those that shall be left out."""
        for uid in self._obstacles.values():
            self.collision.remove(uid)
        self._obstacles.clear()
        for name, thing in self._things.items():
            if name in leave_out or name not in layout:
                continue
            if name not in self._bodies:
                self._bodies[name] = add_thing(self._shapes, thing, layout[name])
            self._bodies[name].set_pose(layout[name])
            self._obstacles[name] = self.collision.add_body(self._bodies[name])

    def obstacle(self, name: str) -> int | None:
        """Id of a thing among the obstacles; None where it was left out."""
        return self._obstacles.get(name)

    def close(self) -> None:
        """Free the private worlds."""
        self.collision.close()
        self._shapes.close()
