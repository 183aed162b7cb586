"""The window of a teleoperator: pictures, what does what, and how things stand. It needs pygame (extra `teleop`)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from policies.demonstrations.formats.optional_package import optional_package
from policies.demonstrations.teleoperation.drive import CLOSED, LEFT, InputEvent
from policies.demonstrations.teleoperation.views import ABOVE, FRONT, SIDE

SIZE = (960, 640)
_PANEL_TOP = 480
_PLACES = {FRONT: (0, 0), SIDE: (640, 0), ABOVE: (640, 240)}
_PAPER, _INK, _FAINT = (245, 246, 248), (38, 44, 54), (120, 128, 140)
_COLOURS = {"recording": (200, 40, 40), "done": (20, 130, 60)}
_NO_DISPLAY = ("offscreen", "dummy", "evdev")
"""SDL's drivers without a window."""
_STICK = 32767.0


class Status(NamedTuple):
    """How things stand, for the window to say."""

    task: str
    """What is to be done."""
    scene: int
    """Number of the episode."""
    saved: int
    """Episodes in the set."""
    wanted: int
    """How many it shall have."""
    recorded_s: float
    """Length of this episode so far; 0 while it waits for the first motion."""
    done: bool
    """Whether the task is done as things stand."""
    speed: float
    """Simulated seconds in a second."""
    note: str = ""
    """What happened last: saved, discarded, why not saved."""


class Window:
    """Opens a window; close it when done.

    Args:
        legend: what does what.
        gamepad: listen to the first gamepad.

    Raises:
        InputError: without pygame, a display, or the gamepad.
    """

    def __init__(self, legend: Sequence[tuple[str, str]], *, gamepad: bool = False) -> None:
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        self._pygame = optional_package("pygame", extra="teleop")
        self._legend = legend
        self._surface = self._opened()
        self._fonts = {size: self._pygame.font.Font(None, size) for size in (22, 26, 34)}
        self._clock = self._pygame.time.Clock()
        self._pad: Any = None
        if gamepad:
            try:
                self._pad = self._first_gamepad()
            except InputError:
                self.close()
                raise

    def events(self) -> list[InputEvent]:
        """What happened since the last call."""
        named = [self._named(event) for event in self._pygame.event.get()]
        return [event for event in named if event is not None]

    def show(self, views: Mapping[str, NDArray[np.uint8]], status: Status) -> None:
        """Show pictures and state."""
        self._surface.fill(_PAPER)
        for name, rgb in views.items():
            self._surface.blit(self._pygame.surfarray.make_surface(rgb.swapaxes(0, 1)), _PLACES[name])
        self._pygame.draw.line(self._surface, _PAPER, (640, 240), (960, 240), 2)
        self._write_status(status)
        column, row, half = 390, _PANEL_TOP + 16, (len(self._legend) + 1) // 2
        for number, (key, meaning) in enumerate(self._legend):
            x, y = column + 300 * (number // half), row + 34 * (number % half)
            self._text(key, (x, y), 26)
            self._text(meaning, (x + 115, y + 2), 22, _FAINT)
        self._pygame.display.flip()

    def wait(self, rate_hz: float) -> float:
        """Wait for the next period of the rate; the seconds since the last call."""
        return float(self._clock.tick(rate_hz)) / 1000.0

    def picture(self) -> NDArray[np.uint8]:
        """(H, W, 3) what the window shows."""
        return np.ascontiguousarray(self._pygame.surfarray.array3d(self._surface).swapaxes(0, 1))

    def close(self) -> None:
        """Close it; twice is harmless."""
        if self._pygame.display.get_init():
            self._pygame.quit()

    def _opened(self) -> Any:
        pygame = self._pygame
        remedy = "run it at a desktop, or over `ssh -X`"
        try:
            pygame.display.init()
            pygame.font.init()
            driver = pygame.display.get_driver()
            if driver in _NO_DISPLAY and os.environ.get("SDL_VIDEODRIVER") != driver:
                raise pygame.error(f"only SDL's driver {driver!r}")
            surface = pygame.display.set_mode(SIZE)
        except pygame.error as error:
            pygame.quit()
            raise InputError("teleoperation", expected="a display", got=str(error), remedy=remedy) from None
        pygame.display.set_caption("graspmimic")
        return surface

    def _first_gamepad(self) -> Any:
        controller = optional_package("pygame._sdl2.controller", extra="teleop")
        controller.init()
        found = [number for number in range(controller.get_count()) if controller.is_controller(number)]
        if not found:
            remedy = "plug one in, or use --source keyboard"
            raise InputError("teleoperation", expected="a gamepad that SDL knows", got="none", remedy=remedy)
        return controller.Controller(found[0])

    def _named(self, event: Any) -> InputEvent | None:
        """An event of pygame's in plain words; None for what means nothing here."""
        pygame = self._pygame
        if event.type in (pygame.KEYDOWN, pygame.KEYUP):
            return InputEvent(pygame.key.name(event.key), float(event.type == pygame.KEYDOWN))
        if event.type == pygame.QUIT:
            return InputEvent(CLOSED, 1.0)
        if event.type == pygame.WINDOWFOCUSLOST:
            return InputEvent(LEFT, 1.0)
        if event.type in (pygame.CONTROLLERBUTTONDOWN, pygame.CONTROLLERBUTTONUP):
            names = {
                pygame.CONTROLLER_BUTTON_A: "pad a",
                pygame.CONTROLLER_BUTTON_B: "pad b",
                pygame.CONTROLLER_BUTTON_START: "pad start",
            }
            pressed = float(event.type == pygame.CONTROLLERBUTTONDOWN)
            return InputEvent(names[event.button], pressed) if event.button in names else None
        if event.type == pygame.CONTROLLERAXISMOTION:
            names = {
                pygame.CONTROLLER_AXIS_LEFTX: "pad left x",
                pygame.CONTROLLER_AXIS_LEFTY: "pad left y",
                pygame.CONTROLLER_AXIS_RIGHTX: "pad right x",
                pygame.CONTROLLER_AXIS_RIGHTY: "pad right y",
                pygame.CONTROLLER_AXIS_TRIGGERLEFT: "pad left trigger",
                pygame.CONTROLLER_AXIS_TRIGGERRIGHT: "pad right trigger",
            }
            value = max(event.value / _STICK, -1.0)
            return InputEvent(names[event.axis], value) if event.axis in names else None
        return None

    def _write_status(self, status: Status) -> None:
        x, y = 16, _PANEL_TOP + 14
        self._text(status.task, (x, y), 26)
        state, colour = "recording", _COLOURS["recording"]
        if not status.recorded_s:
            state, colour = "ready: move to begin", _INK
        self._pygame.draw.circle(self._surface, colour, (x + 7, y + 41), 7)
        self._text(state if not status.recorded_s else f"{state}  {status.recorded_s:.1f} s", (x + 22, y + 30), 34)
        if status.done:
            self._text("task done", (x + 250, y + 32), 34, _COLOURS["done"])
        self._text(f"scene {status.scene}, {status.saved} of {status.wanted} saved", (x, y + 68), 26)
        self._text(status.note, (x, y + 94), 26, _COLOURS["done"] if status.note == "saved" else _INK)
        self._text(f"{status.speed:.2f} x real time", (x, y + 122), 22, _FAINT)

    def _text(self, text: str, place: tuple[int, int], size: int, colour: tuple[int, int, int] = _INK) -> None:
        if text:
            self._surface.blit(self._fonts[size].render(text, True, colour), place)
