"""Online smoothing of everybody in view: one filter for each person, and for each of their hands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geometry import FloatArray, InputError
from perception.pose.pose_frame import Hand, Person, PoseFrame
from perception.pose.smoothing.one_euro import BODY_SIZE_M, OneEuro, OneEuroSettings
from perception.pose.smoothing.smooth_track import body_size


class PoseSmoother:
    """Smooths tracked frames one by one; a person who comes back soon is carried on."""

    def __init__(self, settings: OneEuroSettings | None = None) -> None:
        """Begin with nobody known."""
        self.settings = settings or OneEuroSettings()
        self._known: dict[int, _PersonFilters] = {}

    def update(self, frame: PoseFrame) -> PoseFrame:
        """The frame with smooth persons.

        A joint that is only predicted has half the lowest score that is used (`min_score`).

        Raises:
            InputError: if a person has no id (track them first), or two have the same.
        """
        ids = [person.id for person in frame.persons]
        if len(set(ids)) != len(ids) or any(number < 0 for number in ids):
            raise InputError(
                "PoseSmoother",
                expected="persons with ids of their own",
                got=f"ids {ids}",
                remedy="track the frames first",
            )
        for person in frame.persons:
            if person.id not in self._known:
                self._known[person.id] = _PersonFilters(person, self.settings)
        persons = tuple(self._known[person.id].update(frame.time_s, person) for person in frame.persons)
        oldest_s = frame.time_s - self.settings.max_gap_s
        self._known = {number: kept for number, kept in self._known.items() if kept.time_s >= oldest_s}
        return frame.with_persons(persons)


class _PersonFilters:
    """The filters of one person: body and hands, pixels and metres."""

    def __init__(self, person: Person, settings: OneEuroSettings) -> None:
        self.time_s = -np.inf
        self._settings = settings
        self._size_px = 1.0 if person.keypoints_px is None else body_size(person.keypoints_px)
        self._filters: dict[tuple[str, str], OneEuro] = {}

    def update(self, time_s: float, person: Person) -> Person:
        self.time_s = time_s
        pixels, metres, scores = self._smooth(time_s, person, "body")
        return replace(
            person,
            keypoints_px=pixels,
            keypoints_m=metres,
            scores=scores,
            left_hand=self._hand(time_s, person.left_hand, "left"),
            right_hand=self._hand(time_s, person.right_hand, "right"),
        )

    def _hand(self, time_s: float, hand: Hand | None, side: str) -> Hand | None:
        if hand is None:
            return None
        pixels, metres, scores = self._smooth(time_s, hand, side)
        return Hand(keypoints_px=pixels, keypoints_m=metres, scores=scores)

    def _smooth(
        self, time_s: float, seen: Person | Hand, part: str
    ) -> tuple[FloatArray | None, FloatArray | None, FloatArray]:
        """Smooth pixels, metres and their scores."""
        used, shown = np.zeros(len(seen.scores), dtype=bool), np.zeros(len(seen.scores), dtype=bool)
        results: list[FloatArray | None] = []
        for unit, points, size in (("px", seen.keypoints_px, self._size_px), ("m", seen.keypoints_m, BODY_SIZE_M)):
            if points is None:
                results.append(None)
                continue
            key = (part, unit)
            if key not in self._filters:
                self._filters[key] = OneEuro(self._settings, body_size=size)
            smooth = self._filters[key].update(time_s, points, seen.scores)
            used |= self._filters[key].unseen_s == 0.0
            shown |= np.isfinite(smooth).all(-1)
            results.append(smooth)
        faint = np.where(shown, 0.5 * self._settings.min_score, 0.0)
        return results[0], results[1], np.where(used, seen.scores, faint)
