"""Contacts and friction of closing lines: by hand, analytically, and against a slow test that shares no code."""

from __future__ import annotations

import math

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from envs.grasp_ap import ContactCaster

Y = (0.0, 1.0, 0.0)


def test_a_box_is_held_without_friction_across_its_faces() -> None:
    contacts = ContactCaster(trimesh.creation.box((0.03, 0.05, 0.07))).close([(0.0, 0.01, 0.0)], [Y], 0.1)
    assert contacts.found.tolist() == [True]
    assert contacts.friction[0] == pytest.approx(0.0, abs=1e-5)
    assert (contacts.low_m[0], contacts.high_m[0]) == pytest.approx((-0.035, 0.015), abs=1e-6)


@pytest.mark.parametrize("degrees", [5.0, 20.0, 31.0, 40.0])
def test_a_box_held_askew_needs_the_tangent_of_the_angle(degrees: float) -> None:
    angle = math.radians(degrees)
    closing = (math.sin(angle), math.cos(angle), 0.0)
    contacts = ContactCaster(trimesh.creation.box((0.2, 0.04, 0.04))).close([(0.0, 0.0, 0.0)], [closing], 0.08)
    assert contacts.friction[0] == pytest.approx(math.tan(angle), rel=1e-4)
    assert contacts.high_m[0] - contacts.low_m[0] == pytest.approx(0.04 / math.cos(angle), rel=1e-4)


def test_a_sphere_held_off_its_middle() -> None:
    caster = ContactCaster(trimesh.creation.icosphere(subdivisions=6, radius=0.03))
    offsets = np.linspace(0.003, 0.027, 9)
    contacts = caster.close(np.stack([offsets, 0 * offsets, 0 * offsets], axis=-1), [Y] * 9, 0.1)
    assert np.arctan(contacts.friction) == pytest.approx(np.arcsin(offsets / 0.03), abs=0.02)
    assert contacts.high_m == pytest.approx(np.sqrt(0.03**2 - offsets**2), abs=5e-5)


@pytest.mark.parametrize(
    ("middle", "width"),
    [((0.0, 0.0, 0.04), 0.1), ((0.0, 0.01, 0.0), 0.05), ((0.0, 0.0, 0.0), 0.039), ((0.0, 0.07, 0.0), 0.05)],
    ids=["beside it", "one finger inside", "both fingers inside", "nothing between the fingers"],
)
def test_what_is_not_held(middle: tuple[float, float, float], width: float) -> None:
    contacts = ContactCaster(trimesh.creation.box((0.04, 0.04, 0.04))).close([middle], [Y], width)
    assert not contacts.found[0] and np.isinf(contacts.friction[0]) and np.isnan(contacts.low_m[0])


def test_a_finger_inside_one_wall_of_a_tube_does_not_hold_the_other() -> None:
    tube = trimesh.creation.annulus(r_min=0.03, r_max=0.04, height=0.05, sections=64)
    caster = ContactCaster(tube)
    outside = caster.close([(0.0, 0.0, 0.0)], [Y], 0.09)
    assert outside.high_m[0] - outside.low_m[0] == pytest.approx(0.08, abs=1e-3)
    assert not caster.close([(0.0, 0.0, 0.0)], [Y], 0.07).found[0]
    rim = caster.close([(0.0, 0.035, 0.0)], [Y], 0.03)
    assert rim.high_m[0] - rim.low_m[0] == pytest.approx(0.01, abs=1e-3)


def test_a_mesh_that_is_inside_out_is_turned() -> None:
    box = trimesh.creation.box((0.04, 0.04, 0.04))
    box.invert()
    assert ContactCaster(box).close([(0.0, 0.0, 0.0)], [Y], 0.08).found[0]


def slow_friction(triangles: list, middle: np.ndarray, closing: np.ndarray, width: float) -> float:
    """Smallest friction by looking at every triangle in the plane across the line, one by one.

    All crossings of the infinite line are listed; a finger is inside where an odd number of them
    lies beyond it. The outermost crossings between the fingers are the contacts.
    """
    c = [float(v) for v in closing]
    helper = [0.0, 0.0, 1.0] if abs(c[2]) < 0.9 else [1.0, 0.0, 0.0]
    e = [c[1] * helper[2] - c[2] * helper[1], c[2] * helper[0] - c[0] * helper[2], c[0] * helper[1] - c[1] * helper[0]]
    length = math.sqrt(sum(v * v for v in e))
    e = [v / length for v in e]
    f = [c[1] * e[2] - c[2] * e[1], c[2] * e[0] - c[0] * e[2], c[0] * e[1] - c[1] * e[0]]
    crossings = []
    for triangle in triangles:
        local = []
        for corner in triangle:
            r = [corner[i] - float(middle[i]) for i in range(3)]
            local.append([sum(r[i] * axis[i] for i in range(3)) for axis in (e, f, c)])
        areas = []
        for i in range(3):
            a, b = local[(i + 1) % 3], local[(i + 2) % 3]
            areas.append(a[0] * b[1] - a[1] * b[0])
        if not (all(v > 0.0 for v in areas) or all(v < 0.0 for v in areas)):
            continue
        at = sum(w * corner[2] for w, corner in zip(areas, local, strict=True)) / sum(areas)
        u = [local[1][i] - local[0][i] for i in range(3)]
        v = [local[2][i] - local[0][i] for i in range(3)]
        n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]
        angle = math.acos(min(1.0, abs(n[2]) / math.sqrt(sum(k * k for k in n))))
        crossings.append((at, angle))
    crossings.sort()
    half = 0.5 * width
    below = [x for x in crossings if x[0] < -half]
    above = [x for x in crossings if x[0] > half]
    between = [x for x in crossings if -half <= x[0] <= half]
    if len(below) % 2 or len(above) % 2 or len(between) < 2:
        return math.inf
    return math.tan(max(between[0][1], between[-1][1]))


SHAPES = {
    "box": trimesh.creation.box((0.05, 0.03, 0.08)),
    "sphere": trimesh.creation.icosphere(subdivisions=2, radius=0.035),
    "cylinder": trimesh.creation.cylinder(0.02, 0.09, sections=24),
    "ring": trimesh.creation.annulus(r_min=0.02, r_max=0.035, height=0.03, sections=24),
}


@pytest.mark.parametrize("name", SHAPES)
def test_agrees_with_the_slow_test_on_random_grasps(name: str) -> None:
    mesh = SHAPES[name]
    rng = np.random.default_rng(7)
    count = 300
    middles = rng.uniform(-0.035, 0.035, (count, 3))
    closings = Rotation.random(count, rng=rng).as_matrix()[:, :, 1]
    widths = rng.uniform(0.02, 0.1, count)
    fast = ContactCaster(mesh).close(middles, closings, widths).friction
    triangles = np.asarray(mesh.triangles).tolist()
    slow = np.array([slow_friction(triangles, *grasp) for grasp in zip(middles, closings, widths, strict=True)])
    assert 40 < np.isfinite(slow).sum() < count - 40
    assert np.array_equal(np.isfinite(fast), np.isfinite(slow))
    held = np.isfinite(slow)
    assert np.arctan(fast[held]) == pytest.approx(np.arctan(slow[held]), abs=1e-4)
