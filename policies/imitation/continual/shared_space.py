"""One observation and one action for several tasks: numbers of the same name share a place, a flag says which task.

Tasks see and do different things: Reach has six numbers and no gripper, Stack has forty-nine. The shared vector has a
place for every name that any task knows ("hand position x", "goal cube x", ...), zero where a task lacks it, and one
place more for each task, 1 for the one that is to be done. Actions likewise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from policies.demonstrations.episode import Episode
from policies.demonstrations.set_info import SetInfo
from policies.imitation.data_layout import ACHIEVED, DESIRED, ONLY_KEY, DataLayout
from policies.imitation.policy import Observation

_LEAST_SPREAD = 0.05
"""Share of the width of its bounds below which no number's spread is taken to be: the height of a cube that is only
pushed says nothing of how far it may be lifted."""
_FARTHEST = 5.0
"""Spreads beyond which a number is cut off."""
_TO_GOAL = "to goal"
_ROWS = ("tasks", "seen_names", "action_names", "half_widths")
_TABLES = ("keys", "seen_places", "action_places")

Vector = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class SharedSpace:
    """The places of each task's numbers, and their scales."""

    tasks: tuple[str, ...]
    """In the order of their flags."""
    seen_names: tuple[str, ...]
    """Names of the numbers that are seen, without the flags."""
    action_names: tuple[str, ...]
    """Names of the numbers of an action."""
    keys: Mapping[str, tuple[str, ...]]
    """Keys of each task's own observation, in the order in which they are laid side by side; the achieved goal is
    told elsewhere in it, so the way from it to the goal stands in its place."""
    seen_places: Mapping[str, tuple[int, ...]]
    """Where each task's own numbers go."""
    action_places: Mapping[str, tuple[int, ...]]
    """Where each task's own actions go."""
    half_widths: tuple[float, ...]
    """Of the bounds of each number that is seen; 1 where they are not known."""
    scales: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    """By place: mean and standard deviation in the first task that has it. Later tasks change nothing."""

    @classmethod
    def of(cls, infos: Mapping[str, SetInfo]) -> SharedSpace:
        """The space of these tasks.

        Args:
            infos: by the task's name; vectors only, with named numbers, and actions within -1 and 1.
        Raises:
            InputError: if a task sees images or clouds, or its actions have other bounds.
        """
        seen: dict[str, int] = {}
        acts: dict[str, int] = {}
        widths: list[float] = []
        keys, seen_places, action_places = {}, {}, {}
        for task, info in infos.items():
            own = tuple(info.observation_names)
            if any(len(info.observation_shapes[key]) != 1 or not info.observation_names[key] for key in own):
                raise InputError("SharedSpace", expected=f"named vectors in {task}", got=f"{info.observation_shapes}",
                                 remedy="record the state only")  # fmt: skip
            if {*info.action_low} != {-1.0} or {*info.action_high} != {1.0}:
                raise InputError("SharedSpace", expected=f"actions within -1 and 1 in {task}",
                                 got=f"{info.action_low} to {info.action_high}")  # fmt: skip
            places = []
            for key in own:
                for name, width in zip(info.observation_names[key], _half_widths(info, key), strict=True):
                    full = {DESIRED: f"goal {name}", ACHIEVED: f"{name} {_TO_GOAL}"}.get(key, name)
                    if full not in seen:
                        seen[full] = len(seen)
                        widths.append(width)
                    places.append(seen[full])
            keys[task], seen_places[task] = own, tuple(places)
            action_places[task] = tuple(acts.setdefault(name, len(acts)) for name in info.action_names)
        return cls(
            tasks=tuple(infos), seen_names=tuple(seen), action_names=tuple(acts), keys=keys, seen_places=seen_places,
            action_places=action_places, half_widths=tuple(widths),
        )  # fmt: skip

    @property
    def layout(self) -> DataLayout:
        """What a policy for all tasks sees and does; actions within -1 and 1."""
        ones = (1.0,) * len(self.action_names)
        return DataLayout(
            observations={ONLY_KEY: (self.width,)}, action_low=tuple(-one for one in ones), action_high=ones
        )

    @property
    def width(self) -> int:
        """Numbers that are seen, flags among them."""
        return len(self.seen_names) + len(self.tasks)

    def with_scales_of(self, task: str, episodes: Iterable[Episode]) -> SharedSpace:
        """The same space, in which numbers that are new with this task are scaled by its demonstrations."""
        rows = np.concatenate([self._own(task, episode.observations) for episode in episodes]).astype(np.float64)
        scales = dict(self.scales)
        for column, place in enumerate(self.seen_places[task]):
            if place not in scales:
                spread = max(float(rows[:, column].std()), _LEAST_SPREAD * self.half_widths[place])
                scales[place] = float(rows[:, column].mean()), spread
        return replace(self, scales=scales)

    def observation(self, task: str, observation: Observation) -> dict[str, Vector]:
        """(..., width) what a task's own observation is in the shared space.

        Args:
            task: that is to be done.
            observation: (..., n) by key.
        """
        own = self._own(task, observation)
        places = list(self.seen_places[task])
        shared = np.zeros((*own.shape[:-1], self.width), dtype=np.float32)
        centre, spread = np.array([self.scales[place] for place in places], dtype=np.float32).T
        shared[..., places] = np.clip((own - centre) / spread, -_FARTHEST, _FARTHEST)
        shared[..., len(self.seen_names) + self.tasks.index(task)] = 1.0
        return {ONLY_KEY: shared}

    def action(self, task: str, shared: Vector) -> Vector:
        """(..., A) the task's own action."""
        return shared[..., list(self.action_places[task])]

    def episode(self, task: str, episode: Episode) -> Episode:
        """An episode of a task in the shared space."""
        actions = np.zeros((len(episode), len(self.action_names)), dtype=np.float32)
        actions[:, list(self.action_places[task])] = episode.actions
        return replace(episode, observations=self.observation(task, episode.observations), actions=actions)

    def record(self) -> dict[str, Any]:
        """As JSON holds it."""
        held: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return held

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> SharedSpace:
        """What `record` gave.

        Raises:
            InputError: if it is something else.
        """
        try:
            fields: dict[str, Any] = {name: tuple(record[name]) for name in _ROWS}
            fields |= {name: {task: tuple(row) for task, row in record[name].items()} for name in _TABLES}
            scales = {int(place): (float(mean), float(spread)) for place, (mean, spread) in record["scales"].items()}
            return cls(**fields, scales=scales)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            got = f"{type(error).__name__}: {error}"
            raise InputError("SharedSpace", expected="the record of a space", got=got) from None

    def _own(self, task: str, observation: Mapping[str, NDArray[Any]]) -> Vector:
        """A task's own numbers side by side."""
        if task not in self.keys:
            raise InputError("SharedSpace", expected=f"one of {', '.join(self.tasks)}", got=task)
        keys = self.keys[task]
        if lacking := [key for key in keys if key not in observation]:
            raise InputError(
                "SharedSpace", expected=f"observations {', '.join(keys)} of {task}", got=f"no {lacking[0]}"
            )
        parts = [observation[DESIRED] - observation[key] if key == ACHIEVED else observation[key] for key in keys]
        return np.concatenate(parts, axis=-1).astype(np.float32)


def _half_widths(info: SetInfo, key: str) -> list[float]:
    """Of the bounds of each number; 1 where they are not known."""
    if key not in info.observation_low:
        return [1.0] * len(info.observation_names[key])
    return [(high - low) / 2.0 for low, high in zip(info.observation_low[key], info.observation_high[key], strict=True)]
