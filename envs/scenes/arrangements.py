"""Four ways to put objects on the table: a pile, packed upright, in a bin, and singly on the tabletop.

Pile and packed are those of the clutter-removal benchmark (Breyer et al., CoRL 2020; the
constants are its own), so that its numbers can be compared.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.spatial.transform import Rotation

from envs.objects import ObjectModel, ObjectSet
from envs.scenes.scene import Scene
from envs.world import Body
from geometry import InputError, transform

Arrangement = Literal["pile", "packed", "bin", "tabletop"]

_WALL_M = 0.02
_PILE_BOX = (0.26, 0.13)  # inner edge and height of the box that holds the pile while it forms, metres
_BIN = (0.30, 0.06)  # its walls stand outside the grasp volume
_DROP_HEIGHT_M = 0.2
_PACKED_ATTEMPTS = 12
_TABLETOP_ATTEMPTS = 20


def arrange(
    scene: Scene,
    objects: ObjectSet,
    arrangement: Arrangement,
    *,
    count: int,
    rng: np.random.Generator,
    scale_range: tuple[float, float] | None = None,
) -> None:
    """Put up to `count` objects into an empty scene and let them settle.

    Args:
        scene: the scene; objects that end outside its workspace are removed.
        objects: what to draw from, uniformly and with replacement.
        arrangement: "pile" (dropped into a box that is then removed), "packed" (upright and apart,
            as many as fit in 12 tries), "bin" (dropped into a bin that stays) or "tabletop" (dropped
            singly, apart from each other).
        count: objects asked for; packed and tabletop may hold fewer.
        rng: draws objects, poses and scales.
        scale_range: lower and upper factor on the objects' size; None is the arrangement's own.
    """
    if count < 1:
        raise InputError("arrange", expected="count of at least 1", got=f"{count}")
    if arrangement in ("pile", "bin"):
        _drop(scene, objects, count, rng, scale_range or (0.8, 1.0), keep_walls=arrangement == "bin")
    elif arrangement == "packed":
        _pack(scene, objects, count, rng, scale_range or (0.7, 0.9))
    elif arrangement == "tabletop":
        _scatter(scene, objects, count, rng, scale_range or (0.8, 1.0))
    else:
        raise InputError("arrange", expected="pile, packed, bin or tabletop", got=repr(arrangement))


def add_bin(scene: Scene) -> None:
    """Put the walls of the "bin" arrangement around the middle of the workspace."""
    _add_walls(scene, *_BIN)


def _draw(objects: ObjectSet, rng: np.random.Generator) -> ObjectModel:
    return objects[int(rng.integers(len(objects)))]


def _drop(
    scene: Scene,
    objects: ObjectSet,
    count: int,
    rng: np.random.Generator,
    scale_range: tuple[float, float],
    *,
    keep_walls: bool,
) -> None:
    walls = _add_walls(scene, *(_BIN if keep_walls else _PILE_BOX))
    size, table_z = scene.workspace.size_m, scene.workspace.table_z_m
    for _ in range(count):
        model = _draw(objects, rng)
        rotation = Rotation.random(rng=rng)
        xy = rng.uniform(size / 3.0, 2.0 * size / 3.0, 2)
        scale = float(rng.uniform(*scale_range))
        scene.add(model, transform(rotation, (*xy, table_z + _DROP_HEIGHT_M)), scale)
        scene.settle(timeout_s=1.0)
    if not keep_walls:
        for wall in walls:
            scene.world.remove(wall)
    scene.settle_and_cull()


def _pack(
    scene: Scene, objects: ObjectSet, count: int, rng: np.random.Generator, scale_range: tuple[float, float]
) -> None:
    for _ in range(_PACKED_ATTEMPTS):
        if len(scene.objects) >= count:
            return
        xy = rng.uniform(0.08, 0.22, 2) / 0.30 * scene.workspace.size_m
        rotation = Rotation.from_rotvec((0.0, 0.0, rng.uniform(0.0, 2.0 * np.pi)))
        _try_to_place(scene, _draw(objects, rng), rotation, xy, float(rng.uniform(*scale_range)))


def _scatter(
    scene: Scene, objects: ObjectSet, count: int, rng: np.random.Generator, scale_range: tuple[float, float]
) -> None:
    size = scene.workspace.size_m
    for _ in range(_TABLETOP_ATTEMPTS):
        if len(scene.objects) >= count:
            return
        xy = rng.uniform(0.2 * size, 0.8 * size, 2)
        _try_to_place(scene, _draw(objects, rng), Rotation.random(rng=rng), xy, float(rng.uniform(*scale_range)))


def _try_to_place(scene: Scene, model: ObjectModel, rotation: Rotation, xy: np.ndarray, scale: float) -> None:
    """Stand an object just above the table where it touches nothing, and settle; else take it out again."""
    item = scene.add(model, transform(rotation, (*xy, 1.0)), scale)
    scene.lower_to_table(item)
    if scene.world.contacts_now(item.body):
        scene.remove(item)
    else:
        scene.settle_and_cull()


def _add_walls(scene: Scene, inner_m: float, height_m: float) -> list[Body]:
    """Four walls around the middle of the workspace, standing on the table."""
    center = scene.workspace.center + (0.0, 0.0, 0.5 * height_m)
    reach, long = 0.5 * (inner_m + _WALL_M), 0.5 * inner_m + _WALL_M
    sides = [((sign * reach, 0.0, 0.0), (0.5 * _WALL_M, long, 0.5 * height_m)) for sign in (-1, 1)]
    sides += [((0.0, sign * reach, 0.0), (long, 0.5 * _WALL_M, 0.5 * height_m)) for sign in (-1, 1)]
    color = (0.55, 0.62, 0.68, 1.0)
    return [
        scene.world.add_box(half, transform(translation=center + offset), color=color, name="wall")
        for offset, half in sides
    ]
