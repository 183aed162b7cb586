"""Recording without ROS: messages and the time go in, episodes come out; live or from a bag."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geometry import InputError
from policies.demonstrations import Episode
from ros_nodes.demo_recorder.demo_intake import DemoIntake, PictureConfig
from ros_nodes.demo_recorder.episode_recording import EpisodeRecording, Layout
from ros_nodes.demo_recorder.row_actions import ActionsFrom
from ros_nodes.demo_recorder.sampling_clock import ActionClock, SamplingClock
from ros_nodes.demo_recorder.synchroniser import Synchroniser
from ros_nodes.task_view.message_intake import FrameInBase, IntakeConfig

_KEEP_S = 1.0
_KEPT_BEHIND_S = 2.0


@dataclass(frozen=True, kw_only=True)
class CoreConfig:
    """How moments are taken."""

    rate_hz: float
    """Moments a second."""
    actions_from: ActionsFrom = "topic"
    """What tells the actions; with "topic", a moment is taken with every action."""
    max_age_s: Mapping[str, float]
    """How old each source may be; 0 takes it however old it is."""
    settle_s: float = 0.1
    """How long messages are waited for."""
    patience_s: float = 1.0
    """How much longer a source is waited for that has said nothing as new as the moment."""
    lead_s: float = 0.2
    """From the start to the first moment: sources are heard anew, so that a bag tells all that the episode holds."""
    most_steps: int = 10_000
    """An episode ends by itself after so many."""


class DemoCore:
    """Records one episode after the other.

    Args:
        layout: of the rows.
        config: how moments are taken.
        intake: how messages are understood.
        pictures: what becomes of images.
        frame_in_base: where frames stand.
    """

    def __init__(
        self,
        layout: Layout,
        config: CoreConfig,
        intake: IntakeConfig,
        frame_in_base: FrameInBase,
        pictures: PictureConfig | None = None,
    ) -> None:
        self._layout, self._config = layout, config
        told = {"topic": "action", "command": "command", "motion": ""}[config.actions_from]
        sources = (*layout.sources, *((told,) if told else ()))
        ages = {source: 0.0 if source == told else config.max_age_s.get(source, 0.0) for source in sources}
        keep_s = _KEEP_S + config.settle_s + config.patience_s + _KEPT_BEHIND_S / config.rate_hz
        self._synchroniser = Synchroniser(ages, keep_s)
        self.intake = DemoIntake(
            self._synchroniser, intake, tuple(layout.info.action_names), pictures or PictureConfig(), frame_in_base
        )
        self.sources = sources
        """What must be heard."""
        self.recording: EpisodeRecording | None = None
        """The running episode."""
        self.began_s = 0.0
        """When it began."""
        self._clock: SamplingClock | ActionClock | None = None
        self._waiting: list[float] = []
        self._last_s = math.inf

    def take(self, source: str, msg: Any, received_s: float) -> None:
        """Hear a message.

        Raises:
            InputError: if it makes no sense; it is then as if it had not come.
        """
        stamp_s = self.intake.take(source, msg, received_s)
        if source == "action" and stamp_s is not None and isinstance(self._clock, ActionClock):
            if stamp_s >= self.began_s + self._config.lead_s:
                self._clock.hear(stamp_s)

    def start(self, now_s: float) -> None:
        """Begin an episode; the first moment comes after `lead_s`.

        Raises:
            InputError: if the actions cannot be had in the way that is asked for.
        """
        config, period_s = self._config, 1.0 / self._config.rate_hz
        self.recording = EpisodeRecording(self._layout, config.actions_from, most_steps=config.most_steps)
        self.began_s, self._waiting, self._last_s = now_s, [], math.inf
        self._clock = (
            ActionClock(period_s, config.settle_s)
            if config.actions_from == "topic"
            else SamplingClock(period_s, config.settle_s, now_s + config.lead_s)
        )

    def stop_at(self, now_s: float) -> None:
        """Take no moment after this one; those before it may still be due."""
        self._last_s = min(self._last_s, now_s)

    def complete(self, now_s: float) -> bool:
        """Whether all has been heard of the moments up to the one that `stop_at` named."""
        return now_s >= self._last_s + self._config.settle_s and self._synchroniser.heard(self._last_s)

    def advance(self, now_s: float) -> str:
        """Take the moments that are due; says why the episode has ended by itself, if it has."""
        if self.recording is None or self._clock is None:
            return ""
        self._waiting += self._clock.due(min(now_s, self._last_s + self._config.settle_s))
        patience_s = self._config.settle_s + self._config.patience_s
        while self._waiting and (self._synchroniser.heard(self._waiting[0]) or now_s > self._waiting[0] + patience_s):
            self.recording.take(self._synchroniser.at(self._waiting.pop(0)))
        if isinstance(self._clock, ActionClock) and self._clock.gap and not self.recording.ended:
            self.recording.ended = self._clock.gap
        return self.recording.ended

    def finish(self, now_s: float, *, success: bool | None, task: str, provenance: Mapping[str, Any]) -> Episode | None:
        """End the episode; None if nothing was recorded. See `EpisodeRecording.episode`."""
        self.advance(now_s)
        recording, clock = self.recording, self._clock
        if recording is None or clock is None:
            raise InputError("stop", expected="an episode that is being recorded", got="none")
        for moment in (*self._waiting, *clock.rest(min(now_s, self._last_s + self._config.settle_s))):
            recording.take(self._synchroniser.at(moment))
        self.drop()
        return recording.episode(success=success, task=task, provenance={**provenance, "started_s": self.began_s})

    def drop(self) -> None:
        """End the episode and keep nothing."""
        self.recording = self._clock = None
        self._waiting = []

    def missing(self, now_s: float) -> tuple[str, ...]:
        """One line for each source that is missing now."""
        return tuple(
            line for line in self._synchroniser.at(now_s).missing if not line.startswith(("action:", "command:"))
        )
