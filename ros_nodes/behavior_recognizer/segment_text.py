"""Segments as JSON, and behaviours as short texts, as they go over the wire."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from perception.behavior.watching import Doing, TimelineSegment

_MOST_REASONS = 5


def segment_json(segment: TimelineSegment) -> str:
    """One JSON object on one line: who did what from when to when, how surely, and why.

    Keys: person, layer, behavior, object, start_s, end_s (the messages' clock), confidence, doubt (empty where there
    is none), reasons (the weightiest first; each with rule, truth, contribution, since_s and evidence as text).
    """
    reasons: list[dict[str, Any]] = [
        {
            "rule": reason.rule,
            "truth": _rounded(reason.truth),
            "contribution": _rounded(reason.contribution),
            "since_s": reason.since_s,
            "evidence": [str(each) for each in reason.evidence],
        }
        for reason in segment.reasons[:_MOST_REASONS]
    ]
    told = {
        "person": segment.person,
        "layer": segment.layer,
        "behavior": segment.label,
        "object": segment.object,
        "start_s": round(float(segment.start_s), 6),
        "end_s": round(float(segment.end_s), 6),
        "confidence": _rounded(segment.confidence),
        "doubt": segment.doubt,
        "reasons": reasons,
    }
    return json.dumps(told, allow_nan=False)


def doing_labels(person: int, doing: Sequence[Doing]) -> list[tuple[str, float]]:
    """Name and score of everything that a person does now: "3/right hand:lift cube".

    Somebody who does nothing that is known has the one name "3/-" with score 0.
    """
    return [(f"{person}/{each.layer}:{each}", float(each.confidence)) for each in doing] or [(f"{person}/-", 0.0)]


def caption(person: int, doing: Sequence[Doing]) -> str:
    """What stands above a person, a line for each layer."""
    return "\n".join([f"person {person}", *(f"{each.layer}: {each} {each.confidence:.2f}" for each in doing)])


def _rounded(value: float) -> float:
    return round(float(value), 4)
