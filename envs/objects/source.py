"""The one way to get objects: procedural, from `pybullet_data`, or from a folder of one's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from envs.objects.folder import object_files, urdf_model
from envs.objects.material import Material
from envs.objects.mesh_file import mesh_model
from envs.objects.model import ObjectModel, ObjectSet
from envs.objects.procedural import DEFAULT_COUNT, procedural_model
from envs.objects.random_urdfs import random_urdf, random_urdf_names
from geometry import PANDA_HAND, InputError


def load_objects(
    source: str | Path,
    *,
    limit: int | None = None,
    seed: int = 0,
    scale: float = 1.0,
    graspable_width_m: float = PANDA_HAND.max_width_m,
    material: Material | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ObjectSet:
    """Load a set of objects; the same arguments give the same set, in the order of the names.

    Args:
        source: "procedural", "random_urdfs" (pybullet_data's), a folder of URDFs or meshes,
            which is searched with all its subfolders, or one such file.
        limit: at most so many; of a larger set a random choice, of procedural objects the first.
        seed: of that choice, and of the procedural objects.
        scale: factor on all lengths, for example 0.001 for scans in millimetres.
        graspable_width_m: opening of the gripper that procedural objects and `random_urdfs` are
            made to fit. Objects from a folder keep their size.
        material: density and friction of meshes that come without a URDF.
        progress: called with the objects done and their number; cutting a scan into convex parts
            may take seconds, the first time.

    Raises:
        InputError: if the folder holds no object, or one that cannot be used.
    """
    if limit is not None and limit < 1:
        raise InputError("load_objects", expected="limit >= 1", got=f"{limit}")
    for name, value in (("scale", scale), ("graspable_width_m", graspable_width_m)):
        if not (np.isfinite(value) and value > 0.0):
            raise InputError("load_objects", expected=f"{name} > 0", got=f"{value}")
    rng = np.random.default_rng(seed)
    makers: list[Callable[[], ObjectModel]]
    if source == "procedural":
        indices = range(DEFAULT_COUNT if limit is None else limit)
        makers = [partial(procedural_model, i, seed, scale, graspable_width_m) for i in indices]
    elif source == "random_urdfs":
        names = _choose(random_urdf_names(), limit, rng)
        makers = [partial(random_urdf, name, scale, graspable_width_m) for name in names]
    else:
        files = object_files(Path(source))
        names = _choose(list(files), limit, rng)
        makers = [partial(_from_file, name, files[name], scale, material) for name in names]
    models = []
    for make in makers:
        models.append(make())
        if progress is not None:
            progress(len(models), len(makers))
    return ObjectSet(Path(source).name, tuple(models))


def _choose(names: list[str], limit: int | None, rng: np.random.Generator) -> list[str]:
    if limit is None or limit >= len(names):
        return names
    return [names[i] for i in sorted(rng.choice(len(names), size=limit, replace=False))]


def _from_file(name: str, file: Path, scale: float, material: Material | None) -> ObjectModel:
    if file.suffix.lower() == ".urdf":
        return urdf_model(name, file, scale)
    return mesh_model(name, file, scale, material)
