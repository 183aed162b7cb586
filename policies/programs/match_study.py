"""How often the program of a recording is exactly what was shown: the ten tasks, by a simulated person.

All keypoints are synthetic. Every task, seed and level of error has a recording of its own; the same seed at another
level is the same demonstration, measured worse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from envs.demonstrator import demonstrate_scene, noisy
from envs.workbench import TASKS
from geometry import InputError
from perception.behavior.watching import watch_recording
from perception.pose import PoseFrame
from policies.programs.recording_program import Contact, ShownTask, program_from_recording
from policies.programs.shown_frames import shown_frames

NOISES_M = (0.0, 0.01, 0.02)
"""Mean errors of the keypoints."""
TUNING_SEED = 1_000_000
"""Seeds from here on are for tuning; those that are reported begin at 0."""
Words = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ShownExample:
    """A recording with the right answer."""

    task: str
    """Which of the ten."""
    noise_m: float
    """Mean error of its keypoints."""
    frames: tuple[PoseFrame, ...]
    """What was seen."""
    signature: tuple[Words, ...]
    """Steps of the right program without numbers."""


@dataclass(frozen=True, kw_only=True)
class MatchCell:
    """One task at one level of error."""

    task: str
    """Which of the ten."""
    noise_m: float
    """Mean error of the keypoints."""
    seeds: int
    """Recordings."""
    misses: tuple[tuple[int, str], ...]
    """Seed of each program that was not right, and the first thing that was wrong with it."""

    @property
    def matches(self) -> int:
        """Programs that were right, step by step."""
        return self.seeds - len(self.misses)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share of matches."""
        return share_interval(self.matches, self.seeds)


def shown_example(task: str, seed: int, noise_m: float) -> ShownExample:
    """Show a task once, in a scene and by a person drawn from the seed.

    Raises:
        InputError: for an unknown task.
    """
    if task not in TASKS:
        raise InputError("task", expected=f"one of {', '.join(TASKS)}", got=f"{task!r}")
    shown_by = np.random.default_rng([seed, list(TASKS).index(task), 0])
    scene = TASKS[task].draw(shown_by)
    demonstration = demonstrate_scene(scene, shown_by)
    measured = np.random.default_rng([seed, list(TASKS).index(task), 1])
    frames = shown_frames(noisy(demonstration, noise_m, measured))
    return ShownExample(task=task, noise_m=noise_m, frames=tuple(frames), signature=scene.signature)


def match_study(
    seeds: Sequence[int],
    *,
    tasks: Sequence[str] = tuple(TASKS),
    noises_m: Sequence[float] = NOISES_M,
    contact: Contact = "motion",
    on_recording: Callable[[], None] | None = None,
) -> list[MatchCell]:
    """Compare programs with what was shown.

    Args:
        seeds: one recording for each, task and level.
        tasks: which.
        noises_m: mean errors of the keypoints.
        contact: what tells when a thing is handled: its own motion, or the behaviours of hands alone.
        on_recording: called after each recording.
    """
    cells = []
    for task in tasks:
        for noise_m in noises_m:
            misses = []
            for seed in seeds:
                example = shown_example(task, seed, noise_m)
                timeline = watch_recording(example.frames) if contact == "behaviours" else None
                shown = program_from_recording(example.frames, timeline=timeline, contact=contact)
                wrong = first_difference(example.signature, shown)
                misses += [(seed, wrong)] if wrong else []
                if on_recording is not None:
                    on_recording()
            cells.append(MatchCell(task=task, noise_m=noise_m, seeds=len(seeds), misses=tuple(misses)))
    return cells


def first_difference(wanted: Sequence[Words], shown: ShownTask) -> str:
    """The first step in which a program differs from the right one; empty where it is right."""
    if shown.program is None:
        return f"no program: {shown.reason}"
    got = shown.program.signature()
    for number in range(max(len(wanted), len(got))):
        pair = [" ".join(words[number]) if number < len(words) else "the end" for words in (wanted, got)]
        if pair[0] != pair[1]:
            return f"{pair[1]} instead of {pair[0]}"
    return ""


def confusions(cells: Sequence[MatchCell]) -> Counter[str]:
    """How often each kind of mistake was made, as kinds of steps: "Push instead of Grasp"."""
    return Counter(_kinds(wrong) for cell in cells for _, wrong in cell.misses)


def share_interval(matches: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    interval = binomtest(matches, count).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _kinds(wrong: str) -> str:
    """A difference without the names of things, but with the relation of a place."""
    got, instead, wanted = wrong.partition(" instead of ")
    return f"{_kind(got)}{instead}{_kind(wanted)}" if instead else wrong.partition(":")[0]


def _kind(words: str) -> str:
    first, *others = words.split()
    return f"{first} {others[-1]}" if first == "Place" else ("the end" if words == "the end" else first)
