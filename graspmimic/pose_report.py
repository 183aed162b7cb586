"""Tables, figure and flat results of `bench pose`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from rich.table import Table

from envs.humanoid import JOINTS
from geometry import FloatArray
from graspmimic.pose_crowds import CrowdScores
from graspmimic.pose_rotations import MotionErrors

_LOOKS = {
    "naive": ("nothing, naive IK", "#c9b037"),
    "raw": ("nothing", "#8c8c8c"),
    "one_euro": ("one-euro (online)", "#d1702c"),
    "rts": ("RTS (offline)", "#2c6fb3"),
    "ours": ("ours", "#2c6fb3"),
    "iou": ("IoU alone", "#8c8c8c"),
}
"""Name for people and colour of each variant and tracker."""


def flat_results(
    crowds: Sequence[CrowdScores], errors: Sequence[MotionErrors], costs: Mapping[str, FloatArray]
) -> dict[str, Any]:
    """Everything as numbers by name."""
    results: dict[str, Any] = {}
    for each in crowds:
        name = f"track_{each.people}_{each.tracker}"
        idf1 = [score.idf1 for score in each.scores]
        results |= {
            f"{name}_switches": each.switches, f"{name}_idf1": each.idf1, f"{name}_mota": each.mota,
            f"{name}_idf1_low": min(idf1), f"{name}_idf1_high": max(idf1),
            f"{name}_switches_by_seed": [score.switches for score in each.scores],
        }  # fmt: skip
    for error in errors:
        name = f"ik_{error.variant}_{error.noise_cm}cm"
        results |= {
            f"{name}_rotation_deg": error.rotation_deg, f"{name}_told_deg": error.told_deg,
            f"{name}_position_mm": error.position_mm,
            f"{name}_keypoints_mm": error.keypoints_mm, f"{name}_jerk_m_s3": error.jerk_m_s3,
            f"{name}_lag_ms": error.lag_ms,
            f"{name}_rotation_deg_low": float(error.seeds_deg.min()),
            f"{name}_rotation_deg_high": float(error.seeds_deg.max()),
        }  # fmt: skip
        results |= {f"{name}_{joint}_deg": float(value) for joint, value in zip(JOINTS, error.joint_deg, strict=True)}
        results["true_jerk_m_s3"] = error.true_jerk_m_s3
    for stage, values in costs.items():
        low, high = np.percentile(values, (50, 95))
        results |= {f"{stage}_ms_p50": float(low), f"{stage}_ms_p95": float(high)}
    return results


def tracking_table(crowds: Sequence[CrowdScores]) -> Table:
    """Who kept identities how well."""
    table = Table(title="Crowds before one camera")
    for column in ("people", "tracker", "identity switches", "IDF1 (seeds from - to)", "MOTA"):
        table.add_column(column, justify="right" if column != "tracker" else "left")
    for each in crowds:
        idf1 = [score.idf1 for score in each.scores]
        table.add_row(
            str(each.people), _LOOKS[each.tracker][0], str(each.switches),
            f"{each.idf1:.3f} ({min(idf1):.3f} - {max(idf1):.3f})", f"{each.mota:.3f}",
        )  # fmt: skip
    return table


def rotation_table(errors: Sequence[MotionErrors]) -> Table:
    """How far the rotations and joints are from the true ones."""
    table = Table(title="Inverse kinematics on the recorded clips")
    columns = (
        "keypoint noise",
        "before IK",
        "keypoints",
        "joints after IK",
        "rotations",
        "of told joints",
        "jerk / true",
        "lag",
    )
    for column in columns:
        table.add_column(column, justify="left" if column == "before IK" else "right")
    for each in sorted(errors, key=lambda error: error.noise_cm):
        table.add_row(
            f"{each.noise_cm} cm", _LOOKS[each.variant][0], f"{each.keypoints_mm:.1f} mm", f"{each.position_mm:.1f} mm",
            f"{each.rotation_deg:.1f} deg", f"{each.told_deg:.1f} deg",
            f"{each.jerk_m_s3 / each.true_jerk_m_s3:.2f}", f"{each.lag_ms:.0f} ms",
        )  # fmt: skip
    return table


def latency_table(costs: Mapping[str, FloatArray]) -> Table:
    """What each stage costs."""
    table = Table(title="CPU time of a frame on one core, without image network")
    for column in ("stage", "median", "95 %"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for stage, values in costs.items():
        middle, high = np.percentile(values, (50, 95))
        table.add_row(stage.removeprefix("latency_").replace("_", " "), f"{middle:.2f} ms", f"{high:.2f} ms")
    return table


def draw_bench(crowds: Sequence[CrowdScores], errors: Sequence[MotionErrors]) -> Figure:
    """Errors against noise, jitter against lag, and identity switches."""
    figure = Figure(figsize=(15.0, 4.0), layout="constrained")
    axes = figure.subplots(1, 4)
    _draw_errors(axes[0], errors, "position_mm", "joints off by [mm]")
    _draw_errors(axes[1], errors, "rotation_deg", "rotations off by [deg]")
    _draw_jitter(axes[2], errors)
    _draw_switches(axes[3], crowds)
    axes[0].legend(frameon=False)
    return figure


def _draw_errors(ax: Axes, errors: Sequence[MotionErrors], field: str, label: str) -> None:
    for name in dict.fromkeys(error.variant for error in errors):
        mine = [error for error in errors if error.variant == name]
        noise = [error.noise_cm for error in mine]
        ax.plot(noise, [getattr(e, field) for e in mine], "o-", color=_LOOKS[name][1], label=_LOOKS[name][0])
        if field == "position_mm":
            ax.plot(noise, [e.keypoints_mm for e in mine], ":", color=_LOOKS[name][1])
    ax.set(xlabel="keypoint noise along each axis [cm]", ylabel=label, ylim=(0.0, None))
    if field == "position_mm":
        ax.set_title("joints after IK; dotted: keypoints before it", fontsize=9)
    else:
        ax.set_title("mean over 13 joints", fontsize=9)


def _draw_jitter(ax: Axes, errors: Sequence[MotionErrors]) -> None:
    for error in errors:
        if error.noise_cm:
            jitter = error.jerk_m_s3 / error.true_jerk_m_s3
            ax.scatter(error.lag_ms, jitter, s=50 * error.noise_cm, color=_LOOKS[error.variant][1])
            ax.annotate(f"{error.noise_cm} cm", (error.lag_ms, jitter), (6, 4), textcoords="offset points", fontsize=8)
    ax.axhline(1.0, color="k", lw=0.6, ls="--")
    ax.set(xlabel="lag [ms]", ylabel="jerk / true jerk", yscale="log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.margins(x=0.15)
    ax.set_title("jitter against lag; dashed: no jitter added", fontsize=9)


def _draw_switches(ax: Axes, crowds: Sequence[CrowdScores]) -> None:
    sizes = sorted({each.people for each in crowds})
    for number, tracker in enumerate(dict.fromkeys(each.tracker for each in crowds)):
        mine = {each.people: each for each in crowds if each.tracker == tracker}
        name, colour = _LOOKS[tracker]
        places = np.arange(len(sizes)) + 0.44 * (number - 0.5)
        bars = ax.bar(places, [mine[size].switches for size in sizes], 0.4, color=colour, label=name)
        ax.bar_label(bars, [f"{mine[size].switches}\nIDF1\n{mine[size].idf1:.2f}" for size in sizes], fontsize=8)
    ax.set_xticks(range(len(sizes)), [str(size) for size in sizes])
    ax.set_yscale("symlog", linthresh=10)
    ax.yaxis.set_major_formatter("{x:g}")
    ax.margins(y=0.25)
    ax.set(xlabel="people in the crowd", ylabel="identity switches, all seeds")
    ax.set_title("tracking", fontsize=9)
    ax.legend(frameon=False, loc="upper left")
