"""Programs as people would write them down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from policies.programs.program import TaskProgram
from policies.programs.steps import (
    TABLE,
    Carry,
    Grasp,
    HandOver,
    Lift,
    Place,
    Pour,
    Push,
    Reach,
    Release,
    Step,
    Vec3,
)

_LEVEL, _STEEP = np.sin(np.radians(25.0)), np.sin(np.radians(65.0))


def describe(program: TaskProgram) -> list[str]:
    """One line for each step, such as "2. Grasp cube from above, 42 mm wide, about its middle"."""
    return [f"{number}. {sentence(step)}" for number, step in enumerate(program.steps, start=1)]


def sentence(step: Step) -> str:
    """A step in words, with its numbers."""
    name = step.object
    match step:
        case Reach():
            return f"Reach for {name}"
        case Grasp():
            return f"Grasp {name} {_way(step.approach)}, {_mm(step.width_m)} wide, {_where(step.at_m)}"
        case Lift():
            return f"Lift {name} by {_cm(step.height_m)}"
        case Carry():
            return f"Carry {name} to {_the_table(step.to)}"
        case Place():
            return _placed(step)
        case Release():
            return f"Release {name}"
        case Pour():
            tilt = f"tilted by {np.degrees(step.angle_rad):.0f} degrees for {step.duration_s:.1f} s"
            return f"Pour {name} into {step.to}, {tilt}, its middle {_cm(step.offset_m[2])} above that of {step.to}"
        case Push():
            x, y, _ = step.offset_m
            if step.to == TABLE:
                return f"Push {name} over the table by {_cm(float(np.hypot(x, y)))}"
            return f"Push {name} to {step.to}"
        case HandOver():
            return f"Hand {name} over to {step.to}"
        case _:
            return f"{type(step).__name__} {name}"


def in_short(steps: Sequence[Step]) -> str:
    """What a program does, in one sentence such as "put cube on plate, then pour cup into bowl"."""
    told = []
    for step in steps:
        match step:
            case Place(relation="at"):
                told.append(f"put {step.object} at a place on the table")
            case Place():
                told.append(f"put {step.object} {step.relation} {step.to}")
            case Pour():
                told.append(f"pour {step.object} into {step.to}")
            case Push():
                told.append(f"push {step.object} to {step.to}" if step.to != TABLE else f"push {step.object}")
            case HandOver():
                told.append(f"hand {step.object} to {step.to}")
            case _:
                pass
    return ", then ".join(told) or f"take {steps[0].object}"


def _placed(step: Place) -> str:
    x, y, _ = step.offset_m
    if step.to == TABLE:
        return f"Place {step.object} on the table at ({x:.2f}, {y:.2f}) m"
    if step.relation == "beside":
        return f"Place {step.object} beside {step.to}, {_cm(float(np.hypot(x, y)))} from middle to middle"
    off = float(np.hypot(x, y))
    aside = "" if off < 0.01 else f", {_cm(off)} off its middle"
    return f"Place {step.object} {step.relation} {step.to}{aside}"


def _way(approach: Vec3) -> str:
    """From where a hand came, in a thing's frame."""
    down = -approach[2]
    if down > _STEEP:
        return "from above"
    if down > _LEVEL:
        return "from above at a slant"
    return "from the side" if down > -_LEVEL else "from below"


def _where(at_m: Vec3) -> str:
    x, y, z = at_m
    if np.linalg.norm(at_m) < 0.01:
        return "about its middle"
    parts = [f"{_mm(abs(z))} {'above' if z > 0 else 'below'}"] if abs(z) >= 0.005 else []
    parts += [f"{_mm(float(np.hypot(x, y)))} aside of"] if np.hypot(x, y) >= 0.005 else []
    return f"{' and '.join(parts)} its middle"


def _the_table(name: str) -> str:
    return "the table" if name == TABLE else name


def _mm(length_m: float) -> str:
    return f"{1e3 * length_m:.0f} mm"


def _cm(length_m: float) -> str:
    return f"{1e2 * length_m:.0f} cm"
