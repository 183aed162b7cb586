"""A picture of decoded activity: who fired when, under the decoded and the true states."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray
from perception.behavior.neural_decoding.activity import checked_activity

_BAND, _SPACE = 0.07, 0.015
_UNSEEN = "#cfdeee"


def draw_decoded_raster(
    axes: Axes,
    activity: ArrayLike,
    path: NDArray[np.int_],
    labels: Sequence[str],
    *,
    bin_s: float,
    truth: NDArray[np.int_] | None = None,
    posterior: FloatArray | None = None,
) -> Axes:
    """Draw activity as an image, one row per unit, with bands of states above it.

    Units are sorted by the state in which they fire most, so that states show as blocks.

    Args:
        axes: to draw into.
        activity: (T, U) counts; each unit is drawn relative to its own 99th percentile, NaN is pale blue.
        path: (T,) decoded states.
        labels: (S,) names.
        bin_s: seconds.
        truth: (T,) true states, drawn as a second band; -1 is left empty.
        posterior: (T, S) chances; the decoded band pales where the state is unsure.
    """
    values = checked_activity(activity, "draw_decoded_raster")
    length_s = bin_s * len(values)
    order = _by_preferred_state(values, path, len(labels))
    top = np.nanpercentile(values, 99, axis=0) if len(values) else np.ones(values.shape[1])
    share = values / np.where(top > 0.0, top, max(1.0, float(np.nanmax(values, initial=1.0))))
    axes.imshow(
        share[:, order].T,
        aspect="auto",
        cmap="Greys",
        vmin=0.0,
        vmax=1.0,
        interpolation="nearest",
        extent=(0.0, length_s, values.shape[1], 0.0),
    )
    axes.set_facecolor(_UNSEEN)
    colors = matplotlib.colormaps["tab10" if len(labels) <= 10 else "tab20"](np.arange(len(labels)) % 20)[:, :3]
    strength = np.ones(len(path)) if posterior is None else posterior[np.arange(len(path)), path]
    bands = [("decoded", path, strength)]
    if truth is not None:
        bands.append(("true", truth, np.ones(len(truth))))
    for number, (name, states, opacity) in enumerate(bands):
        _band(axes, name, 1.0 + _SPACE + number * (_BAND + _SPACE), states, opacity, colors, length_s)
    axes.set_xlabel("time (s)")
    axes.set_ylabel("unit, by preferred state")
    shown = [k for k in range(len(labels)) if (path == k).any() or (truth is not None and (truth == k).any())]
    axes.legend(
        handles=[Patch(color=colors[k], label=labels[k]) for k in shown],
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
    )
    return axes


def _by_preferred_state(values: FloatArray, path: NDArray[np.int_], count: int) -> NDArray[np.int_]:
    filled = np.nan_to_num(values)
    rates = np.stack(
        [filled[path == k].mean(axis=0) if (path == k).any() else filled[:0].sum(axis=0) for k in range(count)]
    )
    return np.asarray(np.lexsort((-rates.max(axis=0), rates.argmax(axis=0))))


def _band(
    axes: Axes,
    name: str,
    low: float,
    states: NDArray[np.int_],
    opacity: FloatArray,
    colors: FloatArray,
    length_s: float,
) -> None:
    """A strip of colour above the axes, in their own units sideways and in shares of their height upwards."""
    strip = axes.inset_axes((0.0, low, 1.0, _BAND))
    pixels = np.concatenate([colors[np.maximum(states, 0)], np.where(states >= 0, opacity, 0.0)[:, None]], axis=1)
    strip.imshow(pixels[None], aspect="auto", interpolation="nearest", extent=(0.0, length_s, 1.0, 0.0))
    strip.set_xticks([])
    strip.set_yticks([0.5], [name])
    strip.tick_params(length=0)
    for side in strip.spines.values():
        side.set_visible(False)
