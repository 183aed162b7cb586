"""Makes the scenes that the settings ask for, one round after another."""

from __future__ import annotations

from typing import Any

from envs.clutter import dialect
from envs.objects import ObjectSet, load_objects
from geometry import InputError
from ros_nodes.sim_robot.clutter_scene import ClutterScene
from ros_nodes.sim_robot.settings import SimRobotSettings
from ros_nodes.sim_robot.sim_scene import SimScene
from ros_nodes.sim_robot.task_scene import TaskScene

_CHOICE = (
    "scene", "seed", "round", "dialect", "arrangement", "objects", "object_scale", "object_names", "view", "task",
)  # fmt: skip
_SOURCE = ("objects", "object_scale", "object_names")


class SceneMaker:
    """Knows which round is next, and keeps the object set that was loaded last."""

    def __init__(self) -> None:
        self._chosen: tuple[Any, ...] = ()
        self._number = 0
        self._source: tuple[Any, ...] = ()
        self._objects: ObjectSet | None = None

    def make_first(self, settings: SimRobotSettings) -> SimScene:
        """The scene of the settings' seed and round.

        Raises:
            InputError: where the settings name objects or a task that do not exist.
        """
        return self._make(settings, settings.round)

    def make_next(self, settings: SimRobotSettings) -> SimScene:
        """The next round; where the settings of the scene have changed, the one that they name.

        Raises:
            InputError: see `make_first`.
        """
        same = self._chosen == _values(settings, _CHOICE)
        return self._make(settings, self._number + 1 if same else settings.round)

    def _make(self, settings: SimRobotSettings, number: int) -> SimScene:
        scene: SimScene
        if settings.scene == "task":
            noise = "none" if settings.depth_noise == "scene" else settings.depth_noise
            scene = TaskScene(settings.task, seed=settings.seed, number=number, noise=noise)
        else:
            scene = ClutterScene(
                dialect(settings.dialect),
                self._load(settings),
                settings.arrangement,  # type: ignore[arg-type]
                seed=settings.seed,
                number=number,
                view_change=settings.view,  # type: ignore[arg-type]
            )
        self._chosen, self._number = _values(settings, _CHOICE), number
        return scene

    def _load(self, settings: SimRobotSettings) -> ObjectSet:
        source = _values(settings, _SOURCE)
        if self._objects is None or source != self._source:
            loaded = load_objects(settings.objects, scale=settings.object_scale)
            self._objects, self._source = _only(loaded, settings.object_names), source
        return self._objects


def _only(objects: ObjectSet, names: tuple[str, ...]) -> ObjectSet:
    if not names:
        return objects
    models = tuple(model for model in objects if model.name in names)
    if not models:
        raise InputError(
            "parameter object_names", expected=f"names of objects of {objects.name}, such as {objects[0].name}",
            got=f"{list(names)}",
        )  # fmt: skip
    return ObjectSet(objects.name, models)


def _values(settings: SimRobotSettings, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(getattr(settings, name) for name in names)
