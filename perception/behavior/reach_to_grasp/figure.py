"""The picture of an evaluation: how soon the size is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perception.behavior.reach_to_grasp.evaluation import PUBLISHED, ReachEvaluation
from perception.behavior.reach_to_grasp.size_model import PARTS_OF_REACH

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_reach_evaluation(evaluation: ReachEvaluation, ax: Axes) -> Axes:
    """Accuracy over the part of the reach that was seen, beside the published numbers; thin lines are persons."""
    percent = [100.0 * part for part in PARTS_OF_REACH]
    names = [f"{each:.0f}" for each in percent]
    for row in evaluation.rows:
        ax.plot(percent, [100.0 * row[f"size_{name}"] for name in names], color="tab:blue", alpha=0.25, linewidth=0.8)
    results: dict[str, Any] = evaluation.results
    for key, colour, label in (
        ("size_own", "tab:green", "with unlabelled reaches of the new person"),
        ("size", "tab:blue", "new person never seen"),
    ):
        middle = [100.0 * results[f"{key}_{name}"] for name in names]
        spread = [100.0 * results[f"{key}_{name}_sd"] / len(evaluation.rows) ** 0.5 for name in names]
        ax.errorbar(percent, middle, yerr=spread, color=colour, marker="o", capsize=3, label=label)
    published = [100.0 * rate for rate in PUBLISHED]
    ax.plot(percent, published, "k--s", markersize=4, label="published, best of two variants, 8 people")
    ax.axhline(100.0 / 3.0, color="0.6", linewidth=0.8, linestyle=":")
    ax.text(percent[-1], 100.0 / 3.0 + 1.0, "chance", color="0.5", ha="right", fontsize=8)
    ax.set(xlabel="part of the reach seen, %", ylabel="size of the cube right, %", ylim=(20, 100), xticks=percent)
    ax.set_title("Size of what a hand reaches for, one person left out (mean, standard error)", fontsize=10)
    ax.legend(loc="lower right", fontsize=8, frameon=False)
    return ax
