"""Draw success over processor time for runs of `train rl`: python tools/rl_curves.py FOLDER... PICTURE.png."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK, GRID = "#26303c", "#d9dde3"
COLORS = {"Reach": "#4e79a7", "Push": "#f28e2b", "PickPlace": "#59a14f", "Lift": "#b07aa1", "Stack": "#e15759",
          "Slide": "#76b7b2", "Handover": "#9c755f", "Stack3": "#bab0ac"}  # fmt: skip


def curves(folders: list[Path]) -> dict[str, list[list[tuple[float, float]]]]:
    """(CPU seconds, share of validation episodes that ended in success) of each run, by task."""
    found = defaultdict(list)
    for folder in folders:
        state = json.loads((folder / "checkpoint" / "state.json").read_text(encoding="utf-8"))
        points = [(0.0, 0.0), *((cpu_s, at_end) for _, cpu_s, at_end, _ in state["progress"]["curve"])]
        found[state["settings"]["task"]].append(points)
    return dict(found)


def main() -> None:
    """Draw what the command line names."""
    *folders, picture = map(Path, sys.argv[1:])
    figure = Figure(figsize=(9.6, 4.0), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    for task, runs in sorted(curves(folders).items(), key=lambda item: list(COLORS).index(item[0])):
        for number, points in enumerate(runs):
            minutes, success = zip(*((cpu_s / 60.0, at_end) for cpu_s, at_end in points), strict=True)
            label = f"{task} ({len(runs)} seed{'s' if len(runs) > 1 else ''})" if number == 0 else None
            axes.plot(minutes, success, color=COLORS[task], lw=1.6, alpha=0.85, label=label)
    axes.set_xlabel("minutes of one CPU core", color=INK)
    axes.set_ylabel("success at the end", color=INK)
    axes.set_ylim(-0.02, 1.04)
    axes.set_xlim(left=0.0)
    axes.grid(color=GRID, lw=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False, fontsize=9)
    FigureCanvasAgg(figure).print_png(str(picture))


if __name__ == "__main__":
    main()
