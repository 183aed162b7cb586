"""Write demonstrations as a robomimic file; this needs h5py, not robomimic."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from perception.figures import output_file
from policies.demonstrations.episode import Episode
from policies.demonstrations.formats.episode_source import EpisodeSource, Exported
from policies.demonstrations.formats.optional_package import optional_package
from policies.demonstrations.formats.robomimic_layout import GYM_TYPE, OWN, is_picture, needs_scaling
from policies.demonstrations.set_info import SetInfo


@dataclass(frozen=True, kw_only=True)
class RobomimicExport:
    """How a set is written."""

    valid_share: float = 0.1
    """Share of the episodes in mask/valid; the others stand in mask/train."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.valid_share < 1.0:
            raise InputError("RobomimicExport", expected="valid_share in [0, 1)", got=f"{self.valid_share}")


def export_robomimic(
    demonstrations: EpisodeSource,
    path: str | Path,
    settings: RobomimicExport | None = None,
    *,
    rng: np.random.Generator,
    on_episode: Callable[[int], None] | None = None,
) -> Exported:
    """Write all episodes; the file appears whole or not at all.

    Actions whose bounds are not [-1, 1] are scaled to them, in float32, and the bounds are kept in the file. Where
    nobody recorded what was seen after the last action, next_obs ends with the last observation again. States are
    zeros, for no simulator's state is kept.

    Args:
        demonstrations: what to write.
        path: `.hdf5`.
        settings: default: `RobomimicExport()`.
        rng: draws the episodes of mask/valid.
        on_episode: told how many are written.

    Raises:
        InputError: if there is no episode, or actions beyond [-1, 1] without bounds to scale by.
    """
    h5py = optional_package("h5py", extra="robomimic")
    if not len(demonstrations):
        raise InputError("export", expected="at least one episode", got="none")
    frames, info = 0, demonstrations.info
    with output_file(path) as draft, h5py.File(draft, "w") as file:
        data = file.create_group("data")
        for number in range(len(demonstrations)):
            episode = demonstrations[number]
            _write(data.create_group(f"demo_{number}"), episode, info)
            frames += len(episode)
            if on_episode is not None:
                on_episode(number + 1)
        data.attrs["total"] = frames
        env = {"env_name": info.env, "type": GYM_TYPE, "env_kwargs": dict(info.env_options)}
        data.attrs["env_args"] = json.dumps(env, indent=4)
        data.attrs[OWN] = json.dumps({"version": 1, "set": info.record()})
        _write_masks(file, len(demonstrations), (settings or RobomimicExport()).valid_share, rng)
        names = tuple(data["demo_0/obs"])
    return Exported(len(demonstrations), frames, ("actions", "rewards", "dones", *names))


def _write(group: Any, episode: Episode, info: SetInfo) -> None:
    steps = len(episode)
    group.attrs["num_samples"] = steps
    own = {"success": episode.success, "terminated": episode.terminated, "complete": episode.complete}
    group.attrs[OWN] = json.dumps(own | {"task": episode.task, "provenance": dict(episode.provenance)})
    group.create_dataset("actions", data=_scaled(episode.actions, info))
    group.create_dataset("rewards", data=episode.rewards)
    group.create_dataset("dones", data=(np.arange(steps) == steps - 1).astype(np.int64))
    group.create_dataset("states", data=np.zeros((steps, 1), dtype=np.float32))
    for key, table in episode.observations.items():
        table = np.moveaxis(table, 1, -1) if is_picture(table.dtype, table.shape[1:]) and table.ndim == 4 else table
        after = table[1:] if episode.complete else np.concatenate([table[1:], table[-1:]])
        packed = {"compression": "gzip", "compression_opts": 4} if table.nbytes > 4096 * steps else {}
        group.create_dataset(f"obs/{key}", data=table[:steps], **packed)
        group.create_dataset(f"next_obs/{key}", data=after, **packed)


def _scaled(actions: NDArray[np.float32], info: SetInfo) -> NDArray[np.float32]:
    """(T, A) within [-1, 1], as robomimic wants them."""
    if needs_scaling(info):
        low, high = np.array(info.action_low), np.array(info.action_high)
        actions = (2.0 * (actions - low) / (high - low) - 1.0).astype(np.float32)
    if np.abs(actions).max() > 1.0 + 1e-6:
        raise InputError(
            "export",
            expected="actions within [-1, 1], or within bounds that the set names",
            got=f"{np.abs(actions).max():.4g}",
            remedy="set SetInfo.action_low and action_high",
        )
    return actions


def _write_masks(file: Any, episodes: int, share: float, rng: np.random.Generator) -> None:
    """Name the demos for training and for validation; one at least for each where there are two."""
    count = min(max(round(share * episodes), 1), episodes - 1) if share else 0
    valid = set(rng.permutation(episodes)[:count].tolist())
    for name, numbers in (("valid", sorted(valid)), ("train", [i for i in range(episodes) if i not in valid])):
        file.create_dataset(f"mask/{name}", data=np.array([f"demo_{i}" for i in numbers], dtype="S"))
