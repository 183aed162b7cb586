"""Where exactly a thing is put down: near to where the person put it, where it is held up and nothing stands."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from envs.workbench import TABLE, Layout, Thing
from geometry import FloatArray, transform
from policies.programs import Place

_WALL_M = 0.004
_AIR_M = 0.006
_BESIDE_M = 0.020
_ROUND = ("can", "cup", "bowl", "plate")
_RIMMED = ("cup", "bowl", "box", "tray", "plate")
_SEARCH_M = 0.12
_GRID_M = 0.01


class Spot(NamedTuple):
    """A place for a thing, or why there is none."""

    T_world_thing: FloatArray | None
    """(4, 4) upright; about the vertical it may be turned as is convenient."""
    why: str = ""
    """What is in the way."""


def find_spot(step: Place, name: str, to: str, things: dict[str, Thing], layout: Layout) -> Spot:
    """The free place nearest to the one that was shown.

    What is put "on" or "in" something is put where that carries it: the shown place is drawn inwards as far as
    that takes, onto the middle of what is as small as itself.

    Args:
        step: relation and offset, as shown.
        name: of the thing that is put down, on the bench.
        to: of the thing that it is put to, on the bench, or `TABLE`.
        things: on the bench.
        layout: where they are.
    """
    thing = things[name]
    wish = np.array(step.offset_m[:2]) + (0.0 if to == TABLE else layout[to][:2, 3])
    others = {each: T for each, T in layout.items() if each in things and each not in (name, to)}
    others = {each: T for each, T in others.items() if not things[each].fixed}
    if to != TABLE and step.relation in ("on", "in"):
        carrier, T_carrier = things[to], layout[to]
        surface = float(T_carrier[2, 3] + carrier.carries_at_m)
        candidates = _within(thing, carrier, T_carrier, wish)
        others = {each: T for each, T in others.items() if T[2, 3] > surface}
    else:
        surface = 0.0
        candidates = _round_about(wish)
        if to != TABLE and step.relation == "beside":
            others[to] = layout[to]
    near = candidates[np.argsort(np.linalg.norm(candidates - wish, axis=1), kind="stable")]
    free = _room(near, thing, others, things, to)
    if not free.max(initial=-1.0) >= 0.0:
        return Spot(None, f"no room for {name!r} {step.relation} {to!r}")
    x, y = near[int(np.argmax(free >= 0.0))]
    return Spot(transform(translation=(x, y, surface + 0.5 * thing.size_m[2])))


def _within(thing: Thing, carrier: Thing, T_carrier: FloatArray, wish: FloatArray) -> FloatArray:
    """(n, 2) places at which a thing is carried, the shown one among them where it is one."""
    rim = _WALL_M if carrier.category in _RIMMED else 0.0
    slack = _AIR_M if rim else 0.0
    half = np.array([_half(carrier, axis) - rim - slack - thing.radius_m for axis in (0, 1)]).clip(0.0)
    axes = T_carrier[:2, :2]
    local = axes.T @ (wish - T_carrier[:2, 3])
    grid = np.stack(np.meshgrid(*[np.linspace(-h, h, 9) for h in half]), axis=-1).reshape(-1, 2)
    if carrier.category in _ROUND:
        grid = grid[np.hypot(*grid.T) <= half[0] + 1e-9]
        local = local * min(1.0, half[0] / max(float(np.hypot(*local)), 1e-9))
    local = np.clip(local, -half, half)
    return np.concatenate([local[None], grid]) @ axes.T + T_carrier[:2, 3]


def _half(thing: Thing, axis: int) -> float:
    return 0.5 * thing.size_m[axis]


def _round_about(wish: FloatArray) -> FloatArray:
    """(n, 2) places on the table round the shown one, it first."""
    steps = np.arange(-_SEARCH_M, _SEARCH_M + 1e-9, _GRID_M)
    return np.concatenate([[wish], wish + np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)])


def _room(
    places: FloatArray, thing: Thing, others: dict[str, FloatArray], things: dict[str, Thing], to: str
) -> FloatArray:
    """(n,) least gap to the circles about the other things, less what is wanted of it."""
    room = np.full(len(places), np.inf)
    for name, T in others.items():
        apart = np.linalg.norm(places - T[:2, 3], axis=1) - thing.radius_m - things[name].radius_m
        if name == to:  # what stands beside something may come as near as the flat sides allow
            apart += thing.radius_m - 0.5 * min(thing.size_m[:2]) + things[name].radius_m
            apart -= 0.5 * min(things[name].size_m[:2]) + _BESIDE_M
        room = np.minimum(room, apart - _AIR_M)
    return room
