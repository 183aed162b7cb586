"""What all episodes of a set have in common: where they were played, and what their numbers mean."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from geometry import InputError
from policies.demonstrations.episode import Episode

if TYPE_CHECKING:
    import gymnasium


@dataclass(frozen=True, kw_only=True)
class SetInfo:
    """Names, shapes and bounds; what is written into `dataset.json`.

    Raises:
        InputError: where they do not fit each other.
    """

    env: str = ""
    """Id such as "graspmimic/PickPlace-v0"; empty where there is none."""
    env_options: Mapping[str, Any] = field(default_factory=dict)
    """What `gymnasium.make` takes beside the id, as JSON can hold it."""
    rate_hz: float
    """Steps a second."""
    action_names: tuple[str, ...]
    """(A,) what each number of an action is."""
    action_low: tuple[float, ...] = ()
    """(A,) least actions; empty where they are not known."""
    action_high: tuple[float, ...] = ()
    """(A,) greatest actions; empty where they are not known."""
    observation_names: Mapping[str, tuple[str, ...]]
    """What each number of a vector is, by key; empty for clouds and images."""
    observation_shapes: Mapping[str, tuple[int, ...]]
    """Of one observation, by key."""
    observation_dtypes: Mapping[str, str]
    """NumPy's name of the type, by key."""
    observation_low: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Least values of the vectors whose bounds are known, by key."""
    observation_high: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Greatest values of the same."""

    def __post_init__(self) -> None:
        where, width = "SetInfo", len(self.action_names)
        if not (math.isfinite(self.rate_hz) and self.rate_hz > 0):
            raise InputError(where, expected="rate_hz above 0", got=f"{self.rate_hz}")
        if not width or {len(self.action_low), len(self.action_high)} not in ({0}, {width}):
            got = f"{width} names, {len(self.action_low)} and {len(self.action_high)} bounds"
            raise InputError(where, expected="names of the actions, and bounds of all or of none", got=got)
        keys = self.observation_shapes.keys()
        if not keys or keys != self.observation_names.keys() or keys != self.observation_dtypes.keys():
            raise InputError(where, expected="names, shapes and types of the same observations", got=f"{list(keys)}")
        bounds = (self.observation_low, self.observation_high)
        for key, names in self.observation_names.items():
            for said in (names, *(table[key] for table in bounds if key in table)):
                if said and (len(said),) != self.observation_shapes[key]:
                    expected = f"{self.observation_shapes[key]} names and bounds of {key}"
                    raise InputError(where, expected=expected, got=f"{len(said)}")
        if bounds[0].keys() != bounds[1].keys() or not bounds[0].keys() <= keys:
            raise InputError(where, expected="both bounds of an observation", got=f"{[list(b) for b in bounds]}")

    @classmethod
    def of_env(cls, env: gymnasium.Env[Any, Any]) -> SetInfo:
        """Of an environment with its time limit, as `gymnasium.make` gives it."""
        from policies.demonstrations.env_info import info_of_env  # it opens the simulator, which readers can do without

        return info_of_env(env)

    @classmethod
    def of_episode(cls, episode: Episode, *, rate_hz: float, **known: Any) -> SetInfo:
        """Of an episode that no environment describes: shapes and types as they are, names by number.

        Args:
            episode: any of the set.
            rate_hz: steps a second.
            known: other fields, which replace what is taken from the episode.
        """
        tables = {key: table[0] for key, table in episode.observations.items()}
        taken: dict[str, Any] = {
            "action_names": tuple(f"action {n}" for n in range(episode.actions.shape[1])),
            "observation_names": {
                key: tuple(f"{key} {n}" for n in range(len(row))) if row.ndim == 1 else ()
                for key, row in tables.items()
            },
            "observation_shapes": {key: row.shape for key, row in tables.items()},
            "observation_dtypes": {key: str(row.dtype) for key, row in tables.items()},
        }
        return cls(rate_hz=rate_hz, **(taken | known))

    def record(self) -> dict[str, Any]:
        """As JSON holds it; two that say the same have equal records.

        Raises:
            InputError: if an option of the environment is something that JSON cannot hold.
        """
        try:
            held: dict[str, Any] = json.loads(json.dumps(asdict(self), allow_nan=False))
        except (TypeError, ValueError) as error:
            remedy = "pass options of the environment that are text, numbers, or lists of them"
            raise InputError("SetInfo", expected="what JSON can hold", got=str(error), remedy=remedy) from None
        return held

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> SetInfo:
        """What `record` gave.

        Raises:
            InputError: if it is something else.
        """
        tupled: dict[str, Any] = {key: _tupled(value) for key, value in record.items() if key != "env_options"}
        tupled |= {key: value for key, value in record.items() if key == "env_options"}
        try:
            return cls(**tupled)
        except (TypeError, AttributeError, KeyError) as error:
            raise InputError("SetInfo", expected="the record of a set", got=str(error)) from None

    def check(self, episode: Episode, where: str) -> None:
        """See that an episode belongs to the set.

        Raises:
            InputError: names what differs.
        """
        wanted = {"actions": (len(self.action_names),), **{k: tuple(s) for k, s in self.observation_shapes.items()}}
        if episode.shapes != wanted:
            raise InputError(where, expected=f"rows of {wanted}", got=f"{episode.shapes}")
        types = {key: str(table.dtype) for key, table in episode.observations.items()}
        if types != dict(self.observation_dtypes):
            raise InputError(where, expected=f"types {dict(self.observation_dtypes)}", got=f"{types}")

    def check_same(self, other: SetInfo, where: str) -> None:
        """See that another set holds the same kind of episodes.

        Raises:
            InputError: names the first field that differs.
        """
        ours, theirs = self.record(), other.record()
        for name in (name for name in ours if ours[name] != theirs[name]):
            remedy = "take sets of the same task and options, or write to another folder"
            raise InputError(where, expected=f"{name} {ours[name]}", got=f"{theirs[name]}", remedy=remedy)


def _tupled(value: Any) -> Any:
    """JSON's lists as tuples."""
    if isinstance(value, Mapping):
        return {key: _tupled(item) for key, item in value.items()}
    return tuple(map(_tupled, value)) if isinstance(value, list) else value
