"""Small side views of the steps of a program: things as they are seen from the front, to scale with each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle

from policies.programs.program import ProgramObject
from policies.programs.standing import ASSUMED_SIZE_M, OPEN, is_mark
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

WIDTH, HEIGHT = 1.0, 1.0
"""Of one box, in the units of its axes."""
INK, GROUND, HAND = "#26303c", "#b9c0c8", "#d98e63"
_VIEW_M = 0.30
"""What fits into the breadth of a box."""
_FLOOR = 0.20
_WALL_M = 0.006


class StepSketch:
    """Draws boxes into axes of equal scales.

    Args:
        axes: where.
        objects: the program's things.
        colors: of each thing, by name.
    """

    def __init__(self, axes: Axes, objects: Mapping[str, ProgramObject], colors: Mapping[str, str]) -> None:
        self._axes, self._objects, self._colors = axes, objects, colors
        self._left = self._bottom = 0.0

    def draw(self, step: Step, number: int, left: float, bottom: float) -> None:
        """Draw one step with its lower left corner there."""
        self._left, self._bottom = left, bottom
        frame = FancyBboxPatch(
            (left, bottom), WIDTH, HEIGHT, boxstyle="round,pad=0,rounding_size=0.06", facecolor="white",
            edgecolor=self._colors.get(step.object, INK), linewidth=1.4,
        )  # fmt: skip
        self._axes.add_patch(frame)
        name = "Hand over" if isinstance(step, HandOver) else type(step).__name__
        self._axes.text(
            left + 0.05, bottom + 0.95, f"{number} {name}", va="top", fontsize=8.5, color=INK, weight="bold"
        )
        self._line((-0.13, 0.0), (0.13, 0.0), GROUND, 1.2)
        self._action(step)
        self._caption(_caption(step))

    def _action(self, step: Step) -> None:
        high = 0.5 * self._size(step.object)[2]
        match step:
            case Reach():
                self._thing(step.object, 0.0, high)
                self._fingers(0.05, 2 * high + 0.075, self._breadth(step.object) + 0.03)
                self._arrow((0.05, 2 * high + 0.06), (0.01, 2 * high + 0.02))
            case Grasp():
                self._thing(step.object, 0.0, high)
                self._fingers(0.0, high + step.at_m[2], step.width_m)
            case Lift():
                self._thing(step.object, 0.0, high + 0.05)
                self._fingers(0.0, high + 0.05, self._breadth(step.object))
                self._arrow((-0.09, 0.02), (-0.09, 0.10))
            case Carry():
                self._target(step.to, 0.05)
                self._thing(step.object, -0.08, high + 0.07)
                self._fingers(-0.08, high + 0.07, self._breadth(step.object))
                self._arrow((-0.02, high + 0.10), (0.06, high + 0.10))
            case Place():
                self._placed(step.object, step.to, step.offset_m, step.relation == "at")
            case Release():
                self._thing(step.object, 0.0, high)
                self._fingers(0.0, high + 0.01, self._breadth(step.object) + 0.035)
                self._arrow((0.09, high), (0.09, high + 0.08))
            case Pour():
                self._poured(step)
            case Push():
                self._pushed(step)
            case HandOver():
                self._thing(step.object, 0.0, high + 0.05)
                self._fingers(0.0, high + 0.06, self._breadth(step.object))
                self._palm(0.0, 0.05)
            case _:
                self._thing(step.object, 0.0, high)

    def _placed(self, name: str, to: str, offset: Vec3, on_table: bool) -> None:
        high = 0.5 * self._size(name)[2]
        if on_table or to == TABLE or to not in self._objects:
            self._thing(name, 0.0, high)
            self._arrow((0.0, 2 * high + 0.07), (0.0, 2 * high + 0.01))
            return
        floor = 0.5 * self._size(to)[2]
        across = float(np.hypot(offset[0], offset[1])) * (1.0 if offset[1] <= 0.0 else -1.0)
        middle = -0.5 * across
        self._thing(to, middle, floor)
        self._thing(name, middle + across, floor + offset[2])
        top = floor + offset[2] + high
        self._arrow((middle + across, top + 0.07), (middle + across, top + 0.01))

    def _poured(self, step: Pour) -> None:
        floor = 0.5 * self._size(step.to)[2]
        across = float(np.clip(np.hypot(step.offset_m[0], step.offset_m[1]), 0.0, 0.10))
        self._thing(step.to, -0.02, floor)
        self._thing(step.object, -0.02 + across, floor + min(step.offset_m[2], 0.14), tilt_rad=step.angle_rad)

    def _pushed(self, step: Push) -> None:
        high = 0.5 * self._size(step.object)[2]
        breadth = self._breadth(step.object)
        if step.to in self._objects:
            self._thing(step.to, 0.08, 0.5 * self._size(step.to)[2])
        self._thing(step.object, -0.03, high)
        self._fingers(-0.045 - 0.5 * breadth, high, 0.008)
        self._arrow((0.01 + 0.5 * breadth - 0.02, 2 * high + 0.02), (0.08, 2 * high + 0.02))

    def _target(self, name: str, x_m: float) -> None:
        if name in self._objects and self._objects[name].category != "person":
            self._thing(name, x_m, 0.5 * self._size(name)[2])
        elif name != TABLE:
            self._palm(x_m, 0.05)

    def _thing(self, name: str, x_m: float, z_m: float, tilt_rad: float = 0.0) -> None:
        """A thing's outline from the front: open ones show their walls."""
        known = self._objects.get(name)
        size, color = self._size(name), self._colors.get(name, GROUND)
        wide, high = 0.5 * self._breadth(name), 0.5 * max(size[2], 0.004)
        corners = [(-wide, high), (-wide, -high), (wide, -high), (wide, high)]
        if known is not None and known.category in OPEN:
            inner = [(wide - _WALL_M, high), (wide - _WALL_M, _WALL_M - high), (_WALL_M - wide, _WALL_M - high)]
            corners += [*inner, (_WALL_M - wide, high)]
        turn = np.array([[np.cos(tilt_rad), -np.sin(tilt_rad)], [np.sin(tilt_rad), np.cos(tilt_rad)]])
        points = [self._at(*(turn @ np.array(corner) + (x_m, z_m))) for corner in corners]
        self._axes.add_patch(Polygon(points, facecolor=color, edgecolor=INK, linewidth=0.8, alpha=0.9))

    def _fingers(self, x_m: float, z_m: float, width_m: float) -> None:
        """Two fingers that come from above, and the palm between them."""
        for side in (-1.0, 1.0):
            left, low = self._at(x_m + side * (0.5 * width_m + 0.004) - 0.004, z_m - 0.008)
            self._axes.add_patch(Rectangle((left, low), 0.008 / _VIEW_M, 0.055 / _VIEW_M, color=HAND, lw=0))
        left, low = self._at(x_m - 0.5 * width_m - 0.008, z_m + 0.047)
        self._axes.add_patch(Rectangle((left, low), (width_m + 0.016) / _VIEW_M, 0.010 / _VIEW_M, color=HAND, lw=0))

    def _palm(self, x_m: float, z_m: float) -> None:
        """Another person's hand from the side."""
        self._line((x_m - 0.05, z_m - 0.008), (x_m + 0.07, z_m - 0.008), HAND, 5.0)
        self._axes.add_patch(Circle(self._at(x_m + 0.08, z_m - 0.008), 0.014 / _VIEW_M, color=HAND, lw=0))

    def _arrow(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        style = {"arrowstyle": "-|>", "color": INK, "lw": 1.2, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
        self._axes.annotate("", self._at(*end), self._at(*start), arrowprops=style)

    def _line(self, start: tuple[float, float], end: tuple[float, float], color: str, width: float) -> None:
        (x0, y0), (x1, y1) = self._at(*start), self._at(*end)
        self._axes.plot([x0, x1], [y0, y1], color=color, lw=width, solid_capstyle="round", zorder=1.5)

    def _caption(self, text: str) -> None:
        self._axes.text(self._left + 0.5, self._bottom + 0.03, text, ha="center", va="bottom", fontsize=7.2, color=INK)

    def _at(self, x_m: float, z_m: float) -> tuple[float, float]:
        """Where metres from the middle of the floor are drawn."""
        return self._left + 0.5 * WIDTH + float(x_m) / _VIEW_M, self._bottom + _FLOOR + float(z_m) / _VIEW_M

    def _size(self, name: str) -> Vec3:
        known = self._objects.get(name)
        return ASSUMED_SIZE_M if known is None or known.size_m is None else known.size_m

    def _breadth(self, name: str) -> float:
        known = self._objects.get(name)
        x, y, _ = self._size(name)
        return min(x, y) if known is not None and is_mark(known) else min(x, 0.17)


def _caption(step: Step) -> str:
    match step:
        case Grasp():
            return f"{step.object}, {1e3 * step.width_m:.0f} mm"
        case Lift():
            return f"{step.object}, {1e2 * step.height_m:.0f} cm"
        case Place(relation="at"):
            return f"{step.object} at ({step.offset_m[0]:.2f}, {step.offset_m[1]:.2f})"
        case Place():
            return f"{step.object} {step.relation} {step.to}"
        case Pour():
            return f"{step.object} into {step.to}, {np.degrees(step.angle_rad):.0f}°"
        case Carry() | Push() | HandOver():
            return f"{step.object} to {step.to}"
        case _:
            return step.object
