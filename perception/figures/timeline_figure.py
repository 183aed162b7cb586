"""A timeline of behaviours as a picture: a row for each layer of each person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from perception.figures.pose_canvas import PERSON_COLORS

INK, GRID = "#26303c", "#d9dde3"
_ROW_IN, _CHARACTERS_PER_IN = 0.42, 13.0
_PALETTE = ["#{:02x}{:02x}{:02x}".format(*color) for color in PERSON_COLORS] + [
    to_hex(color)
    for color in matplotlib.colormaps["tab20"].colors[::2]  # type: ignore[attr-defined]
]


class Bar(Protocol):
    """What is drawn of a segment; `TimelineSegment` is one."""

    @property
    def person(self) -> int:
        """Whose."""

    @property
    def layer(self) -> str:
        """Of what."""

    @property
    def label(self) -> str:
        """The behaviour, which gives the colour."""

    @property
    def start_s(self) -> float:
        """Begin."""

    @property
    def end_s(self) -> float:
        """End."""

    @property
    def confidence(self) -> float:
        """0 to 1."""

    @property
    def doubt(self) -> str:
        """Why it is unsure; such bars are hatched."""


def timeline_figure(
    segments: Sequence[Bar], span_s: tuple[float, float], *, title: str, truth: Sequence[Bar] = ()
) -> Figure:
    """Draw segments over time; no segments are fine and are said.

    Args:
        segments: what was told.
        span_s: first and last time of the axis.
        title: one line above.
        truth: what was the case, where that is known: drawn below, for comparison.
    """
    rows = list(dict.fromkeys((bar.person, bar.layer, False) for bar in _sorted(segments)))
    rows += list(dict.fromkeys((bar.person, bar.layer, True) for bar in _sorted(truth)))
    height = 1.15 + _ROW_IN * max(len(rows), 1)
    figure = Figure(figsize=(11.0, height), dpi=110, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    labels = list(dict.fromkeys(bar.label for bar in (*truth, *segments)))
    colors = {label: _PALETTE[number % len(_PALETTE)] for number, label in enumerate(labels)}
    people = len({bar.person for bar in segments}) > 1
    unnamed = dict.fromkeys(
        bar.label
        for true, bars in ((False, segments), (True, truth))
        for bar in bars
        if not _draw(axes, bar, rows.index((bar.person, bar.layer, true)), colors[bar.label], span_s)
    )
    if unnamed:
        swatches = [Patch(color=colors[label], label=label) for label in unnamed]
        axes.legend(handles=swatches, loc="upper left", bbox_to_anchor=(1.0, 1.05), frameon=False, fontsize=8.5)
    axes.set_yticks(range(len(rows)), [_row_name(row, people) for row in rows])
    axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    axes.set_xlim(*span_s)
    if not segments:
        axes.text(0.5, 0.5, "no behaviour was told", transform=axes.transAxes, ha="center", va="center", color="0.4")
    _dress(axes, title, "seconds")
    return figure


def truths_figure(truths: Mapping[str, float], *, title: str) -> Figure:
    """Draw how true statements are, as bars from 0 to 1; none are fine and are said.

    Args:
        truths: 0 to 1 by statement, drawn from top to bottom.
        title: one line above.
    """
    height = 1.15 + _ROW_IN * max(len(truths), 1)
    figure = Figure(figsize=(11.0, height), dpi=110, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    rows = range(len(truths))
    axes.barh(rows, list(truths.values()), height=0.72, color=_PALETTE[0], alpha=0.9)
    for row, truth in zip(rows, truths.values(), strict=True):
        axes.text(truth - 0.01, row, f"{truth:.2f}", ha="right", va="center", fontsize=8.5, color="white")
    axes.set_yticks(rows, list(truths))
    axes.set_ylim(max(len(truths), 1) - 0.4, -0.6)
    axes.set_xlim(0.0, 1.0)
    if not truths:
        axes.text(0.5, 0.5, "nothing was told", transform=axes.transAxes, ha="center", va="center", color="0.4")
    _dress(axes, title, "truth")
    return figure


def _dress(axes: Axes, title: str, unit: str) -> None:
    axes.set_xlabel(unit, color=INK)
    axes.set_title(title, color=INK, fontsize=11, loc="left")
    axes.grid(axis="x", color=GRID, lw=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0, colors=INK)


def _sorted(bars: Sequence[Bar]) -> list[Bar]:
    return sorted(bars, key=lambda bar: (bar.person, bar.layer))


def _row_name(row: tuple[int, str, bool], people: bool) -> str:
    person, layer, true = row
    name = f"person {person}, {layer}" if people else layer
    return f"{name} (true)" if true else name


def _draw(axes: Axes, bar: Bar, row: int, color: str, span_s: tuple[float, float]) -> bool:
    """Draw one bar; whether there was room for its name."""
    length = bar.end_s - bar.start_s
    axes.barh(
        row, length, left=bar.start_s, height=0.72, color=color, alpha=0.35 if bar.doubt else 0.9,
        hatch="///" if bar.doubt else None, edgecolor="white", linewidth=0.8,
    )  # fmt: skip
    room = length / max(span_s[1] - span_s[0], 1e-9) * 9.0 * _CHARACTERS_PER_IN
    text = f"{bar}" if len(f"{bar}") <= room else bar.label
    fits = len(text) <= room
    if fits:
        axes.text(
            bar.start_s + 0.5 * length, row, text, ha="center", va="center", fontsize=8.5, color=INK, clip_on=True
        )
    return fits
