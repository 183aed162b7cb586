"""The picture of the comparison: what isolation gains or costs against coupled streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from geometry import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROWS = (
    ("size", "f1", "new size"),
    ("size_few", "f1", "new size, few recordings"),
    ("size_person", "f1", "new size and person"),
    ("pairs", "seen", "verbs, seen pairs"),
    ("pairs", "unseen", "verbs, unseen pairs"),
)
_ARMS = (
    (("isolated",), "tab:blue", "isolated (openness 0)"),
    (("quarter",), "tab:orange", "openness 0.25"),
    (("motion_alone", "states_alone"), "0.5", "no object stream"),
)


def draw_transfer(scores: Mapping[str, Any], ax: Axes) -> Axes:
    """Differences to the coupled network, in points, with intervals of 95 %.

    Args:
        scores: what `transfer_scores` gives; experiments that are not in it are left out.
        ax: to draw on.
    """
    rows = [row for row in _ROWS if f"{row[0]}_isolated_{row[1]}" in scores]
    if not rows:
        raise InputError("draw_transfer", expected="results of transfer_scores", got="none of its experiments")
    for number, (names, colour, label) in enumerate(_ARMS):
        for place, (experiment, score, _) in enumerate(rows):
            keys = [f"{experiment}_{name}_minus_coupled_{score}" for name in names]
            key = next(key for key in keys if key in scores)
            middle, low, high = (100.0 * scores[key + end] for end in ("", "_low", "_high"))
            ax.errorbar(
                middle,
                place + 0.2 * (number - 1),
                xerr=[[middle - low], [high - middle]],
                fmt="o",
                color=colour,
                capsize=3,
                label=label if place == 0 else None,
            )
    ax.axvline(0.0, color="black", linewidth=0.8)
    ax.set_yticks(range(len(rows)), [label for _, _, label in rows])
    ax.invert_yaxis()
    ax.set_xlabel("points against coupled streams (F1 of phases, mean precision of pairs)")
    ax.set_title("Semi-coupled gradients: below 0 is worse than coupled", fontsize=10)
    ax.legend(fontsize=8, frameon=False, loc="best")
    return ax
