"""The Gymnasium environment that every manipulation task runs in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.manipulation.action_modes import GRIPPER, action_mode, opening
from envs.manipulation.camera_settings import CameraSettings
from envs.manipulation.entries import Entry, box
from envs.manipulation.observation_modes import Observer
from envs.manipulation.physics import Physics
from envs.manipulation.randomization import Randomization
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.task import Task
from envs.manipulation.variation import Variation
from envs.pickling import PickledByArguments
from geometry import InputError

if TYPE_CHECKING:
    from envs.manipulation.rendering import Renderer

Observation = dict[str, NDArray[Any]] | NDArray[Any]


class ManipulationEnv(gymnasium.Env[Any, NDArray[Any]], PickledByArguments):
    """A Panda at a table with a task; it never terminates, the registered time limit truncates.

    With a goal the observation is a Dict of `observation`, `achieved_goal` and `desired_goal`, and
    `compute_reward` is what hindsight replay needs. `info` holds `is_success` (as things stand),
    `success_once` (at any step so far) and `reward/<term>`.

    Args:
        task: what is to be done.
        observation: "state", or images and clouds, or a mixture joined by "+" (see `Observer`).
        action: "position", "position_yaw", "pose", "joint_velocity" or "joint_position".
        reward: "sparse" (0 when done, else -1) or "dense" (the task's named terms).
        randomization: what varies between episodes; None varies nothing.
        camera: what images and clouds of the observation are seen with; None is the task's own.
        physics: how finely the world is simulated.
        head_starts: share of episodes that begin with a part of the work done, for example with an object in the
            hand; for training, never for evaluation.
        render_mode: None, "rgb_array" or "human".
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array", "human"], "render_fps": 25}

    def __init__(
        self,
        task: Task,
        *,
        observation: str = "state",
        action: str = "position",
        reward: str = "sparse",
        randomization: Randomization | None = None,
        camera: CameraSettings | None = None,
        physics: Physics | None = None,
        head_starts: float = 0.0,
        render_mode: str | None = None,
    ) -> None:
        if reward not in ("sparse", "dense"):
            raise InputError("reward", expected="'sparse' or 'dense'", got=repr(reward))
        for name, value, kind in (("randomization", randomization, Randomization), ("physics", physics, Physics)):
            if value is not None and not isinstance(value, kind):
                raise InputError(name, expected=f"a {kind.__name__} or None", got=repr(value))
        if not 0.0 <= head_starts <= 1.0:
            raise InputError("head_starts", expected="a share, 0 to 1", got=f"{head_starts}")
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise InputError("render_mode", expected="None, 'rgb_array' or 'human'", got=repr(render_mode))
        self.task = task
        self.mode = action_mode(action)
        self.dense = reward == "dense"
        self.head_starts = head_starts
        self.render_mode = render_mode
        self.physics = physics or Physics()
        if self.physics != Physics():
            self.metadata = self.metadata | {"render_fps": round(1.0 / self.physics.control_period_s)}
        self.action_entries: tuple[Entry, ...] = (*self.mode.entries, *(() if task.closed else (GRIPPER,)))
        self.action_space = box(self.action_entries)
        self._variation = Variation(randomization, task, self.physics, held=head_starts > 0.0)
        self._observer = Observer(observation, task, self.mode, self._variation, camera or task.camera)
        self.observation_space = self._observer.space
        self._goal_box = box(task.goal_entries)
        self._renderer: Renderer | None = None
        self._success_once = False

    @property
    def scene(self) -> Tabletop:
        """The world of the running episode; it is made when first asked for."""
        return self._variation.scene

    @property
    def state_entries(self) -> tuple[Entry, ...]:
        """What the numbers of the state observation mean."""
        return self._observer.state.entries

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; without a seed the stream of random numbers goes on."""
        super().reset(seed=seed)
        scene = self._variation.begin(self.np_random)
        if self.head_starts and self.np_random.random() < self.head_starts:
            self.task.begin_ahead(scene, self.np_random)
        else:
            self.task.begin(scene, self.np_random, turned=self.mode.turns)
        scene.sense()
        self._success_once = False
        achieved = self._achieved()
        success = self.task.succeeded(scene, achieved)
        self._success_once = success
        observation = self._observer.begin(scene, achieved)
        self._show()
        return observation, {"is_success": success, "success_once": success}

    def step(self, action: ArrayLike) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Act for one control period."""
        numbers = self._checked(action)
        numbers = self._variation.delayed(numbers)
        scene = self._variation.scene
        self.task.advance(scene)
        self.mode.move(scene.arm, numbers)
        if not self.task.closed:
            scene.arm.set_opening(opening(numbers[-1]))
        scene.step()
        achieved = self._achieved()
        success = self.task.succeeded(scene, achieved)
        self._success_once = self._success_once or success
        info: dict[str, Any] = {"is_success": success, "success_once": self._success_once}
        reward = self._rewarded(achieved, success, info)
        observation = self._observer.observe(scene, achieved)
        self._show()
        return observation, reward, False, False, info

    @property
    def compute_reward(self) -> Callable[[ArrayLike, ArrayLike, Any], Any]:
        """The reward for other goals; absent without a goal, for whoever has it counts as a task with goals.

        Args:
            achieved_goal: (..., G).
            desired_goal: (..., G).
            info: the step's `info`, or an array of them; only dense rewards with terms of the scene need it.

        Returns:
            (...) float32, or a float for a single goal.
        """
        if not self.task.goal_entries:
            raise AttributeError(f"{type(self.task).__name__} has no goal, hence no compute_reward")
        return self._reward_of

    def _reward_of(self, achieved_goal: ArrayLike, desired_goal: ArrayLike, info: Any) -> Any:
        achieved, desired = np.asarray(achieved_goal), np.asarray(desired_goal)
        if not self.dense:
            reward = self.task.reached(achieved, desired) - 1.0
        else:
            achieved, desired = achieved.astype(np.float64), desired.astype(np.float64)
            reward = sum(t.weight * t.value(achieved, desired) for t in self.task.goal_terms) + self._scene_part(info)
        return float(reward) if np.ndim(reward) == 0 else np.asarray(reward, dtype=np.float32)

    def compute_terminated(self, achieved_goal: ArrayLike, desired_goal: ArrayLike, info: Any) -> bool:
        """Never."""
        return False

    def compute_truncated(self, achieved_goal: ArrayLike, desired_goal: ArrayLike, info: Any) -> bool:
        """Only the time limit truncates."""
        return False

    def render(self) -> Any:
        """(H, W, 3) uint8 picture in the mode "rgb_array"; in the mode "human" the window follows by itself."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() was called without a render_mode; pass render_mode='rgb_array' to make()")
            return None
        return self._picture() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Free the world and the window; twice is harmless."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
        self._variation.close()

    def _achieved(self) -> NDArray[np.float32]:
        achieved = np.array(self.task.achieved(self._variation.scene), dtype=np.float32)
        return np.minimum(np.maximum(achieved, self._goal_box.low), self._goal_box.high)

    def _rewarded(self, achieved: NDArray[np.float32], success: bool, info: dict[str, Any]) -> float:
        """The step's reward; puts its terms into `info`."""
        if not self.dense:
            info["reward/success"] = reward = float(success) - 1.0
            return reward
        scene, task = self._variation.scene, self.task
        scene_part = 0.0
        for term in task.scene_terms:
            info[f"reward/{term.name}"] = value = term.weight * term.value(scene)
            scene_part += value
        for goal_term in task.goal_terms:
            info[f"reward/{goal_term.name}"] = goal_term.weight * float(goal_term.value(achieved, task.goal))
        if task.scene_terms:
            info["reward_of_scene"] = scene_part
        return float(self._reward_of(achieved, task.goal, info))

    def _scene_part(self, info: Any) -> Any:
        if not self.task.scene_terms:
            return 0.0
        try:
            if isinstance(info, dict):
                return info["reward_of_scene"]
            return np.array([one["reward_of_scene"] for one in info], dtype=np.float64)
        except KeyError:
            raise InputError(
                "compute_reward",
                expected="infos with 'reward_of_scene', which this dense reward needs",
                got="infos without it",
                remedy="pass HerReplayBuffer(copy_info_dict=True), or use reward='sparse'",
            ) from None

    def _checked(self, action: ArrayLike) -> list[float]:
        numbers = np.asarray(action, dtype=np.float64)
        found = numbers.tolist()
        if numbers.shape != self.action_space.shape or not all(map(math.isfinite, found)):
            raise InputError(
                "step", expected=f"{len(self.action_entries)} finite numbers", got=f"{np.asarray(action).tolist()}"
            )
        return [min(max(number, -1.0), 1.0) for number in found]

    def _picture(self) -> NDArray[np.uint8]:
        if self._renderer is None:
            from envs.manipulation.rendering import Renderer  # Open3D doubles the time that an import takes

            self._renderer = Renderer(self.metadata["render_fps"])
        return self._renderer.picture(self._variation.scene, self.task)

    def _show(self) -> None:
        if self.render_mode == "human":
            picture = self._picture()
            assert self._renderer is not None
            self._renderer.show(picture)
