"""Driving by hand: from events to actions, the window, and whole sessions without a display."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import policies.demonstrations.teleoperation.views as views_room
from geometry import InputError
from policies.demonstrations import DemonstrationSet
from policies.demonstrations.teleoperation import (
    Drive,
    Gamepad,
    InputEvent,
    Keyboard,
    Request,
    SessionSettings,
    Status,
    Window,
    action_of,
    run_session,
    teleoperation_plan,
)

POSITION = tuple(f"hand displacement {axis}" for axis in "xyz") + ("gripper opening, -1 closed, 1 open",)


def press(*keys: str) -> list[InputEvent]:
    return [InputEvent(key, 1.0) for key in keys]


def release(*keys: str) -> list[InputEvent]:
    return [InputEvent(key, 0.0) for key in keys]


@pytest.mark.parametrize(
    ("keys", "move"),
    [("w", (-1, 0, 0)), ("s", (1, 0, 0)), ("a", (0, -1, 0)), ("d", (0, 1, 0)), ("q", (0, 0, -1)), ("e", (0, 0, 1)),
     ("wd", (-1, 1, 0)), ("ad", (0, 0, 0)), ("wqd", (-1, 1, -1))],
)  # fmt: skip
def test_keys_become_actions(keys: str, move: tuple[int, ...]) -> None:
    board, request = Keyboard().after(press(*keys))
    assert request is Request.NOTHING
    assert np.allclose(action_of(board.drive, POSITION, 0.25), [*(0.25 * m for m in move), 1.0])
    board, _ = board.after(release(*keys))
    assert np.allclose(action_of(board.drive, POSITION, 0.25), [0, 0, 0, 1])


def test_space_toggles_the_fingers_and_turning_goes_where_the_mode_turns() -> None:
    board, _ = Keyboard().after(press("space", "z"))
    names = (*POSITION[:3], "hand yaw", POSITION[3])
    assert np.allclose(action_of(board.drive, names, 0.5), [0, 0, 0, 0.5, -1])
    pose = (*POSITION[:3], *(f"hand rotation {axis}" for axis in "xyz"), POSITION[3])
    assert np.allclose(action_of(board.drive, pose, 0.5), [0, 0, 0, 0, 0, 0.5, -1])
    assert np.allclose(action_of(board.drive, POSITION[:3], 0.5), 0)  # fingers that stay closed
    board, _ = board.after([*release("space"), *press("space")])
    assert not board.drive.shut and not board.renewed().drive.shut


def test_joints_cannot_be_driven() -> None:
    with pytest.raises(InputError, match="joint 1 speed"):
        action_of(Drive(), ("joint 1 speed", "gripper opening, -1 closed, 1 open"), 0.3)


@pytest.mark.parametrize(
    ("control", "request_"),
    [("return", Request.SAVE), ("backspace", Request.DISCARD), ("escape", Request.STOP),
     ("window closed", Request.STOP)],
)  # fmt: skip
def test_keys_ask(control: str, request_: Request) -> None:
    assert Keyboard().after(press(control))[1] is request_
    assert Keyboard().after(release(control))[1] is Request.NOTHING


def test_keys_are_let_go_when_the_window_is_left() -> None:
    board, _ = Keyboard().after([*press("w"), InputEvent("window left", 1.0)])
    assert board.drive == Drive()


def test_sticks_become_actions() -> None:
    pad, request = Gamepad().after(
        [InputEvent("pad left x", 0.56), InputEvent("pad left y", -1.0), InputEvent("pad right y", 0.11)]
    )
    assert request is Request.NOTHING
    # right 0.5 = (0.56 - 0.12) / 0.88; up on the stick is away; 0.11 is within the dead zone
    assert np.allclose(action_of(pad.drive, POSITION, 0.5), [-0.5, 0.25, 0.0, 1.0])
    pad, _ = pad.after([InputEvent("pad right trigger", 0.9)])
    assert pad.drive.shut
    pad, _ = pad.after([InputEvent("pad right trigger", 0.0)])
    assert pad.drive.shut  # a trigger is no switch to be held
    pad, _ = pad.after([InputEvent("pad left trigger", 0.9), InputEvent("pad right x", 1.0)])
    assert not pad.drive.shut and pad.drive.turn == -1.0
    assert [Gamepad().after(press(b))[1] for b in ("pad a", "pad b", "pad start")] == [
        Request.SAVE, Request.DISCARD, Request.STOP
    ]  # fmt: skip


def test_the_picture_agrees_with_the_keys() -> None:
    """D is to the right in the view from the front, W is away from the camera and up in the view from above."""
    front, above = (views_room._VIEWS[name] for name in ("front", "above"))
    right, away = np.array([0.0, 1.0, 0.0]), np.array([-1.0, 0.0, 0.0])
    assert front.T_world_camera[:3, 0] @ right > 0.99 and front.T_world_camera[:3, 2] @ away > 0.8
    assert above.T_world_camera[:3, 0] @ right > 0.99 and above.T_world_camera[:3, 1] @ away < -0.99


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    window = Window(Keyboard().legend)
    yield window
    window.close()


def post(kind: str, **what: Any) -> None:
    import pygame

    pygame.event.post(pygame.event.Event(getattr(pygame, kind), what))


def test_events_of_pygame_are_named(window: Window) -> None:
    import pygame

    window.events()
    post("KEYDOWN", key=pygame.K_w)
    post("KEYUP", key=pygame.K_w)
    post("KEYDOWN", key=pygame.K_RETURN)
    post("KEYDOWN", key=pygame.K_SPACE)
    post("MOUSEMOTION", pos=(1, 1), rel=(0, 0), buttons=(0, 0, 0))
    post("CONTROLLERAXISMOTION", axis=pygame.CONTROLLER_AXIS_LEFTY, value=-32768, instance_id=0)
    post("CONTROLLERAXISMOTION", axis=pygame.CONTROLLER_AXIS_TRIGGERRIGHT, value=32767, instance_id=0)
    post("CONTROLLERBUTTONDOWN", button=pygame.CONTROLLER_BUTTON_B, instance_id=0)
    post("CONTROLLERBUTTONDOWN", button=pygame.CONTROLLER_BUTTON_Y, instance_id=0)
    post("QUIT")
    assert window.events() == [
        ("w", 1.0), ("w", 0.0), ("return", 1.0), ("space", 1.0), ("pad left y", -1.0), ("pad right trigger", 1.0),
        ("pad b", 1.0), ("window closed", 1.0),
    ]  # fmt: skip


def test_the_window_shows_views_and_state(window: Window) -> None:
    views = {
        "front": np.full((480, 640, 3), 10, np.uint8),
        "side": np.full((240, 320, 3), 20, np.uint8),
        "above": np.full((240, 320, 3), 30, np.uint8),
    }
    status = Status("lift the cube", 3, 2, 10, 0.0, False, 1.0)
    window.show(views, status)
    waiting = window.picture()
    assert waiting.shape == (640, 960, 3)
    assert waiting[240, 320, 0] == 10 and waiting[100, 800, 0] == 20 and waiting[400, 800, 0] == 30
    window.show(views, status._replace(recorded_s=1.2, done=True))
    recording = window.picture()
    changed = np.argwhere((recording != waiting).any(-1))
    assert changed[:, 0].min() >= 480 and len(changed) > 200
    assert (recording[535, 23] == (200, 40, 40)).all()  # the red light


@pytest.mark.parametrize("driver", ["nonsense", ""])
def test_no_display_is_one_line(monkeypatch: pytest.MonkeyPatch, driver: str) -> None:
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", driver)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", *(["SDL_VIDEODRIVER"] if not driver else [])):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="expected a display") as caught:
        Window(())
    assert "\n" not in str(caught.value)


def test_no_gamepad_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    with pytest.raises(InputError, match="a gamepad that SDL knows"):
        Window((), gamepad=True)


def test_without_pygame_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pygame", None)
    with pytest.raises(InputError, match=r"graspmimic\[teleop\]"):
        Window(())


class Scripted:
    """The real window, before which somebody sits who posts events to pygame, and a clock that does not wait."""

    def __init__(self, window: Window, person: Callable[[Status], Sequence[str]]) -> None:
        self.window, self.person = window, person
        self.held: set[str] = set()
        self.statuses: list[Status] = []

    def events(self) -> list[InputEvent]:
        return self.window.events()

    def show(self, views: dict[str, NDArray[np.uint8]], status: Status) -> None:
        import pygame

        self.window.show(views, status)
        self.statuses.append(status)
        keys = set(self.person(status))
        for kind, names in (("KEYUP", self.held - keys), ("KEYDOWN", keys - self.held)):
            for name in names:
                post(kind, key=pygame.key.key_code(name))
        self.held = keys

    def wait(self, rate_hz: float) -> float:
        return 1.0 / rate_hz


class Reacher:
    """Drives the hand to the goal by keys; what it knows of the scene it reads off the environment."""

    def __init__(self, window: Window, **how: Any) -> None:
        plan = teleoperation_plan("Reach", "keyboard", words="reach the goal", **how)
        self.env = plan.make_env()
        self.plan = plan.__class__(**{**vars(plan), "make_env": lambda: self.env})
        self.screen = Scripted(window, self.keys)
        self.begin: Sequence[Sequence[str]] = ()

    def keys(self, status: Status) -> Sequence[str]:
        if len(self.screen.statuses) <= len(self.begin):
            return self.begin[len(self.screen.statuses) - 1]
        env = self.env.unwrapped
        if status.done:
            return ("return",)
        apart = np.array(env.task.goal) - env.scene.arm.state.position
        names = (("s", "w"), ("d", "a"), ("e", "q"))
        return [pair[int(d < 0)] for d, pair in zip(apart, names, strict=True) if abs(d) > 0.008]


def test_a_session_saves_what_a_person_does(window: Window, tmp_path: Path) -> None:
    person = Reacher(window, seed=3)
    person.begin = [(), (), ()]  # looks at it for a moment
    result = run_session(person.plan, tmp_path, Keyboard(), person.screen, SessionSettings(episodes=2))
    assert (result.saved, result.discarded, result.in_set) == (2, 0, 2)
    found = DemonstrationSet.open(tmp_path)
    assert found.numbers == (0, 1) and found.success == 1.0
    first = found[0]
    assert first.provenance["source"] == "keyboard" and first.provenance["seed"] == person.plan.env_seed(0)
    assert first.complete and first.task == "reach the goal"
    assert np.abs(first.actions[0]).max() == pytest.approx(0.3)  # no idle frames before the first motion
    assert not first.actions[-16:, :3].any() and first.actions[-17, :3].any()  # the hand holds still at the end
    apart = first.observations["achieved_goal"] - first.observations["desired_goal"]
    assert np.linalg.norm(apart[-17:], axis=1).max() < 0.05 < np.linalg.norm(apart[0])
    assert {status.note for status in person.screen.statuses} == {"", "saved"}
    shown = [round(25 * status.recorded_s) for status in person.screen.statuses if status.scene == 0]
    assert shown[:5] == [0, 0, 0, 0, 1] and set(np.diff(shown)) == {0, 1}  # what was waited for is not made up for
    played = person.plan.make_env().unwrapped  # closed, but its task remembers the last goal
    assert np.allclose(played.task.goal, found[1].observations["desired_goal"][0])


def test_what_is_recorded_is_what_the_environment_did(window: Window, tmp_path: Path) -> None:
    """The recorded actions, played again from the recorded seed, give the recorded observations."""
    person = Reacher(window)
    run_session(person.plan, tmp_path, Keyboard(), person.screen, SessionSettings(episodes=1))
    episode = DemonstrationSet.open(tmp_path)[0]
    env = teleoperation_plan("Reach", "keyboard", words="").make_env()
    seen, _ = env.reset(seed=episode.provenance["seed"])
    for step, action in enumerate(episode.actions):
        assert np.array_equal(seen["observation"], episode.observations["observation"][step])
        seen, reward, *_ = env.step(action)
        assert reward == episode.rewards[step]
    assert np.array_equal(seen["observation"], episode.observations["observation"][-1])
    env.close()


def test_discarding_begins_the_same_scene_again_and_ending_keeps_what_was_saved(window: Window, tmp_path: Path) -> None:
    person = Reacher(window)
    person.begin = [("w",), ("w",), ("backspace",), (), ("d",), ("return",), (), ("escape",)]
    result = run_session(person.plan, tmp_path, Keyboard(), person.screen, SessionSettings(episodes=5))
    assert (result.saved, result.discarded, result.in_set) == (0, 1, 0)
    notes = [status.note for status in person.screen.statuses]
    assert "discarded" in notes and notes[-1] == "not saved: the task is not done"
    assert {status.scene for status in person.screen.statuses} == {0}
    again = Reacher(window)
    person.begin = ()
    assert run_session(again.plan, tmp_path, Keyboard(), again.screen, SessionSettings(episodes=1)).in_set == 1
    done = Reacher(window)  # nothing is left to do
    assert run_session(done.plan, tmp_path, Keyboard(), done.screen, SessionSettings(episodes=1)).saved == 0
    assert not done.screen.statuses


def test_time_that_is_over_discards_what_is_not_done(window: Window, tmp_path: Path) -> None:
    renewed = []

    class Watched(Keyboard):
        def renewed(self) -> Keyboard:
            renewed.append(self)
            return super().renewed()

    person = Reacher(window, limit_s=0.2)
    person.begin = [("e",)] * 8 + [("escape",)]
    result = run_session(person.plan, tmp_path, Watched(), person.screen)
    assert (result.saved, result.discarded) == (0, 1)
    assert len(renewed) == 2  # fingers are open again when an episode begins


def test_a_slow_machine_plays_more_slowly(window: Window, tmp_path: Path) -> None:
    """A picture that takes 0.1 s is followed by the steps that are due, four at most."""
    person = Reacher(window)
    person.begin = [("e",)] * 6 + [("escape",)]
    for seconds, each in ((0.08, 2), (0.5, 4)):
        person.screen.statuses.clear()
        person.screen.wait = lambda rate_hz, s=seconds: s  # type: ignore[method-assign]
        run_session(person.plan, tmp_path, Keyboard(), person.screen)
        recorded = [round(25 * status.recorded_s) for status in person.screen.statuses]
        assert recorded == [0, *(each * n for n in range(1, 7))]
        person.env = teleoperation_plan("Reach", "keyboard", words="reach the goal").make_env()


def test_what_does_not_stay_done_is_not_saved(window: Window, tmp_path: Path) -> None:
    """The environment takes success back as soon as nothing moves."""
    person = Reacher(window)
    step = person.env.step

    def lost(action: Any) -> Any:
        seen, reward, terminated, truncated, info = step(action)
        still = not np.any(action[:3])
        return seen, reward, terminated, truncated, {**info, "is_success": info["is_success"] and not still}

    person.env.step = lost  # type: ignore[method-assign]
    statuses = person.screen.statuses
    keys = person.keys
    person.screen.person = lambda status: ("escape",) if "not saved" in status.note else keys(status)
    result = run_session(person.plan, tmp_path, Keyboard(), person.screen)
    assert result.saved == 0 and statuses[-1].note == "not saved: the task is not done"


def test_unknown_tasks_are_refused() -> None:
    with pytest.raises(InputError, match="one of Reach"):
        teleoperation_plan("ClutterPick", "keyboard", words="")
