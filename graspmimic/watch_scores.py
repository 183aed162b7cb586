"""How well `watch` tells what scripted people do: figures against the truth of the script."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from graspmimic.watch_scenes import ACTS, Scene, Span, acting_scene, carrying_scene
from perception.behavior.watching import Timeline, Watcher, watch_recording

STRIDES = ("walk", "run")
"""Acts that go on and are told for as long; the others are over in a moment, and are told or missed."""
STEPS = ("reach", "lift", "carry", "place")
"""Of carrying a thing, in this order."""

_LEAST_OVERLAP = 0.5
_FRAME_S = 1.0 / 30.0


@dataclass
class Counts:
    """Told and true stretches of one label."""

    found: int = 0
    """True ones that were told."""
    missed: int = 0
    """True ones that were not."""
    false: int = 0
    """Told ones that were not true."""
    late_s: list[float] = field(default_factory=list)
    """How much later those found were said to begin."""

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; NaN where there was nothing to tell and nothing told."""
        total = 2 * self.found + self.missed + self.false
        return 2.0 * self.found / total if total else float("nan")


def watch_scores(seeds: Iterable[int], noises_m: Sequence[float] = (0.0, 0.01, 0.02)) -> dict[str, float]:
    """Watch acting and carrying people, recorded and live.

    Names of the figures are MODE_NOISE_WHAT, such as "live_1cm_walk_f1": F1 of stretches that overlap the true ones by
    half (intersection over union); for acts of a moment any overlap counts. "stride_accuracy" is the share of frames
    rightly told as walking, running or neither; "in_order" the share of scenes in which reach, lift, carry and place
    were each told, in this order, of the right thing; "stride_late_ms" and
    "step_late_ms" the median delay of what was found.

    Args:
        seeds: of the scenes: an acting and a carrying one for each.
        noises_m: standard deviations of every coordinate.
    """
    results: dict[str, float] = {}
    chosen = list(seeds)
    for noise_m in noises_m:
        for mode in ("offline", "live"):
            name = f"{mode}_{100.0 * noise_m:g}cm"
            acting = [acting_scene(seed, noise_m=noise_m) for seed in chosen]
            carrying = [carrying_scene(seed, noise_m=noise_m) for seed in chosen]
            told = {**_acting(acting, live=mode == "live"), **_carrying(carrying, live=mode == "live")}
            results |= {f"{name}_{what}": value for what, value in told.items()}
    return results


def watched(scene: Scene, *, live: bool) -> Timeline:
    """What `watch` tells of a scene."""
    if not live:
        return watch_recording(scene.frames)
    watcher = Watcher()
    for frame in scene.frames:
        watcher.update(frame)
    return watcher.finish()


def _acting(scenes: Sequence[Scene], *, live: bool) -> dict[str, float]:
    counts, right, frames = defaultdict[str, Counts](Counts), 0, 0
    for scene in scenes:
        told = _told(watched(scene, live=live), ACTS)
        for label in ACTS:
            least = _LEAST_OVERLAP if label in STRIDES else 0.0
            _match(counts[label], _of(scene.spans, label), _of(told, label), least)
        for frame in scene.frames:
            moment = frame.time_s + 0.5 * _FRAME_S
            right += _stride_at(told, moment) == _stride_at(scene.spans, moment)
            frames += 1
    return _figures(counts, STRIDES, "stride") | {"stride_accuracy": right / max(frames, 1)}


def _carrying(scenes: Sequence[Scene], *, live: bool) -> dict[str, float]:
    counts, in_order = defaultdict[str, Counts](Counts), 0
    for scene in scenes:
        timeline = watched(scene, live=live)
        told = _told(timeline, STEPS, about="cube")
        for label in STEPS:
            _match(counts[label], _of(scene.spans, label), _of(told, label), _LEAST_OVERLAP)
        wrong = [segment for segment in timeline.segments if segment.object == "box"]
        in_order += not wrong and tuple(span.label for span in told) == STEPS
    return _figures(counts, STEPS, "step") | {"in_order": in_order / max(len(scenes), 1)}


def _figures(counts: dict[str, Counts], lasting: Sequence[str], name: str) -> dict[str, float]:
    late = [late_s for label, each in counts.items() if label in lasting for late_s in each.late_s]
    figures = {f"{label}_f1": each.f1 for label, each in counts.items()}
    return figures | {f"{name}_late_ms": 1e3 * float(np.median(late)) if late else float("nan")}


def _told(timeline: Timeline, labels: Sequence[str], about: str = "") -> tuple[Span, ...]:
    """What was told surely enough to act on."""
    return tuple(
        Span(label=segment.label, start_s=segment.start_s, end_s=segment.end_s)
        for segment in timeline.segments
        if segment.label in labels and not segment.doubt and (not about or segment.object == about)
    )


def _of(spans: Sequence[Span], label: str) -> list[Span]:
    return [span for span in spans if span.label == label]


def _match(counts: Counts, true: Sequence[Span], told: Sequence[Span], least: float) -> None:
    """Every true stretch takes the told one that overlaps it most, each once."""
    free = list(told)
    for span in true:
        best = max(free, key=lambda other: _overlap(span, other), default=None)
        if best is None or _overlap(span, best) <= least:
            counts.missed += 1
            continue
        free.remove(best)
        counts.found += 1
        counts.late_s.append(best.start_s - span.start_s)
    counts.false += len(free)


def _overlap(first: Span, second: Span) -> float:
    """Intersection over union of two stretches of time."""
    shared = min(first.end_s, second.end_s) - max(first.start_s, second.start_s)
    union = max(first.end_s, second.end_s) - min(first.start_s, second.start_s)
    return max(shared, 0.0) / union if union > 0.0 else 0.0


def _stride_at(spans: Sequence[Span], time_s: float) -> str:
    return next((span.label for span in spans if span.label in STRIDES and span.start_s <= time_s < span.end_s), "")
