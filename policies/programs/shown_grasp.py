"""How a person held a thing, from fingertips that are seen with errors of centimetres.

A camera's errors come in two parts: jitter, which the mean over the time of the grasp takes away, and an offset of the
whole hand, which it does not. But tips that close on opposite faces have their middle halfway between these faces. So
each grasp tells the offset along its closing axis, and several grasps in different directions tell all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geometry import FloatArray
from perception.pose.skeletons import HAND21
from policies.programs.hand_tracks import INDEX_TIP, THUMB_TIP
from policies.programs.handling import Handling
from policies.programs.standing import ROUND

PAD_M = 0.008
"""A fingertip's keypoint lies so far inside the finger, seen from the skin that touches."""
SNAP_RAD = float(np.radians(30.0))
"""A closing axis nearer than this to a face's normal is that normal: fingers slip until they lie flat."""
WIDTH_M = 0.02
"""A width that differs less than this from the thing's own is the thing's own."""
_OFFSET_M = 0.015
"""Expected size of the hand's offset along an axis, and of what the middle of a grasp truly misses by."""
_MISS_M = 0.004
_LEAST_FRAMES = 3
_ROOTS = [HAND21.index("thumb_cmc"), HAND21.index("index_mcp")]
_EPSILON = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class ShownGrip:
    """A grip on a thing, in the thing's frame."""

    at_m: FloatArray
    """(3,) middle between the fingertips."""
    approach: FloatArray
    """(3,) direction in which the hand came."""
    closing: FloatArray
    """(3,) direction from the thumb to the index finger."""
    width_m: float
    """Gap between the fingers' skins."""


def grips_of(handlings: Sequence[Handling]) -> list[ShownGrip | None]:
    """How each thing was held; None where it was not, or where the fingertips were not seen.

    Args:
        handlings: of one recording, so that they share the hand's offset.
    """
    measured = [_measured(each) if each.kind == "carried" else None for each in handlings]
    offsets = _offsets(handlings, measured)
    return [
        None if grip is None or each.hand is None else _corrected(each, grip, offsets[each.hand.person])
        for each, grip in zip(handlings, measured, strict=True)
    ]


def _held_rows(handling: Handling) -> slice:
    """Rows in which the thing surely is in the hand: the middle of the time that it moves, until it is given away."""
    first, last = handling.motion.first, handling.motion.last
    last = handling.given if handling.taker is not None else last
    margin = (last - first) // 6
    return slice(first + margin, max(last - margin, first + margin + 1))


def _measured(handling: Handling) -> ShownGrip | None:
    """The mean grip while the thing is held, its closing axis along a face's normal where it is near one."""
    if handling.hand is None:
        return None
    rows, T = _held_rows(handling), handling.thing.T_world_thing
    local = np.einsum(
        "tji,tkj->tki", T[rows, :3, :3], handling.hand.points_m[rows] - T[rows, None, :3, 3]
    )  # (R, 21, 3) in the thing's frame
    seen = np.isfinite(local[:, [THUMB_TIP, INDEX_TIP]]).all(axis=(1, 2))
    if seen.sum() < _LEAST_FRAMES:
        return None
    thumb, index = np.median(local[seen, THUMB_TIP], axis=0), np.median(local[seen, INDEX_TIP], axis=0)
    apart = float(np.linalg.norm(index - thumb))
    closing = _snapped((index - thumb) / max(apart, _EPSILON), handling)
    middle = 0.5 * (thumb + index)
    roots = local[seen][:, _ROOTS].reshape(-1, 3)
    roots = roots[np.isfinite(roots).all(axis=1)]
    back = middle - np.median(roots, axis=0) if len(roots) else np.array([0.0, 0.0, -1.0])
    return ShownGrip(at_m=middle, approach=_across(back, closing), closing=closing, width_m=max(apart - 2 * PAD_M, 0.0))


def _snapped(closing: FloatArray, handling: Handling) -> FloatArray:
    """The nearest face's normal, or for what is round the nearest level direction, where it is near."""
    normal = np.zeros(3)
    if handling.thing.category in ROUND:
        normal[:2] = closing[:2]
        normal /= max(float(np.linalg.norm(normal)), _EPSILON)
    else:
        axis = int(np.abs(closing).argmax())
        normal[axis] = np.sign(closing[axis])
    return normal if float(normal @ closing) > np.cos(SNAP_RAD) else closing


def _across(direction: FloatArray, closing: FloatArray) -> FloatArray:
    """The unit vector nearest to a direction that is square to the closing axis."""
    square = direction - (direction @ closing) * closing
    if np.linalg.norm(square) < _EPSILON:
        square = np.eye(3)[np.abs(closing).argmin()]
        square = square - (square @ closing) * closing
    unit: FloatArray = square / np.linalg.norm(square)
    return unit


def _offsets(handlings: Sequence[Handling], grips: Sequence[ShownGrip | None]) -> dict[int, FloatArray]:
    """(3,) the offset of each person's hand in the world: the likeliest, given that tips lie about the middle.

    Gaussian offset and misses: ridge regression of what each grasp is off along its closing axis.
    """
    told: dict[int, list[tuple[FloatArray, float]]] = {}
    for each, grip in zip(handlings, grips, strict=True):
        if each.hand is None:
            continue
        rows = told.setdefault(each.hand.person, [])
        if grip is not None and _spans(grip, each):
            turn = each.thing.T_world_thing[each.motion.first, :3, :3]
            rows.append((turn @ grip.closing, float(grip.at_m @ grip.closing)))
    found = {}
    for person, rows in told.items():
        axes = np.array([axis for axis, _ in rows]).reshape(-1, 3)
        missed = np.array([off for _, off in rows])
        precision = axes.T @ axes / _MISS_M**2 + np.eye(3) / _OFFSET_M**2
        found[person] = np.linalg.solve(precision, axes.T @ missed / _MISS_M**2)
    return found


def _corrected(handling: Handling, grip: ShownGrip, offset_m: FloatArray) -> ShownGrip:
    """Without the hand's offset, between the faces that the fingers touch, the pads within the thing's outline."""
    turn = handling.thing.T_world_thing[handling.motion.first, :3, :3]
    at, width = grip.at_m - turn.T @ offset_m, grip.width_m
    size = handling.thing.size_m
    if size is not None:
        if _spans(grip, handling):
            at, width = at - (at @ grip.closing) * grip.closing, _breadth_m(grip, handling)
        half = 0.5 * np.array(size)
        inside = np.maximum(half - PAD_M, 0.5 * half)
        at = np.clip(at, -inside, inside)
    return ShownGrip(at_m=at, approach=grip.approach, closing=grip.closing, width_m=width)


def _spans(grip: ShownGrip, handling: Handling) -> bool:
    """Whether the fingers lie on opposite faces, rather than about a rim or a handle."""
    size = handling.thing.size_m
    return size is not None and abs(grip.width_m - _breadth_m(grip, handling)) < WIDTH_M


def _breadth_m(grip: ShownGrip, handling: Handling) -> float:
    """How broad the thing is along the closing axis."""
    edges = np.array(handling.thing.size_m)
    if handling.thing.category in ROUND and abs(grip.closing[2]) < _EPSILON:
        return float(edges[0])
    return float(edges @ np.abs(grip.closing)) if np.count_nonzero(grip.closing) == 1 else float(edges.min())
