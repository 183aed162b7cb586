"""Solids built from convex parts, so that what collides is known exactly from the construction.

All solids of revolution have the same number of facets in what is seen and in what collides;
their convex parts then cover the visual mesh without gap or excess.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import trimesh
from numpy.typing import ArrayLike

from envs.objects.hull import convex_hull
from envs.objects.urdf_shapes import join
from geometry import FloatArray

SECTIONS = 24
"""Facets around the axis of a solid of revolution."""


class Solid(NamedTuple):
    """A closed surface and convex parts with the same union, in metres."""

    visual: trimesh.Trimesh
    parts: list[trimesh.Trimesh]


def box(size_m: ArrayLike) -> Solid:
    """A box of (3,) extents about the origin."""
    mesh = trimesh.creation.box(np.asarray(size_m, dtype=np.float64))
    return Solid(mesh, [mesh])


def revolution(runs: list[FloatArray]) -> Solid:
    """A solid around z from profiles that follow each other upwards.

    Args:
        runs: (K, 2) radius and height in metres; within a run the radius is a concave function
            of the height, so that each run is one convex part. A step between two runs is flat.
    """
    profile = np.vstack([[[0.0, runs[0][0, 1]]], *runs, [[0.0, runs[-1][-1, 1]]]])
    return Solid(trimesh.creation.revolve(profile, sections=SECTIONS), [convex_hull(_rings(run)) for run in runs])


def superquadric(half_extents_m: ArrayLike, roundness: float, roundness_z: float) -> Solid:
    """A convex superquadric; 1 is an ellipsoid, towards 0 a box.

    Args:
        half_extents_m: (3,) half axes.
        roundness: exponent in the xy-plane, 0 to 1.
        roundness_z: exponent along z, 0 to 1.
    """
    latitude, longitude = np.meshgrid(
        np.linspace(-np.pi / 2, np.pi / 2, 13), 2 * np.pi * np.arange(SECTIONS) / SECTIONS
    )

    def power(value: FloatArray, exponent: float) -> FloatArray:
        return np.sign(value) * np.abs(np.round(value, 12)) ** exponent

    points = np.stack(
        [
            power(np.cos(latitude), roundness_z) * power(np.cos(longitude), roundness),
            power(np.cos(latitude), roundness_z) * power(np.sin(longitude), roundness),
            power(np.sin(latitude), roundness_z),
        ],
        axis=-1,
    ).reshape(-1, 3)
    hull = convex_hull(points * np.asarray(half_extents_m))
    return Solid(hull, [hull])


def mug(radius_m: float, height_m: float, wall_m: float, foot: float, handle_m: float) -> Solid:
    """An open mug around z with its hollow, and a handle towards +x.

    Args:
        radius_m: outer radius at the rim.
        height_m: from the foot to the rim.
        wall_m: thickness of wall and bottom.
        foot: outer radius at the foot as a share of that at the rim, at most 1.
        handle_m: how far the handle's middle line stands out from the wall.
    """

    def outer(z: float) -> float:
        return radius_m * (foot + (1.0 - foot) * z / height_m)

    bottom = np.array([[outer(0.0) - 0.4 * wall_m, 0.0], [outer(0.5 * wall_m), 0.5 * wall_m], [outer(wall_m), wall_m]])
    lip = np.linspace(0.0, np.pi, 5)
    lip_center = np.array([radius_m - 0.5 * wall_m, height_m - 0.5 * wall_m])
    rim = lip_center + 0.5 * wall_m * np.stack([np.cos(lip), np.sin(lip)], axis=-1)
    wall = np.vstack([[outer(wall_m), wall_m], rim, [outer(wall_m) - wall_m, wall_m]])
    profile = np.vstack([[0.0, 0.0], bottom[:2], wall, [0.0, wall_m]])
    middle, slope = 0.52 * height_m, radius_m * (1.0 - foot) / height_m
    handle = _handle(outer(middle) - 0.6 * wall_m, middle, slope, handle_m, 0.3 * height_m, 1.3 * wall_m)
    cup = trimesh.creation.revolve(profile, sections=SECTIONS)
    parts = [convex_hull(_rings(bottom)), *_staves(wall), *handle.parts]
    return Solid(join([cup, handle.visual]), parts)


def extrusion(outline_m: ArrayLike, height_m: float, boxes_m: ArrayLike) -> Solid:
    """A flat shape of constant height about z = 0 that is the union of boxes.

    Args:
        outline_m: (N, 2) counter-clockwise corners; every corner is visible from the first.
        height_m: extent along z.
        boxes_m: (B, 2, 2) lower and upper corners in the xy-plane of boxes that fill the outline.
    """
    outline, boxes = np.asarray(outline_m, dtype=np.float64), np.asarray(boxes_m, dtype=np.float64)
    count, half = len(outline), 0.5 * height_m
    vertices = np.vstack([np.c_[outline, np.full(count, z)] for z in (-half, half)])
    index = np.arange(count)
    following = np.roll(index, -1)
    cap = np.stack([np.zeros(count - 2, dtype=np.int64), index[1:-1], index[2:]], axis=-1)
    sides = [
        np.stack([index, following, following + count], -1),
        np.stack([index, following + count, index + count], -1),
    ]
    mesh = trimesh.Trimesh(vertices, np.vstack([cap[:, ::-1], cap + count, *sides]), process=False)
    heights = np.array([-half, half])
    corners = [np.stack(np.meshgrid(*b.T, heights), axis=-1).reshape(-1, 3) for b in boxes]
    return Solid(mesh, [convex_hull(points) for points in corners])


def _rings(profile: FloatArray) -> FloatArray:
    """The vertices that a (K, 2) profile of radius and height sweeps out around z."""
    angle = 2 * np.pi * np.arange(SECTIONS) / SECTIONS
    radius, height = profile[:, 0, None], np.broadcast_to(profile[:, 1, None], (len(profile), SECTIONS))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=-1).reshape(-1, 3)


def _staves(section: FloatArray) -> list[trimesh.Trimesh]:
    """A wall around z as one piece for each facet, from its convex (K, 2) section."""
    rings = _rings(section).reshape(len(section), SECTIONS, 3)
    ahead = np.roll(rings, -1, axis=1)
    return [convex_hull(np.vstack([rings[:, i], ahead[:, i]])) for i in range(SECTIONS)]


def _handle(x_m: float, z_m: float, slope: float, reach_m: float, rise_m: float, thickness_m: float) -> Solid:
    """A half ring in the xz-plane about (x, z); its ends lie along the line of that slope, inside the wall."""
    turn = np.linspace(-np.pi / 2, np.pi / 2, 10)
    center = np.stack([x_m + reach_m * np.cos(turn), np.zeros(10), z_m + rise_m * np.sin(turn)], axis=-1)
    outward = np.stack([rise_m * np.cos(turn), np.zeros(10), reach_m * np.sin(turn)], axis=-1)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    around = 2 * np.pi * np.arange(8) / 8
    section = np.stack([0.5 * thickness_m * np.cos(around), 0.8 * thickness_m * np.sin(around)], axis=-1)
    sideways = np.array([0.0, 1.0, 0.0])
    rings = center[:, None] + section[:, :1] * outward[:, None] + section[:, 1:] * sideways  # (10, 8, 3)
    rings[..., 0] += slope * (rings[..., 2] - z_m)
    i, j = (a.ravel() for a in np.meshgrid(np.arange(9), np.arange(8), indexing="ij"))
    a, b, c, d = i * 8 + j, i * 8 + (j + 1) % 8, (i + 1) * 8 + j, (i + 1) * 8 + (j + 1) % 8
    fan = np.stack([np.zeros(6, dtype=np.int64), np.arange(1, 7), np.arange(2, 8)], axis=-1)
    faces = np.vstack([np.stack([a, b, c], -1), np.stack([b, d, c], -1), fan[:, ::-1], fan + 72])
    mesh = trimesh.Trimesh(rings.reshape(-1, 3), faces, process=False)
    return Solid(mesh, [convex_hull(rings[k : k + 2].reshape(-1, 3)) for k in range(9)])
