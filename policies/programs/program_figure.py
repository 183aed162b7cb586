"""A program as a picture: above, what hands and things did in the recording; below, the steps that it became."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perception.behavior.watching import Timeline, TimelineSegment
from perception.figures import PERSON_COLORS
from policies.programs.program import TaskProgram
from policies.programs.recording_program import ShownTask
from policies.programs.step_sketch import GROUND, HEIGHT, INK, WIDTH, StepSketch

_COLORS = ["#{:02x}{:02x}{:02x}".format(*color) for color in PERSON_COLORS]
_NAMED = {
    "red": "#d1583f", "blue": "#3b74c4", "green": "#4c9f57", "yellow": "#e3b23c", "orange": "#e08a3c",
    "black": "#555b62", "white": "#f1efe9", "grey": "#9aa1a8", "brown": "#8d6a4f",
}  # fmt: skip
_A_ROW, _GAP = 6, 0.10
"""Steps beside each other; what handles one thing once mostly has six."""
_IN, _BAR_IN = 1.75, 0.30
_FONTS = ((8.0, 13.0), (6.0, 17.5))
"""Sizes of a bar's words, and how many characters of them an inch holds."""
_GRID = "#d9dde3"


def program_figure(shown: ShownTask, *, timeline: Timeline | None = None, title: str = "") -> Figure:
    """Draw a program and the recording that it comes from.

    Args:
        shown: what was understood; without a program, the reason is written instead.
        timeline: behaviours of the hands in the same recording, drawn above.
        title: one line at the top; empty: the program's own text.
    """
    program = shown.program
    steps = () if program is None else program.steps
    hands = [] if timeline is None else _of_hands(timeline)
    things = list(dict.fromkeys(event.thing for event in shown.events))
    bars = max(1, len({each.layer for each in hands}) + len(things))
    rows = max(1, -(-len(steps) // _A_ROW))
    top_in, below_in = 0.8 + _BAR_IN * bars, _IN * rows * (HEIGHT + _GAP) + 0.15
    width_in = _IN * (_A_ROW * (WIDTH + _GAP) + _GAP)
    figure = Figure(figsize=(width_in, top_in + below_in), dpi=110, facecolor="white", layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=[top_in, below_in])
    colors = _colors_of(things, program)
    _draw_recording(above, shown, hands, colors)
    above.set_title(title or (program.text if program else "no program"), loc="left", color=INK, fontsize=11)
    below.set_axis_off()
    if program is None:
        below.text(0.5, 0.5, shown.reason, transform=below.transAxes, ha="center", va="center", color="0.35")
        return figure
    _draw_steps(below, program, colors, rows)
    return figure


def _colors_of(things: Sequence[str], program: TaskProgram | None) -> dict[str, str]:
    """The colour that a thing's name tells, else colours first for what is handled, so that neighbours differ."""
    first = [] if program is None else [step.object for step in program.steps]
    names = dict.fromkeys([*first, *things])
    told = {name: _NAMED[word] for name in names for word in name.lower().replace("_", " ").split() if word in _NAMED}
    free = [color for color in _COLORS if color not in told.values()]
    others = {name: free[number % len(free)] for number, name in enumerate(each for each in names if each not in told)}
    return told | others


def _of_hands(timeline: Timeline) -> list[TimelineSegment]:
    return [each for each in timeline.segments if each.layer.endswith("hand")]


def _draw_recording(axes: Axes, shown: ShownTask, hands: Sequence[TimelineSegment], colors: Mapping[str, str]) -> None:
    """Bars over time: a row for each hand, then one for each thing."""
    people = len({each.person for each in hands}) > 1
    layers = {each: f"person {each[0] + 1}, {each[1]}" if people else each[1] for each in map(_layer, hands)}
    names = [*layers.values(), *dict.fromkeys(event.thing for event in shown.events)]
    end_s = max([event.end_s for event in shown.events] + [each.end_s for each in hands], default=1.0)
    for each in hands:
        row = names.index(layers[_layer(each)])
        color = colors.get(each.object, GROUND)
        _bar(axes, row, each.start_s, each.end_s, color, f"{each}", end_s, faint=bool(each.doubt))
    for event in shown.events:
        row = names.index(event.thing)
        if event.kind == "rest":
            axes.plot([event.start_s, event.end_s], [row, row], color=GROUND, lw=2.0, zorder=1)
        else:
            _bar(axes, row, event.start_s, event.end_s, colors[event.thing], event.kind, end_s, faint=False)
    for step in () if shown.program is None else shown.program.steps:
        axes.axvline(step.start_s, color=INK, lw=0.5, alpha=0.35, zorder=0)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(max(len(names), 1) - 0.4, -0.6)
    axes.set_xlim(0.0, end_s)
    axes.set_xlabel("seconds; lines where steps begin", color=INK)
    axes.grid(axis="x", color=_GRID, lw=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0, colors=INK)


def _layer(segment: TimelineSegment) -> tuple[int, str]:
    return segment.person, segment.layer


def _bar(
    axes: Axes, row: int, start_s: float, end_s: float, color: str, text: str, span_s: float, *, faint: bool
) -> None:
    length = end_s - start_s
    axes.barh(
        row, length, left=start_s, height=0.74, color=color, alpha=0.35 if faint else 0.85,
        hatch="///" if faint else None, edgecolor="white", linewidth=0.8,
    )  # fmt: skip
    width_in = 10.0 * length / span_s
    fitting = [
        (words, size) for size, per_in in _FONTS for words in (text, text.split()[0]) if len(words) <= width_in * per_in
    ]
    if fitting:
        words, size = fitting[0]
        middle = start_s + 0.5 * length
        axes.text(middle, row, words, ha="center", va="center", fontsize=size, color=INK, clip_on=True)


def _draw_steps(axes: Axes, program: TaskProgram, colors: Mapping[str, str], rows: int) -> None:
    sketch = StepSketch(axes, {each.name: each for each in program.objects}, colors)
    for number, step in enumerate(program.steps):
        row, column = divmod(number, _A_ROW)
        left, bottom = column * (WIDTH + _GAP), -(row + 1) * (HEIGHT + _GAP)
        sketch.draw(step, number + 1, left, bottom)
        if number + 1 < len(program.steps) and column + 1 < _A_ROW:
            middle = bottom + 0.5 * HEIGHT
            style = {"arrowstyle": "-|>", "color": INK, "lw": 1.0, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", (left + WIDTH + _GAP, middle), (left + WIDTH, middle), arrowprops=style)
    axes.set_xlim(-0.02, _A_ROW * (WIDTH + _GAP) + np.finfo(float).eps)
    axes.set_ylim(-rows * (HEIGHT + _GAP) - 0.02, 0.05)
    axes.set_aspect("equal", anchor="NW")
