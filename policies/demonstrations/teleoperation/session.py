"""A person plays episodes of a task in a window, and those that they keep go into a set."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from policies.demonstrations.collect_plan import SET_APART, CollectPlan
from policies.demonstrations.ledger import Ledger, only_collector
from policies.demonstrations.set_info import SetInfo
from policies.demonstrations.teleoperation.drive import Device, Drive, InputEvent, Request, action_of, is_idle
from policies.demonstrations.teleoperation.recording import Recording
from policies.demonstrations.teleoperation.views import TaskViews
from policies.demonstrations.teleoperation.window import Status
from policies.demonstrations.writer import DemonstrationWriter

_MOST_STEPS = 4
"""Steps between two pictures at most: a machine that draws more slowly plays more slowly."""


class Screen(Protocol):
    """What a session needs of its window."""

    def events(self) -> Sequence[InputEvent]:
        """What happened since the last call."""

    def show(self, views: dict[str, NDArray[np.uint8]], status: Status) -> None:
        """Show pictures and state."""

    def wait(self, rate_hz: float) -> float:
        """Wait for the next period of the rate; the seconds since the last call."""


@dataclass(frozen=True, kw_only=True)
class SessionSettings:
    """How a session goes."""

    episodes: int = 10
    """In the set at the end, those that are there already included."""
    speed: float = 0.3
    """Share of the largest action that a key, or a stick at its stop, asks for: 0.3 m/s."""

    def __post_init__(self) -> None:
        if not 1 <= self.episodes <= SET_APART or not 0.0 < self.speed <= 1.0:
            expected = f"1 to {SET_APART} episodes, speed in (0, 1]"
            raise InputError("SessionSettings", expected=expected, got=f"{self.episodes}, {self.speed}")


class SessionResult(NamedTuple):
    """What came of a session."""

    saved: int
    """Episodes that were saved in it."""
    discarded: int
    """Episodes that were discarded."""
    in_set: int
    """Episodes in the set now."""
    wall_s: float
    """How long it took."""


def run_session(
    plan: CollectPlan,
    folder: str | Path,
    device: Device,
    screen: Screen,
    settings: SessionSettings | None = None,
    *,
    on_saved: Callable[[int], None] | None = None,
) -> SessionResult:
    """Let a person drive until the set is complete or they have had enough.

    Number n of a set is the scene of `plan.env_seed(n)`, played again until it is saved; what was saved stays, however
    the session ends. The world stands still until the first motion, so that no episode begins with idle frames; on
    saving, the hand holds still for `plan.hold_steps`, so that a policy sees how to stay where the task is done. An
    episode without success is saved only if `plan.keep_failures`. When the environment's time is over, an episode
    that may be saved is, and any other is discarded.

    Args:
        plan: the environment (`make_env`), the seed, the task's words and the provenance; nobody else plays.
        folder: of the set; the same plan goes on with what lies there.
        device: what the person drives with.
        screen: the window.
        settings: default: `SessionSettings()`.
        on_saved: told how many the set holds.

    Raises:
        InputError: if the folder holds another plan's set, or the action mode cannot be driven.
    """
    settings = settings or SessionSettings()
    env = plan.make_env()
    try:
        info = SetInfo.of_env(env)
        action_of(Drive(), info.action_names, settings.speed)  # refuses what cannot be driven before anything is made
        writer = DemonstrationWriter(folder, info)
        with only_collector(Path(folder)):
            Ledger(Path(folder), plan.record())
            return _Session(plan, env, info, writer, device, screen, settings).run(on_saved)
    finally:
        env.close()


class _Session:
    def __init__(
        self, plan: CollectPlan, env: Any, info: SetInfo, writer: DemonstrationWriter, device: Device, screen: Screen,
        settings: SessionSettings,
    ) -> None:  # fmt: skip
        self._plan, self._env, self._info, self._writer = plan, env, info, writer
        self._device, self._screen, self._settings = device, screen, settings
        self._views = TaskViews(env.unwrapped)
        self._saved = self._discarded = 0
        self._note, self._speed = "", 1.0
        self._due = 0.0

    def run(self, on_saved: Callable[[int], None] | None) -> SessionResult:
        """See `run_session`."""
        begun = time.perf_counter()
        request = Request.NOTHING
        while request is not Request.STOP and len(self._writer.numbers) < self._settings.episodes:
            number = next(n for n in range(SET_APART) if not self._writer.has(n))
            recording, request = self._play(number)
            if request is Request.SAVE:
                self._writer.add(recording.episode(self._plan.task, self._provenance(number)), number)
                self._saved += 1
                if on_saved is not None:
                    on_saved(len(self._writer.numbers))
            self._discarded += request is Request.DISCARD
        return SessionResult(self._saved, self._discarded, len(self._writer.numbers), time.perf_counter() - begun)

    def _play(self, number: int) -> tuple[Recording, Request]:
        """One try, until it is to be saved, discarded, or nothing more is wanted."""
        recording = Recording(*self._env.reset(seed=self._plan.env_seed(number)))
        self._device = self._device.renewed()
        start = self._device.drive
        self._due = 0.0
        while True:
            self._show(recording, number)
            self._due += self._waited()
            self._device, request = self._device.after(self._screen.events())
            if request is Request.SAVE:
                request = self._held_still(recording)
            waiting = not len(recording) and is_idle(self._device.drive, start)
            if request is Request.NOTHING and not waiting:
                request = self._advance(recording)
            self._due *= not waiting
            if request is not Request.NOTHING:
                self._note = {Request.SAVE: "saved", Request.DISCARD: "discarded"}.get(request, "")
                return recording, request

    def _advance(self, recording: Recording) -> Request:
        """Do the steps that are due; when the time is over, decide what becomes of the episode."""
        count = min(int(self._due * self._info.rate_hz + 1e-6), _MOST_STEPS)
        action = action_of(self._device.drive, self._info.action_names, self._settings.speed)
        for _ in range(count):
            if recording.add(action, self._env.step(action)):  # the time is over
                return Request.SAVE if self._may_save(recording) is Request.SAVE else Request.DISCARD
        self._due = min(self._due - count / self._info.rate_hz, 1.0 / self._info.rate_hz)
        return Request.NOTHING

    def _held_still(self, recording: Recording) -> Request:
        """Hold still for the plan's `hold_steps`, as an expert's episodes do, and see that the task stays done."""
        if not len(recording):
            self._note = "nothing is recorded yet"
            return Request.NOTHING
        still = Drive(shut=self._device.drive.shut)
        action = action_of(still, self._info.action_names, self._settings.speed)
        for _ in range(self._plan.hold_steps or 0 if recording.success else 0):
            if recording.add(action, self._env.step(action)):
                break
        return self._may_save(recording)

    def _may_save(self, recording: Recording) -> Request:
        if recording.success or self._plan.keep_failures:
            return Request.SAVE
        self._note = "not saved: the task is not done"
        return Request.NOTHING

    def _waited(self) -> float:
        """Seconds since the last time."""
        seconds = self._screen.wait(self._info.rate_hz)
        played = min(seconds, _MOST_STEPS / self._info.rate_hz)
        self._speed += 0.1 * (played / max(seconds, 1e-3) - self._speed)
        return seconds

    def _show(self, recording: Recording, number: int) -> None:
        status = Status(
            task=self._plan.task,
            scene=number,
            saved=len(self._writer.numbers),
            wanted=self._settings.episodes,
            recorded_s=len(recording) / self._info.rate_hz,
            done=recording.success,
            speed=self._speed,
            note=self._note,
        )
        self._screen.show(self._views.draw(), status)

    def _provenance(self, number: int) -> dict[str, Any]:
        return {**self._plan.source, "seed": self._plan.env_seed(number), "speed": self._settings.speed}
