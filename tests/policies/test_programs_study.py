"""The study of exact matches, and the picture."""

from __future__ import annotations

from dataclasses import replace

import pytest

from geometry import InputError
from perception.behavior.watching import watch_recording
from policies.programs import ShownTask, program_from_recording
from policies.programs.match_study import (
    TUNING_SEED,
    MatchCell,
    confusions,
    first_difference,
    match_study,
    share_interval,
    shown_example,
)
from policies.programs.program_figure import program_figure


def test_programs_match_what_was_shown() -> None:
    cells = match_study(
        range(TUNING_SEED + 20, TUNING_SEED + 23), tasks=("place_on", "push_to_line"), noises_m=(0.0, 0.02)
    )
    assert [(cell.task, cell.noise_m, cell.matches, cell.seeds) for cell in cells] == [
        ("place_on", 0.0, 3, 3),
        ("place_on", 0.02, 3, 3),
        ("push_to_line", 0.0, 3, 3),
        ("push_to_line", 0.02, 3, 3),
    ]


@pytest.mark.slow
def test_every_task_matches_at_every_level() -> None:
    for cell in match_study(range(TUNING_SEED + 40, TUNING_SEED + 45)):
        assert cell.matches >= 4, cell


def test_a_wrong_program_is_not_a_match() -> None:
    example = shown_example("place_on", TUNING_SEED, 0.0)
    shown = program_from_recording(example.frames)
    assert first_difference(example.signature, shown) == ""
    other = (*example.signature[:4], ("Place", "cube", "plate", "in"), ("Release", "cube"))
    assert first_difference(other, shown) == "Place cube plate on instead of Place cube plate in"
    assert first_difference(example.signature[:5], shown) == "Release cube instead of the end"
    assert (
        first_difference(other, ShownTask(program=None, reason="nothing was moved")) == "no program: nothing was moved"
    )


def test_mistakes_are_counted_by_kind() -> None:
    misses = ((3, "Place a b on instead of Place a b in"), (4, "Place c d on instead of Place c d in"))
    cell = MatchCell(task="place_in", noise_m=0.02, seeds=20, misses=(*misses, (5, "no program: nothing was moved")))
    assert cell.matches == 17
    assert confusions([cell]) == {"Place on instead of Place in": 2, "no program": 1}


def test_intervals_are_wilsons() -> None:
    """Wilson (1927): (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n); for 19 of 20 by hand."""
    low, high = share_interval(19, 20)
    assert low == pytest.approx(0.7639, abs=2e-4) and high == pytest.approx(0.9911, abs=2e-4)


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(InputError, match="place_on"):
        shown_example("juggle", 0, 0.0)


def test_the_picture_shows_every_step_and_every_thing() -> None:
    example = shown_example("pour", TUNING_SEED, 0.02)
    timeline = watch_recording(example.frames)
    shown = program_from_recording(example.frames)
    above, below = program_figure(shown, timeline=timeline).axes
    words = {text.get_text() for text in below.texts}
    assert {"1 Reach", "2 Grasp", "5 Pour", "7 Place", "8 Release"} <= words
    assert [label.get_text() for label in above.get_yticklabels()] == ["right hand", "cup", "bowl"]
    assert "carried" in {text.get_text() for text in above.texts}


def test_the_picture_of_nothing_says_why() -> None:
    example = shown_example("place_on", TUNING_SEED, 0.0)
    shown = program_from_recording([replace(frame, objects=()) for frame in example.frames])
    _, below = program_figure(shown).axes
    assert [text.get_text() for text in below.texts] == ["no thing with a pose is in view"]
