"""A calibration as a picture: residuals of the samples, and the frames where they are."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.axes3d import Axes3D

from geometry import FloatArray
from perception.calibration.calibration import Calibration

_INK, _GOOD, _BAD, _MUTED = "#26303c", "#2a6f97", "#c1440e", "#9aa5b1"
_AXIS_COLORS = ("#c1440e", "#3a7d44", "#2a6f97")
_AXIS_M, _SMALL_M = 0.1, 0.04
_VIEW = {"elev": 22.0, "azim": -58.0}


def calibration_figure(found: Calibration, *, title: str) -> Figure:
    """Bars of the residuals, outliers in red, beside the frames in 3D: robot, samples, camera, board.

    Args:
        found: the calibration.
        title: one line above.
    """
    has_turns = bool(np.isfinite(found.residual_deg).any())
    figure = Figure(figsize=(13.0, 6.4), dpi=110, facecolor="white", layout="constrained")
    grid = figure.add_gridspec(2 if has_turns else 1, 2, width_ratios=(1.0, 1.15))
    _bars(figure.add_subplot(grid[0, 0]), found, found.residual_mm, found.rms_mm, "mm")
    if has_turns:
        _bars(figure.add_subplot(grid[1, 0]), found, found.residual_deg, found.rms_deg, "degrees")
    _frames(figure.add_subplot(grid[:, 1], projection="3d"), found)
    figure.suptitle(title, fontsize=14, fontweight="bold", color=_INK)
    return figure


def _bars(axes: Axes, found: Calibration, values: FloatArray, rms: float, unit: str) -> Axes:
    """One bar a sample; those that tower are cut off and carry their number."""
    top = 1.35 * max(float(np.max(values[~found.is_outlier])), 1e-9)
    colors = [_BAD if out else _GOOD for out in found.is_outlier]
    places = np.arange(len(values))
    axes.bar(places, np.minimum(values, top), color=colors, width=0.7)
    axes.axhline(rms, color=_INK, linewidth=1.0, linestyle="--")
    label = f"rms {rms:.2f}"
    axes.annotate(label, (1.0, rms), xycoords=("axes fraction", "data"), xytext=(3, -3), textcoords="offset points",
                  fontsize=9, color=_INK, annotation_clip=False)  # fmt: skip
    for place, value in enumerate(values.tolist()):
        if value > top:
            axes.text(place, 0.97 * top, f"{value:.1f}", color="white", ha="center", va="top", fontsize=8, rotation=90)
    axes.set_ylim(0.0, top)
    step = max(1, len(values) // 20)
    axes.set_xticks(
        places[::step], found.names[::step], rotation=60 if max(map(len, found.names)) > 3 else 0, fontsize=8
    )
    axes.set_xlim(-0.7, len(values) - 0.3)
    left_out = f", {len(found.outliers)} left out (red)" if found.outliers else ""
    what = "tip" if found.T_other_board is None else "board"
    axes.set_title(f"residual of the {what} by sample, {unit}{left_out}", fontsize=10.5, color=_INK, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _frames(axes: Axes3D, found: Calibration) -> Axes3D:
    in_hand = found.parent == "gripper"
    cameras = found.poses @ found.T_parent_camera if in_hand else found.T_parent_camera[None]
    if found.T_other_board is None:
        boards = np.zeros((0, 4, 4))
    else:
        boards = found.T_other_board[None] if in_hand else found.poses @ found.T_other_board
    used = ~found.is_outlier
    _draw_frame(axes, np.eye(4), _AXIS_M, "robot base")
    sampled, single, names = (
        (cameras, boards, ("cameras", "board")) if in_hand else (boards, cameras, ("boards", "camera"))
    )
    places = found.poses[:, :3, 3]
    axes.scatter(
        *places[used].T,
        color=_MUTED,
        s=14,
        label="gripper" if found.T_other_board is not None else "tip",
        depthshade=False,
    )
    if (~used).any():
        axes.scatter(*places[~used].T, color=_BAD, s=26, marker="x", label="left out", depthshade=False)
    for T in sampled:
        _draw_frame(axes, T, _SMALL_M, "")
    for T_pose, T in zip(found.poses, sampled, strict=False):
        axes.plot(*np.stack([T_pose[:3, 3], T[:3, 3]]).T, color=_MUTED, linewidth=0.7)
    for T in single:
        _draw_frame(axes, T, _AXIS_M, names[1])
    points = np.concatenate([np.zeros((1, 3)), places, cameras[:, :3, 3], boards[:, :3, 3]])
    _equal_box(axes, points)
    axes.view_init(**_VIEW)
    axes.set_xlabel("x, m", fontsize=8)
    axes.set_ylabel("y, m", fontsize=8)
    axes.set_zlabel("z, m", fontsize=8)
    axes.tick_params(labelsize=7)
    shown = f"; small frames: {names[0]} of the samples" if len(sampled) else ""
    axes.set_title(f"in the robot's base (x red, y green, z blue){shown}", fontsize=10.5, color=_INK, loc="left")
    axes.legend(loc="upper right", fontsize=8, frameon=False)
    return axes


def _draw_frame(axes: Axes3D, T: FloatArray, size_m: float, name: str) -> None:
    origin = T[:3, 3]
    for column, color in enumerate(_AXIS_COLORS):
        tip = origin + size_m * T[:3, column]
        axes.plot(*np.stack([origin, tip]).T, color=color, linewidth=2.2 if name else 1.1)
    if name:
        axes.text(*(origin + [0.0, 0.0, -0.6 * size_m]), name, fontsize=9, color=_INK, ha="center", va="top",
                  bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1.0})  # fmt: skip


def _equal_box(axes: Axes3D, points: FloatArray) -> None:
    low, high = points.min(axis=0) - _SMALL_M, points.max(axis=0) + _SMALL_M
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_zlim(low[2], high[2])
    axes.set_box_aspect(tuple((high - low).tolist()), zoom=0.9)
