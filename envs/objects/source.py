"""The one way to get objects: procedural, from `pybullet_data`, or from a folder of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from envs.objects.folder import object_files, urdf_model
from envs.objects.model import ObjectModel, ObjectSet
from envs.objects.random_urdfs import random_urdf, random_urdf_names
from geometry import PANDA_HAND, InputError


def load_objects(
    source: str | Path,
    *,
    limit: int | None = None,
    seed: int = 0,
    scale: float = 1.0,
    graspable_width_m: float = PANDA_HAND.max_width_m,
) -> ObjectSet:
    """Load a set of objects; the same arguments give the same set, in the order of the names.

    Args:
        source: "random_urdfs" (pybullet_data's) or a folder of URDFs or meshes.
        limit: at most so many; of a larger set, a random choice.
        seed: of that choice.
        scale: factor on all lengths, for example 0.001 for scans in millimetres.
        graspable_width_m: opening of the gripper that `random_urdfs` are made to fit. Objects
            from a folder keep their size.

    Raises:
        InputError: if the folder holds no object, or one that cannot be used.
    """
    if limit is not None and limit < 1:
        raise InputError("load_objects", expected="limit >= 1", got=f"{limit}")
    rng = np.random.default_rng(seed)
    if source == "random_urdfs":
        names = _choose(random_urdf_names(), limit, rng)
        return ObjectSet("random_urdfs", tuple(random_urdf(name, scale * graspable_width_m) for name in names))
    folder = Path(source)
    files = object_files(folder)
    chosen = _choose(list(files), limit, rng)
    return ObjectSet(folder.name, tuple(_from_file(name, files[name], scale) for name in chosen))


def _choose(names: list[str], limit: int | None, rng: np.random.Generator) -> list[str]:
    if limit is None or limit >= len(names):
        return names
    return [names[i] for i in sorted(rng.choice(len(names), size=limit, replace=False))]


def _from_file(name: str, file: Path, scale: float) -> ObjectModel:
    return urdf_model(name, file, scale)
