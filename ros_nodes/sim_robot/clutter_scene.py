"""The clutter benchmark's scenes in the robot cell: a pile on a table, a camera beside it, a bin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from envs.cell import RobotCell
from envs.clutter import Dialect
from envs.objects import ObjectSet
from envs.scenes import Arrangement, SceneObject
from geometry import FloatArray, transform
from ros_nodes.sim_robot.sim_scene import Thing

ViewChange = Literal["fixed", "each_pick"]


class ClutterScene:
    """One round; the same seed and round give the scene that `bench clutter --setting robot` has.

    Args:
        dialect: scene, camera and physics.
        objects: what the scene is made from.
        arrangement: "pile" or "packed".
        seed: of the scene.
        number: of the round under that seed.
        view_change: whether the camera stays, or is moved after each pick, as the benchmark moves it.
    """

    def __init__(
        self,
        dialect: Dialect,
        objects: ObjectSet,
        arrangement: Arrangement,
        *,
        seed: int,
        number: int,
        view_change: ViewChange,
    ) -> None:
        self.seed, self.number, self.view_change = seed, number, view_change
        self.cell = RobotCell(dialect, objects, arrangement, np.random.default_rng([seed, number]))
        self.world, self.arm, self.sensing = self.cell.world, self.cell.arm, dialect
        self.presented = len(self.cell.scene.objects)
        self.T_world_camera: FloatArray = self.cell.simulation.draw_view()
        self._begun_s = self.world.time_s
        self._deliveries = 0
        self._names = _unique_names(self.cell.scene.objects)

    def after_step(self) -> None:
        """See `SimScene.after_step`; nothing moves by itself."""

    def rest(self) -> None:
        """Count what lies in the bin, take away what fell off the table, and move the camera where asked to."""
        self._deliveries += self.cell.sort_out(spared=self._touched) > 0
        if self.view_change == "each_pick":
            self.T_world_camera = self.cell.simulation.draw_view()

    def things(self) -> list[Thing]:
        """See `SimScene.things`; what lies in the bin is put away."""
        return [self._thing(item) for item in self.cell.scene.objects.values()]

    def goals(self) -> Mapping[str, FloatArray]:
        """See `SimScene.goals`; there are none."""
        return {}

    def score(self) -> dict[str, Any]:
        """Objects presented, in the bin, fallen off the table, and left; how often something came to the bin; seconds.

        The seconds are simulated ones since the beginning.
        """
        return {
            "scene": "clutter",
            "seed": self.seed,
            "round": self.number,
            "presented": self.presented,
            "cleared": len(self.cell.placed),
            "deliveries": self._deliveries,
            "lost": self.cell.lost,
            "left": len(self.cell.scene.objects),
            "placed": list(self.cell.placed),
            "robot_s": round(self.world.time_s - self._begun_s, 3),
        }

    def close(self) -> None:
        """See `SimScene.close`."""
        self.cell.close()

    def _touched(self, item: SceneObject) -> bool:
        """Whether the arm has taken it; controllers go on while things settle."""
        return any(item.body.uid in (contact.body_a, contact.body_b) for contact in self.arm.contacts())

    def _thing(self, item: SceneObject) -> Thing:
        lower, upper = item.scale * np.asarray(item.model.collision_mesh().bounds)
        middle = transform(translation=0.5 * (lower + upper))
        return Thing(self._names[item.body.uid], item.body.pose(), middle, upper - lower)


def _unique_names(objects: Mapping[int, SceneObject]) -> dict[int, str]:
    """Body id to name; of several objects of one kind the later ones get a number."""
    seen: Counter[str] = Counter()
    names = {}
    for uid, item in objects.items():
        seen[item.model.name] += 1
        count = seen[item.model.name]
        names[uid] = item.model.name if count == 1 else f"{item.model.name}#{count}"
    return names
