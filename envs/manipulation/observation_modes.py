"""What a policy gets to see: state, images, clouds, or a mixture, with the goal beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.manipulation.action_modes import ActionMode
from envs.manipulation.camera_settings import CameraSettings
from envs.manipulation.delays import DelayLine
from envs.manipulation.entries import box
from envs.manipulation.state_faults import StateFaults
from envs.manipulation.state_reading import StateReading
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.task import Task
from envs.manipulation.variation import Variation
from geometry import InputError

if TYPE_CHECKING:
    from envs.manipulation.policy_view import PolicyView

_PARTS = {"state": (), "depth": ("depth",), "rgb": ("rgb",), "rgbd": ("rgb", "depth"), "pointcloud": ("pointcloud",)}
"""What a name in `observation` adds to the state's vector."""


class Observer:
    """Builds the observations of one environment.

    The parts are "state", "depth", "rgb", "rgbd" and "pointcloud", or several joined by "+". A Dict holds

    | key | shape | what |
    |---|---|---|
    | observation | (n,) float32 | `state.entries`: all of the state where "state" is asked for, else the arm alone |
    | achieved_goal, desired_goal | (G,) float32 | where the task has a goal |
    | depth | (1, H, W) uint8 | depth from near to far, see `CameraSettings.metres` for float32 metres |
    | rgb | (3, H, W) uint8 | colour |
    | pointcloud | (points * 3,) float32 | x, y, z of the first point, then of the next; `reshape(-1, 3)` |

    "state" alone on a task without a goal is a bare vector. Images are channels first and clouds flat, which is
    what Stable-Baselines3 takes as they are.

    Goals are never delayed or faulty, for the reward must be `compute_reward` of what stands beside it. So
    `achieved_goal` tells where things really are, even beside images: hindsight replay needs it; a policy that
    shall live on its camera must not be given it.

    Args:
        observation: parts joined by "+".
        task: what is done.
        mode: how the arm is moved.
        variation: worlds, delays and sensors' faults of the running episode.
        camera: what images and clouds are seen with.
    """

    def __init__(
        self, observation: str, task: Task, mode: ActionMode, variation: Variation, camera: CameraSettings
    ) -> None:
        names = observation.split("+")
        parts = [part for name in names for part in _PARTS.get(name, ())]
        if not set(names) <= _PARTS.keys() or len(set(names)) < len(names) or len(set(parts)) < len(parts):
            raise InputError(
                "observation", expected=f"different ones of {', '.join(_PARTS)} joined by '+'", got=repr(observation)
            )
        self.state = StateReading(task, mode, perceived="state" in names)
        self._task, self._variation = task, variation
        self._goal_box = box(task.goal_entries) if task.goal_entries else None
        self._view = _view(parts, camera, variation) if parts else None
        faults = variation.randomization
        props = [prop.name for prop in task.props]
        self._faults = (
            StateFaults(self.state.entries, self.state.own, props, faults)
            if faults is not None and faults.state_faults and "state" in names
            else None
        )
        self._line: DelayLine[dict[str, NDArray[Any]]] | None = None
        self.space = self._make_space()

    def begin(self, scene: Tabletop, achieved: NDArray[np.float32]) -> Any:
        """The first observation of an episode."""
        draw = self._variation.draw
        if self._view is not None:
            self._view.begin(scene)
        if self._faults is not None:
            self._faults.begin(draw)
        seen = self._seen(scene)
        self._line = DelayLine(draw.observation_delay, seen) if draw.observation_delay else None
        return self._completed(_copied(seen) if self._line else seen, achieved)

    def observe(self, scene: Tabletop, achieved: NDArray[np.float32]) -> Any:
        """The observation as things stand, or stood where it is late."""
        seen = self._seen(scene)
        if self._line is not None:
            seen = _copied(self._line.push(seen))
        return self._completed(seen, achieved)

    def _seen(self, scene: Tabletop) -> dict[str, NDArray[Any]]:
        """State and views now, as the sensors give them."""
        reading = self.state.read(scene)
        if self._faults is not None:
            reading = self._faults.apply(reading, self._variation.noise)
        if self._view is None:
            return {"observation": reading}
        return {"observation": reading, **self._view.see(scene)}

    def _completed(self, seen: dict[str, NDArray[Any]], achieved: NDArray[np.float32]) -> Any:
        """The observation with the goals, in the order of the space."""
        if self._goal_box is not None:
            low, high = self._goal_box.low, self._goal_box.high
            seen["achieved_goal"] = np.minimum(np.maximum(achieved, low), high)
            seen["desired_goal"] = self._task.goal.copy()
        return seen["observation"] if self._bare else seen

    @property
    def _bare(self) -> bool:
        return self._goal_box is None and self._view is None

    def _make_space(self) -> spaces.Space[Any]:
        if self._bare:
            return self.state.space
        parts: dict[str, spaces.Space[Any]] = {"observation": self.state.space}
        if self._view is not None:
            parts |= self._view.spaces()
        if self._goal_box is not None:
            parts |= {"achieved_goal": box(self._task.goal_entries), "desired_goal": box(self._task.goal_entries)}
        return spaces.Dict(parts)


def _view(parts: list[str], camera: CameraSettings, variation: Variation) -> PolicyView:
    from envs.manipulation.policy_view import PolicyView  # Open3D doubles the time that an import takes

    return PolicyView(parts, camera, variation)


def _copied(seen: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """A delayed observation may be handed out twice."""
    return {name: view.copy() for name, view in seen.items()}
