"""Read a robomimic file, whoever wrote it; episodes come from disk when they are asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from policies.demonstrations.episode import Episode
from policies.demonstrations.formats.optional_package import optional_package
from policies.demonstrations.formats.robomimic_layout import OWN, is_picture, needs_scaling
from policies.demonstrations.set_info import SetInfo

_RATE_HZ = 20.0
"""robosuite's control rate, for files whose env_args name none."""


class RobomimicSet:
    """A robomimic file as episodes, in the order of the demos' numbers.

    Pictures come as (C, H, W); float64 tables come as float32; what was seen after the last action is the last row of
    next_obs. An episode is a success where its last reward is above 0, or where the file holds no rewards above 0 at
    all, which its provenance then says. A file that `export_robomimic` wrote gives its own episodes back, bit for bit
    unless actions had to be scaled.

    Args:
        path: `.hdf5`.
        mask: only the demos that mask/NAME lists; empty takes all.

    Raises:
        InputError: if it is no such file, or damaged.
    """

    def __init__(self, path: str | Path, mask: str = "") -> None:
        self.path = Path(path)
        try:
            with self._opened() as file:
                data = file["data"]
                self._names = sorted(self._chosen(file, mask), key=lambda name: int(name.rpartition("_")[2]))
                own = json.loads(data.attrs[OWN]) if OWN in data.attrs else None
                self._env = json.loads(data.attrs.get("env_args", "{}"))
                self._rewarded = own is not None or any(self._reward(data[name]) > 0.0 for name in self._names)
        except (KeyError, ValueError, TypeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(str(path), expected="a robomimic file, data/demo_*", got=f"{error}") from None
        if not self._names:
            raise InputError(str(path), expected="at least one demo", got="none")
        self._own = None if own is None else SetInfo.of_record(own["set"])
        self.info = self._own or self._described()
        """What the episodes have in common."""

    def __len__(self) -> int:
        """Episodes."""
        return len(self._names)

    def __getitem__(self, index: int) -> Episode:
        """One episode, read now.

        Raises:
            InputError: if it is damaged.
        """
        name = self._names[index]
        try:
            with self._opened() as file:
                return self._episode(file["data"][name], name)
        except (KeyError, OSError, TypeError) as error:
            raise InputError(f"{self.path}, {name}", expected="a whole demo", got=f"{error}") from None

    def _opened(self) -> Any:
        h5py = optional_package("h5py", extra="robomimic")
        try:
            return h5py.File(self.path, "r")
        except OSError as error:
            raise InputError(str(self.path), expected="an HDF5 file", got=str(error)) from None

    def _chosen(self, file: Any, mask: str) -> list[str]:
        if not mask:
            return [name for name in file["data"] if name.startswith("demo_")]
        masks = file.get("mask", {})
        if mask not in masks:
            raise InputError(str(self.path), expected=f"mask one of {', '.join(masks) or 'none'}", got=mask)
        return [name.decode() for name in masks[mask][:]]

    def _reward(self, demo: Any) -> float:
        return float(demo["rewards"][-1]) if "rewards" in demo and len(demo["rewards"]) else 0.0

    def _episode(self, demo: Any, name: str) -> Episode:
        own = json.loads(demo.attrs[OWN]) if OWN in demo.attrs else None
        actions = np.asarray(demo["actions"][:])
        complete = "next_obs" in demo and (own is None or own["complete"])
        seen: dict[str, NDArray[Any]] = {}
        for key in self._own.observation_shapes if self._own else demo["obs"]:
            table = np.asarray(demo[f"obs/{key}"][:])
            if complete:
                table = np.concatenate([table, demo[f"next_obs/{key}"][-1:]])
            seen[key] = self._restored(key, table)
        rewards = demo["rewards"][:] if "rewards" in demo else np.zeros(len(actions))
        known = own or self._guessed(demo, name)
        return Episode(
            observations=seen,
            actions=self._unscaled(actions),
            rewards=np.asarray(rewards, dtype=np.float32),
            success=known["success"],
            terminated=known["terminated"],
            task=known["task"],
            provenance=known["provenance"],
        )

    def _guessed(self, demo: Any, name: str) -> dict[str, Any]:
        """What a file of somebody else does not say outright."""
        provenance = {"source": "robomimic", "demo": name} | ({} if self._rewarded else {"success": "assumed"})
        success = self._reward(demo) > 0.0 if self._rewarded else True
        task = str(self._env.get("env_name", ""))
        return {"success": success, "terminated": False, "task": task, "provenance": provenance}

    def _restored(self, key: str, table: NDArray[Any]) -> NDArray[Any]:
        if self._own is None:
            table = table.astype(np.float32) if table.dtype == np.float64 else table
            moved = is_picture(table.dtype, table.shape[-1:])
        else:
            moved = is_picture(table.dtype, self._own.observation_shapes[key])
        return np.ascontiguousarray(np.moveaxis(table, -1, 1)) if moved and table.ndim == 4 else table

    def _unscaled(self, actions: NDArray[Any]) -> NDArray[np.float32]:
        if self._own is None or not needs_scaling(self._own):
            return actions.astype(np.float32)
        low, high = np.array(self._own.action_low), np.array(self._own.action_high)
        return (low + 0.5 * (actions + 1.0) * (high - low)).astype(np.float32)

    def _described(self) -> SetInfo:
        """Of a file of somebody else: names by number, and actions within [-1, 1] as robomimic has them."""
        options, first = self._env.get("env_kwargs") or {}, self[0]
        return SetInfo.of_episode(
            first,
            rate_hz=float(options.get("control_freq", _RATE_HZ)),
            action_low=(-1.0,) * first.actions.shape[1],
            action_high=(1.0,) * first.actions.shape[1],
        )
