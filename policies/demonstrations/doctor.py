"""The doctor: what usually ruins training, found in a set before it is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from policies.demonstrations.action_checks import check_actions
from policies.demonstrations.alignment_check import check_alignment
from policies.demonstrations.finding import Finding, episodes_named
from policies.demonstrations.idle_check import check_idle
from policies.demonstrations.record_checks import check_episodes, check_observations
from policies.demonstrations.vitals import Vitals

if TYPE_CHECKING:
    from policies.demonstrations.formats import EpisodeSource

_GRID_S = 1e-4
"""How far a timestamp may be from its place, beside what single precision rounds; LeRobot's own tolerance."""


def examine(patient: EpisodeSource, *, names: Sequence[str] | None = None) -> list[Finding]:
    """Look for constant and clipped actions, idle and misaligned frames, copies, failures, dead cameras and the like.

    Each episode is read once, and let go. What the record itself refuses (NaN, tables that do not fit) is found as an
    episode that cannot be read.

    Args:
        patient: the set, in any format.
        names: of the episodes; None counts them from 0.

    Returns:
        what was found, errors first; nothing for a healthy set.
    """
    called = [str(number) for number in range(len(patient))] if names is None else list(names)
    vitals, findings, lost, reason = [], list[Finding](), [], ""
    for index, name in enumerate(called):
        try:
            vitals.append(Vitals.of(name, patient[index]))
        except InputError as error:
            lost.append(name)
            reason = reason or str(error)
    if lost:
        findings.append(Finding("error", "unreadable", reason, episodes_named(lost, len(called)),
                                "delete these episodes, or write them anew"))  # fmt: skip
    if vitals:
        for check in (check_actions, check_idle, check_alignment, check_episodes, check_observations):
            findings += check(vitals, patient.info)
    return sorted(findings, key=lambda finding: finding.severity)


def examine_times(times_s: Sequence[NDArray[np.floating]], rate_hz: float) -> list[Finding]:
    """Look for times that are not step / rate.

    Args:
        times_s: (T,) of each episode, seconds from its beginning.
        rate_hz: steps a second.
    """
    off = [float(np.abs(times - np.arange(len(times)) / rate_hz).max(initial=0.0)) for times in times_s]
    slack = [_GRID_S + float(np.spacing(np.float32(len(times) / rate_hz))) for times in times_s]
    guilty = [str(number) for number, (most, bound) in enumerate(zip(off, slack, strict=True)) if not most <= bound]
    if not guilty:
        return []
    what = f"up to {np.nanmax(off) * 1e3:.1f} ms off the grid of {rate_hz:g} Hz"
    remedy = "write step / rate, never the wall clock; resample where frames were lost"
    return [Finding("error", "timestamps", what, episodes_named(guilty, len(times_s)), remedy)]
