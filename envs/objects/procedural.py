"""Random household shapes with known convex parts, in sizes that a parallel gripper can take.

Object `i` of a seed is the same however many are asked for. The link frame has z upright, with
the object as it would stand on a table.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from envs.objects import material as m
from envs.objects.asset_cache import cached_folder
from envs.objects.model import ObjectModel
from envs.objects.solids import Solid, box, extrusion, mug, revolution, superquadric
from envs.objects.urdf_writer import URDF_NAME, write_object

Build = Callable[[np.random.Generator, float], Solid]
"""From random numbers and the gripper's opening in metres to a solid."""

DEFAULT_COUNT = 70


def procedural_model(index: int, seed: int, scale: float, graspable_width_m: float) -> ObjectModel:
    """Object `index` of a seed; its files are written into the cache.

    Args:
        index: the kinds take turns.
        seed: of the whole set.
        scale: factor on all lengths.
        graspable_width_m: opening of the gripper; each object fits into it in some direction.
    """
    rng = np.random.default_rng([seed, index])
    kind, build, materials = KINDS[index % len(KINDS)]
    solid = build(rng, graspable_width_m)
    material = materials[rng.integers(len(materials))]
    color = m.PALETTE[(index + seed) % len(m.PALETTE)]
    key = repr((material, color)).encode() + b"".join(
        mesh.vertices.tobytes() + mesh.faces.tobytes() for mesh in (solid.visual, *solid.parts)
    )

    def write(folder: Path) -> None:
        write_object(folder, solid.visual, solid.parts, material, color, solid=solid.visual)

    urdf = cached_folder(f"{kind}-v2", key, write) / URDF_NAME
    return ObjectModel(f"{index:03d}_{kind}", urdf, scale, true_inertia=True)


def _box(rng: np.random.Generator, width: float) -> Solid:
    return box(width * np.array([rng.uniform(0.35, 0.8), rng.uniform(0.45, 1.1), rng.uniform(0.45, 1.7)]))


def _cylinder(rng: np.random.Generator, width: float) -> Solid:
    radius, half = width * rng.uniform(0.18, 0.42), width * rng.uniform(0.3, 0.75)
    return revolution([np.array([[radius, -half], [radius, half]])])


def _superquadric(rng: np.random.Generator, width: float) -> Solid:
    half = width * np.array([rng.uniform(0.22, 0.42), rng.uniform(0.25, 0.55), rng.uniform(0.2, 0.5)])
    return superquadric(half, rng.uniform(0.25, 1.0), rng.uniform(0.25, 1.0))


def _bottle(rng: np.random.Generator, width: float) -> Solid:
    radius, height = width * rng.uniform(0.27, 0.4), width * rng.uniform(1.3, 2.1)
    neck, shoulder = radius * rng.uniform(0.35, 0.5), radius * rng.uniform(0.6, 1.2)
    cap, neck_height, cap_height = 1.25 * neck, width * rng.uniform(0.08, 0.25), width * rng.uniform(0.13, 0.22)
    body = height - shoulder - neck_height - cap_height
    turn = np.linspace(0.0, np.pi / 2, 7)
    dome = np.stack([neck + (radius - neck) * np.cos(turn), body + shoulder * np.sin(turn)], axis=-1)
    foot = np.array([[0.92 * radius, 0.0], [0.98 * radius, 0.02 * radius], [radius, 0.08 * radius]])
    throat = np.array([[neck, body + shoulder], [neck, height - cap_height]])
    top = np.array([[cap, height - cap_height], [cap, height - 0.15 * cap], [0.85 * cap, height]])
    return revolution([np.vstack([foot, dome]), throat, top])


def _mug(rng: np.random.Generator, width: float) -> Solid:
    radius = width * rng.uniform(0.38, 0.47)
    height, wall = radius * rng.uniform(1.9, 2.5), width * rng.uniform(0.045, 0.06)
    return mug(radius, height, wall, rng.uniform(0.78, 1.0), radius * rng.uniform(0.6, 0.75))


def _l_shape(rng: np.random.Generator, width: float) -> Solid:
    length, height = width * rng.uniform(0.8, 1.4), width * rng.uniform(0.7, 1.2)
    beam, foot, thickness = width * rng.uniform(0.25, 0.45, size=3)
    outline = np.array([[beam, foot], [beam, height], [0, height], [0, 0], [length, 0], [length, foot]])
    boxes = [[[0, 0], [length, foot]], [[0, foot], [beam, height]]]
    return extrusion(outline - [0.5 * length, 0.5 * height], thickness, np.array(boxes) - [0.5 * length, 0.5 * height])


def _t_shape(rng: np.random.Generator, width: float) -> Solid:
    half, stem = 0.5 * width * rng.uniform(0.9, 1.5), width * rng.uniform(0.5, 1.0)
    bar, beam, thickness = width * rng.uniform(0.25, 0.45, size=3)
    b, top = 0.5 * beam, stem + bar
    outline = [[0, top], [-half, top], [-half, stem], [-b, stem], [-b, 0], [b, 0], [b, stem], [half, stem], [half, top]]
    boxes = [[[-half, stem], [half, top]], [[-b, 0], [b, stem]]]
    return extrusion(np.array(outline) - [0, 0.5 * top], thickness, np.array(boxes) - [0, 0.5 * top])


KINDS: tuple[tuple[str, Build, tuple[m.Material, ...]], ...] = (
    ("box", _box, (m.CARDBOARD, m.WOOD)),
    ("cylinder", _cylinder, (m.FILLED_CAN, m.WOOD)),
    ("superquadric", _superquadric, (m.SOAP, m.WOOD, m.RUBBER)),
    ("bottle", _bottle, (m.FILLED_BOTTLE,)),
    ("mug", _mug, (m.CERAMIC,)),
    ("l_shape", _l_shape, (m.WOOD, m.PRINTED_PLASTIC)),
    ("t_shape", _t_shape, (m.WOOD, m.PRINTED_PLASTIC)),
)
"""Each kind with its builder and the materials that it may be made of."""
