"""A Gymnasium manipulation task's scene, whose arm the robot's controllers drive in place of `env.step`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np

import envs  # noqa: F401 - registers the ids
from envs.clutter import DIALECT_A, Dialect
from envs.manipulation import ManipulationEnv
from geometry import FloatArray, InputError, from_pos_quat
from ros_nodes.sim_robot.sim_scene import Thing


class TaskScene:
    """One episode; the same seed places the same things as `env.reset(seed=seed)`.

    Args:
        env_id: id of a task, such as "graspmimic/PickPlace-v0".
        seed: of the episode is `seed + number`.
        number: of the episode.
        noise: of the depth camera.
    """

    def __init__(self, env_id: str, *, seed: int, number: int, noise: str = "none") -> None:
        self.env_id, self.seed, self.number = env_id, seed, number
        self._env = _make(env_id)
        self._env.reset(seed=seed + number)
        scene = self._scene = self._env.scene
        self.world, self.arm = scene.world, scene.arm.panda
        self.sensing: Dialect = replace(DIALECT_A, depth_noise=noise)  # type: ignore[arg-type]
        self.T_world_camera: FloatArray = self._env.task.camera.T_world_camera
        self._begun_steps = self.world.steps
        self.success = self.success_once = self._succeeded()
        self._env.task.advance(scene)

    def after_step(self) -> None:
        """Once a control period: read everything, judge, and move what moves by itself."""
        if (self.world.steps - self._begun_steps) % self._scene.physics.substeps:
            return
        self._scene.sense()
        self.success = self._succeeded()
        self.success_once = self.success_once or self.success
        self._env.task.advance(self._scene)

    def rest(self) -> None:
        """See `SimScene.rest`; nothing is taken away."""

    def things(self) -> list[Thing]:
        """See `SimScene.things`."""
        return [
            Thing(
                prop.prop.name,
                from_pos_quat(*self.world.bullet.getBasePositionAndOrientation(prop.uid)),
                np.eye(4),
                np.array(prop.prop.size_m),
            )
            for prop in self._scene.props
        ]

    def goals(self) -> Mapping[str, FloatArray]:
        """See `SimScene.goals`; of a goal's numbers those that are places."""
        task = self._env.task
        numbers = dict(zip((entry.name for entry in task.goal_entries), np.asarray(task.goal, float), strict=True))
        names = [name.removesuffix(" x") for name in numbers if name.endswith(" x")]
        axes = {name: [f"{name} {axis}" for axis in "xyz"] for name in names}
        return {
            name: np.array([numbers[axis] for axis in triple])
            for name, triple in axes.items()
            if all(axis in numbers for axis in triple)
        }

    def score(self) -> dict[str, Any]:
        """Whether the task is done as things stand, and whether it was at any time; simulated seconds so far."""
        return {
            "scene": "task",
            "task": self.env_id,
            "seed": self.seed,
            "round": self.number,
            "success": self.success,
            "success_once": self.success_once,
            "robot_s": round((self.world.steps - self._begun_steps) * self.world.timestep_s, 3),
        }

    def close(self) -> None:
        """See `SimScene.close`."""
        self._env.close()

    def _succeeded(self) -> bool:
        task = self._env.task
        return bool(task.succeeded(self._scene, np.array(task.achieved(self._scene), dtype=np.float32)))


def _make(env_id: str) -> ManipulationEnv:
    try:
        env = gymnasium.make(env_id, disable_env_checker=True).unwrapped
    except gymnasium.error.Error as error:
        raise InputError("parameter task", expected="an id such as graspmimic/PickPlace-v0", got=str(error)) from None
    if not isinstance(env, ManipulationEnv):
        env.close()
        raise InputError("parameter task", expected="a manipulation task", got=repr(env_id))
    return env
