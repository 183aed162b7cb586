"""`graspmimic collect --source keyboard` and `gamepad`: a person drives the robot in a window."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from rich.console import Console


def collect_teleoperated(
    console: Console,
    folder: Path,
    *,
    task: str,
    source: Literal["keyboard", "gamepad"],
    episodes: int,
    seed: int = 0,
    env_options: Mapping[str, Any] | None = None,
    keep_failures: bool = False,
    speed: float = 0.3,
    limit_s: float = 60.0,
) -> dict[str, Any]:
    """Open the window, let the person drive until the set is complete or they end it, and say what came of it.

    Args:
        console: where it is said.
        folder: of the set; the same options go on with what lies there.
        task: Reach, PickPlace and so on.
        source: what the person drives with.
        episodes: in the set at the end.
        seed: of the set.
        env_options: of the environment: "observation", "action" and the like.
        keep_failures: allow saving episodes in which the task is not done.
        speed: share of the largest motion that a key asks for.
        limit_s: time for one episode.

    Returns:
        what `graspmimic collect` gives.

    Raises:
        InputError: without pygame, a display or the gamepad, or if an option does not fit.
    """
    from policies.demonstrations import DemonstrationSet
    from policies.demonstrations.task_plan import TASK_TEXTS
    from policies.demonstrations.teleoperation import (
        Gamepad,
        Keyboard,
        SessionSettings,
        Window,
        run_session,
        teleoperation_plan,
    )

    settings = SessionSettings(episodes=episodes, speed=speed)
    plan = teleoperation_plan(
        task, source, words=TASK_TEXTS.get(task, task), env_options=env_options, limit_s=limit_s, seed=seed,
        keep_failures=keep_failures,
    )  # fmt: skip
    device = Gamepad() if source == "gamepad" else Keyboard()
    window = Window(device.legend, gamepad=source == "gamepad")
    try:
        done = run_session(plan, folder, device, window, settings)
    finally:
        window.close()
    shown = DemonstrationSet.open(folder) if done.in_set else None
    console.print(f"{folder}: {done.in_set} episodes, {done.saved} of them new; {done.discarded} discarded")
    return {
        "folder": str(folder),
        "episodes": done.in_set,
        "steps": shown.steps if shown else 0,
        "success": shown.success if shown else 0.0,
        "tries": done.saved + done.discarded,
        "played": done.saved + done.discarded,
        "wall_s": done.wall_s,
    }
