"""Beliefs while frames come in: the same as of the whole recording at once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.network.behavior_model import BehaviorModel
from perception.behavior.network.frame_by_frame import FrameByFrame
from perception.behavior.network.preparation import PreparationState, prepare
from perception.behavior.network.standardise import Statistics, running_start, standardise, standardise_running

SAME_RATE = 0.2
"""A stream whose rate differs from the model's by no more than this share is taken as it is."""


@dataclass(frozen=True)
class FrameBelief:
    """What the model says of one frame."""

    time_s: float
    """Of the frame that is judged; a model with delay judges an earlier one than has just come."""
    frame: FloatArray | None
    """(C,) belief in each label of this frame; None where the model has no frame head."""
    clip: FloatArray | None
    """(C,) belief in each label of everything so far; None where the model has no clip head."""


class BehaviorStream:
    """Feeds frames of one person to a model, one by one.

    Args:
        model: what to feed.
        person: statistics of the person, which a "person" model needs and a "running" one takes as a better prior.
        rate_hz: of the frames that will come, where it is not the model's: they are then repeated or left out, so that
            the model sees its own rate. None takes the frames as they come.
    Raises:
        InputError: if the model needs the person's statistics and there are none.
    """

    def __init__(self, model: BehaviorModel, *, person: Statistics | None = None, rate_hz: float | None = None) -> None:
        if model.spec.normalisation == "person" and person is None:
            raise InputError(
                "BehaviorStream",
                expected="the person's statistics for a model that was trained with them",
                got="none",
                remedy="BehaviorModel.person_statistics reads them from unlabelled recordings; or train with running",
            )
        self.model = model
        own_hz = model.spec.preparation.rate_hz
        self._resampled = rate_hz is not None and abs(rate_hz / own_hz - 1.0) > SAME_RATE
        self._next_s = -np.inf
        self._fixed = model.statistics if person is None else person
        self._sums = running_start(self._fixed, model.spec.prior_frames)
        self._prepared: PreparationState | None = None
        self._network = FrameByFrame(model.network)
        self._times: deque[float] = deque()
        self._count = 0
        self._last: NDArray[np.floating] | None = None
        self._latest_s = -np.inf

    def push(self, time_s: float, keypoints: NDArray[np.floating]) -> FrameBelief | None:
        """The belief that a new frame brings; None while the model's delay fills, or for a frame that is left out.

        Args:
            time_s: later than the frame before.
            keypoints: (J, D), the model's joints; NaN where a joint is not in view, all where nobody is.
        Raises:
            InputError: if time does not grow, or these are not the model's joints.
        """
        if not np.isfinite(time_s) or time_s <= self._latest_s:
            raise InputError(
                "BehaviorStream.push", expected=f"a time after {self._latest_s} s", got=f"{time_s}", remedy="sort"
            )
        points, belief = np.asarray(keypoints), None
        ticks, next_s = self._ticks(time_s)
        for _ in range(ticks):
            belief = self._read(points, time_s) or belief
        self._last, self._latest_s, self._next_s = points, time_s, next_s
        return belief

    def finish(self) -> list[FrameBelief]:
        """The beliefs about the last frames, which a model with delay still owes."""
        last = self._last
        if last is None:
            return []
        beliefs = [self._read(last, None) for _ in range(self.model.spec.delay_frames)]
        return [belief for belief in beliefs if belief is not None]

    def _ticks(self, time_s: float) -> tuple[int, float]:
        """How often the model sees this frame, once for each tick of its clock, and when it ticks next.

        Gaps of over a second are skipped.
        """
        if not self._resampled:
            return 1, self._next_s
        rate = self.model.spec.preparation.rate_hz
        due_s = time_s if self._next_s == -np.inf or time_s - self._next_s > 1.0 else self._next_s
        ticks = max(0, int(np.floor((time_s - due_s) * rate + 0.5)) + 1)
        return ticks, due_s + ticks / rate

    def _read(self, keypoints: NDArray[np.floating], time_s: float | None) -> FrameBelief | None:
        spec = self.model.spec
        raw, self._prepared = prepare(spec.preparation, keypoints[None], self._prepared)
        if spec.normalisation == "running":
            channels, self._sums = standardise_running(raw, self._sums, self.model.statistics)
        else:
            channels = standardise(raw, self._fixed)
        of_frame, of_clip = self._network.step(channels[0])
        self._times.extend([] if time_s is None else [time_s])
        self._count += 1
        if self._count <= spec.delay_frames:
            return None
        frame = of_frame if "frame" in spec.heads else None
        clip = of_clip if "clip" in spec.heads else None
        return FrameBelief(self._times.popleft(), frame, clip)
