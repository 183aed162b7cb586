"""A segment: one behaviour from here to there, how sure it is, and why it may be unsure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One stretch of one behaviour."""

    start_s: float
    """Time of its first frame, seconds."""
    end_s: float
    """Time at which it is over: of its last frame plus the time of one frame, seconds."""
    label: str
    """What was done."""
    confidence: float
    """Mean posterior of the label over the segment, 0 to 1."""
    first_frame: int
    """Its first frame."""
    last_frame: int
    """Its last frame."""
    doubt: str = ""
    """Why the label should not be acted on; empty where it may."""

    @property
    def unsure(self) -> bool:
        """Whether the decoder abstains here."""
        return bool(self.doubt)


def segments_of(
    path: NDArray[np.int_], time_s: ArrayLike, labels: Sequence[str], posterior: FloatArray | None = None
) -> list[Segment]:
    """Frames' labels as segments.

    Args:
        path: (T,) number of each frame's label; -1 is unlabelled and gives no segment.
        time_s: (T,) growing times, seconds.
        labels: (S,) names.
        posterior: (T, S) chance of each label at each frame; without it every confidence is 1.
    """
    path, times = np.asarray(path), np.asarray(time_s, dtype=float)
    if path.shape != times.shape or path.ndim != 1 or (path >= len(labels)).any():
        raise InputError(
            "segments_of",
            expected=f"path and time_s (T,), numbers below {len(labels)}",
            got=f"{path.shape}, {times.shape}, largest {path.max(initial=-1)}",
        )
    if not len(path):
        return []
    frame_s = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    starts = np.flatnonzero(np.diff(path, prepend=path[0] - 1) != 0)
    ends = np.append(starts[1:], len(path))
    return [
        Segment(
            start_s=float(times[low]),
            end_s=float(times[high] if high < len(times) else times[-1] + frame_s),
            label=labels[path[low]],
            confidence=1.0 if posterior is None else float(posterior[low:high, path[low]].mean()),
            first_frame=int(low),
            last_frame=int(high - 1),
        )
        for low, high in zip(starts, ends, strict=True)
        if path[low] >= 0
    ]


def mark_unsure(
    segments: Sequence[Segment],
    *,
    least_confidence: float,
    second_opinion: FloatArray | None = None,
    labels: Sequence[str] = (),
    second_name: str = "the second source",
) -> list[Segment]:
    """Abstain where a segment is not sure enough, or where a second source says something else.

    The second source disagrees where its mean over the segment's frames puts another label first and it is itself
    sure of that (at least `least_confidence`).

    Args:
        segments: what was decoded.
        least_confidence: 0 to 1; below it a segment is unsure.
        second_opinion: (T, S) chances of another source (rules beside a network); NaN rows say nothing.
        labels: (S,) names of its columns.
        second_name: what to call it in the reason.
    """
    marked = []
    for segment in segments:
        doubt = ""
        if segment.confidence < least_confidence:
            doubt = f"confidence {segment.confidence:.2f} is below {least_confidence:.2f}"
        if second_opinion is not None:
            rows = second_opinion[segment.first_frame : segment.last_frame + 1]
            rows = rows[np.isfinite(rows).all(axis=1)]
            chances = rows.mean(axis=0) if len(rows) else np.zeros(len(labels))
            other = int(chances.argmax())
            if labels[other] != segment.label and chances[other] >= least_confidence and len(rows):
                against = f"{labels[other]} ({chances[other]:.2f}) by {second_name}"
                doubt = f"{doubt}; {against}" if doubt else against
        marked.append(replace(segment, doubt=doubt))
    return marked
