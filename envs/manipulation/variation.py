"""The worlds of one environment, and the running episode's draw applied to them.

A shape cannot change in a live Bullet world without spoiling resets that repeat bit for bit, so every
size has its own world. Masses and frictions are no part of a saved state: they are set anew for every episode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from envs.manipulation.delays import DelayLine
from envs.manipulation.physics import Physics
from envs.manipulation.props import Prop
from envs.manipulation.randomization import DEFAULT, Draw, Randomization
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.task import Task

_STREAMS = 1 << 63


class Variation:
    """What was drawn for the running episode, and its world.

    Every episode takes one number from the environment's generator, whatever varies, and draws the rest
    from a generator of its own. So a seed gives the same tasks and goals with and without randomisation,
    and in every observation mode.

    Args:
        randomization: what varies; None varies nothing.
        task: what is done.
        physics: how finely the worlds are simulated.
        held: whether episodes may begin with a prop in the hand.
    """

    def __init__(
        self, randomization: Randomization | None, task: Task, physics: Physics, *, held: bool = False
    ) -> None:
        self.randomization = randomization
        self.draw: Draw = DEFAULT
        self._task, self._physics, self._held = task, physics, held
        self._sizes = randomization.size_factors if randomization else (1.0,)
        self._worlds: dict[int, Tabletop] = {}
        self._size = len(self._sizes) // 2
        self._table_rgba = (1.0, 1.0, 1.0, 1.0)
        self._seed = 0
        self._noise: np.random.Generator | None = None
        self._actions: DelayLine[list[float]] | None = None

    @property
    def scene(self) -> Tabletop:
        """The world of the running episode; it is made when first asked for."""
        scene = self._worlds.get(self._size)
        if scene is None:
            props = [_scaled(prop, self._sizes[self._size]) for prop in self._task.props]
            task = self._task
            scene = Tabletop(
                props,
                self._physics,
                closed=task.closed,
                start_m=task.start_m,
                ceiling_m=task.ceiling_m,
                build=task.build,
            )
            if self._held:
                scene.save_held()
            self._worlds[self._size] = scene
            self._table_rgba = scene.world.bullet.getVisualShapeData(scene.table.uid)[0][7]
        return scene

    @property
    def noise(self) -> np.random.Generator:
        """Draws what varies, then the sensors' noise, in the running episode."""
        if self._noise is None:
            self._noise = np.random.default_rng(self._seed)
        return self._noise

    def begin(self, rng: np.random.Generator) -> Tabletop:
        """Draw for a new episode, and give its world in its start state."""
        self._seed, self._noise = int(rng.integers(_STREAMS)), None
        if self.randomization is None:
            scene = self.scene
            scene.restore()
            return scene
        self.draw = self.randomization.draw(self.noise, len(self._task.props))
        self._size, self._actions = self.draw.size, None
        scene = self.scene
        scene.restore()
        _set_dynamics(scene, self.draw)
        if self.randomization.color > 0.0:
            self._paint(scene)
        return scene

    def delayed(self, action: list[float]) -> list[float]:
        """The action that takes effect now."""
        if self.randomization is None:
            return action
        if self._actions is None:
            self._actions = DelayLine(self.draw.action_delay, self._staying(action))
        arrived = self._actions.push(action)
        arm = len(action) - (not self._task.closed)
        gain = self.draw.action_gain
        return [gain * a for a in arrived[:arm]] + arrived[arm:]

    def close(self) -> None:
        """Free the worlds; twice is harmless."""
        for scene in self._worlds.values():
            scene.close()
        self._worlds.clear()

    def _paint(self, scene: Tabletop) -> None:
        """Give props and table their default colours, changed by the draw."""
        things = [(prop.uid, prop.prop.rgba) for prop in scene.props] + [(scene.table.uid, self._table_rgba)]
        for (uid, (*rgb, alpha)), change in zip(things, self.draw.colors, strict=True):
            mixed = [min(max(c + d, 0.0), 1.0) for c, d in zip(rgb, change, strict=True)]
            scene.world.bullet.changeVisualShape(uid, -1, rgbaColor=[*mixed, alpha])

    def _staying(self, action: Sequence[float]) -> list[float]:
        """The action that leaves the robot as it is at the start of an episode: still, and open if it can be."""
        still = [0.0] * len(action)
        if not self._task.closed:
            still[-1] = 1.0
        return still


def _scaled(prop: Prop, factor: float) -> Prop:
    x, y, z = prop.size_m
    return prop if factor == 1.0 else replace(prop, size_m=(factor * x, factor * y, factor * z))


def _set_dynamics(scene: Tabletop, draw: Draw) -> None:
    """Give every prop its default mass and friction times the draw's factors; what is fixed stays fixed."""
    change = scene.world.bullet.changeDynamics
    for body, mass, friction in zip(scene.props, draw.masses, draw.frictions, strict=True):
        prop = body.prop
        change(body.uid, -1, mass=mass * prop.mass_kg, lateralFriction=friction * prop.friction)
