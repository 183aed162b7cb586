"""The data set of labelled scenes, read whole into memory, and batches drawn from it.

`graspmimic generate grasps` writes one file a scene; docs/grasp_detection.md lists what is in it.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geometry import InputError
from perception.grasping.training.manifest import read_manifest

_VIEW_KEYS = (
    "depth",
    "exit_depth",
    "segmentation",
    "focal",
    "T_table_camera",
    "seeds",
    "quality",
    "width_mm",
    "offset_mm",
)
_TRIAL_KEYS = ("trial_pose", "trial_success", "trial_quality", "trial_com_m", "trial_object")

Array = NDArray[Any]


@dataclass(frozen=True)
class LabelledScene:
    """One settled scene: V views with their labels, and T physics trials."""

    views: dict[str, Array]
    """depth, exit_depth, segmentation, focal, T_table_camera, seeds, quality, width_mm, offset_mm."""
    trials: dict[str, Array]
    """pose (T, 4, 4), success, quality, com_m (T,) and policy (T,): 1 for grasps that a detector proposed."""


class Batch(NamedTuple):
    """B views. Depths in metres, poses in the table frame."""

    depth_m: Tensor
    """(B, H, W) without noise."""
    exit_m: Tensor
    """(B, H, W) where the line of sight leaves the object; 0 elsewhere."""
    is_object: Tensor
    """(B, H, W) bool."""
    focal: Tensor
    """(B,) pixels."""
    T_table_camera: Tensor
    """(B, 4, 4)."""
    seeds: Tensor
    """(B, S, 2) row and column; -1 is padding."""
    quality: Tensor
    """(B, S, K, D) analytic quality, 0 to 1."""
    width_m: Tensor
    """(B, S, K) at the best depth."""
    offset_m: Tensor
    """(B, S, K) at the best depth."""
    trial_image: Tensor
    """(N,) which of the B views each trial belongs to."""
    trial_pose: Tensor
    """(N, 4, 4) `T_table_grasp`."""
    trial_success: Tensor
    """(N,) 0 or 1."""
    trial_quality: Tensor
    """(N,) analytic quality of the same grasp."""
    trial_com_m: Tensor
    """(N,) distance of the object's centre of mass from the fingers' plane; NaN where unknown."""

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        return Batch(*[value.to(device, non_blocking=True) for value in self])


class GraspDataset:
    """All scenes of a folder, in memory.

    Args:
        folder: what `generate grasps` wrote.
        scenes: numbers of the scenes to use; None is all.
        trials_per_view: physics trials drawn for each view of a batch.
    Raises:
        InputError: if the folder is no data set of this version, or a file in it is damaged.
    """

    def __init__(self, folder: Path, scenes: Sequence[int] | None = None, *, trials_per_view: int = 40) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        self.trials_per_view = trials_per_view
        files = scene_files(folder)
        wanted = sorted(files) if scenes is None else [number for number in scenes if number in files]
        if not wanted:
            raise InputError(str(folder), expected="scenes", got="none", remedy="run `graspmimic generate grasps`")
        self.scenes = [read_scene_file(files[number]) for number in wanted]
        self.index = [(s, v) for s, scene in enumerate(self.scenes) for v in range(len(scene.views["focal"]))]

    def __len__(self) -> int:
        return len(self.index)

    @property
    def trial_count(self) -> int:
        """Physics trials in all scenes."""
        return sum(len(scene.trials["success"]) for scene in self.scenes)

    def batch(self, numbers: Sequence[int], rng: np.random.Generator) -> Batch:
        """The views of these numbers, each with physics trials of its scene, detectors' proposals first choice."""
        places = [self.index[n] for n in numbers]

        def stacked(key: str) -> Array:
            return np.stack([self.scenes[s].views[key][v] for s, v in places])

        chosen = [_draw(self.scenes[s].trials["policy"], self.trials_per_view, rng) for s, _ in places]

        def trials(key: str, dtype: type = np.float32) -> Tensor:
            parts = [self.scenes[s].trials[key][c] for (s, _), c in zip(places, chosen, strict=True)]
            return torch.from_numpy(np.concatenate(parts).astype(dtype))

        image = np.repeat(np.arange(len(places)), [len(c) for c in chosen])
        return Batch(
            depth_m=torch.from_numpy(stacked("depth").astype(np.float32) * 1e-4),
            exit_m=torch.from_numpy(stacked("exit_depth").astype(np.float32) * 1e-4),
            is_object=torch.from_numpy((lambda s: (s > 0) & (s < 255))(stacked("segmentation"))),
            focal=torch.from_numpy(stacked("focal").astype(np.float32)),
            T_table_camera=torch.from_numpy(stacked("T_table_camera").astype(np.float32)),
            seeds=torch.from_numpy(stacked("seeds").astype(np.float32)),
            quality=torch.from_numpy(stacked("quality")).float() / 200.0,
            width_m=torch.from_numpy(stacked("width_mm")).float() * 1e-3,
            offset_m=torch.from_numpy(stacked("offset_mm")).float() * 1e-3,
            trial_image=torch.from_numpy(image.astype(np.int64)),
            trial_pose=trials("pose"),
            trial_success=trials("success"),
            trial_quality=trials("quality"),
            trial_com_m=trials("com_m"),
        )


def scene_files(folder: Path) -> dict[int, Path]:
    """The scene files of a data set by their numbers."""
    files = (file for file in folder.glob("scene_*.npz") if file.stem.removeprefix("scene_").isdigit())
    return {int(file.stem.removeprefix("scene_")): file for file in sorted(files)}


def read_scene_file(file: Path) -> LabelledScene:
    """One scene with all rounds of trials in it.

    Raises:
        InputError: if a file is damaged.
    """
    rounds = [_read(each, _TRIAL_KEYS) for each in (file, *sorted(file.parent.glob(f"{file.stem}.trials_*.npz")))]
    trials = {
        key.removeprefix("trial_"): np.concatenate([np.atleast_1d(part[key]) for part in rounds]) for key in _TRIAL_KEYS
    }
    trials["com_m"] = np.where(trials["object"] > 0, trials["com_m"], np.nan)
    trials["policy"] = np.repeat(np.arange(len(rounds)) > 0, [len(part["trial_success"]) for part in rounds])
    return LabelledScene(_read(file, _VIEW_KEYS), trials)


def _read(file: Path, keys: Sequence[str]) -> dict[str, Array]:
    try:
        with np.load(file, allow_pickle=False) as archive:
            return {key: archive[key] for key in keys}
    except (OSError, ValueError, TypeError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            str(file),
            expected="a scene of a data set",
            got=f"{type(error).__name__}: {error}",
            remedy="delete it and run `graspmimic generate grasps` again, which makes only what is missing",
        ) from error


def _draw(policy: NDArray[np.bool_], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Numbers of up to `count` trials: two thirds, if there are as many, from a detector's proposals."""
    own, given = np.nonzero(policy)[0], np.nonzero(~policy)[0]
    first = min(len(own), max(2 * count // 3, count - len(given)))
    second = min(len(given), count - first)
    return np.concatenate([rng.permutation(own)[:first], rng.permutation(given)[:second]])
