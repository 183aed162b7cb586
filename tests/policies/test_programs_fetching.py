"""Arms alone: hands that go out and come back; a real hand-over against the forces of the grips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geometry import InputError
from perception.pose import PersonTrack
from perception.pose.recordings import read_grip_forces_n, read_handover
from perception.pose.skeletons import BODY18
from policies.programs import Grasp, HandOver, program_from_recording
from policies.programs.fetching_program import program_from_arms


def arms(*absences: tuple[str, float, float], reach_m: float = 0.15) -> PersonTrack:
    """Twenty seconds at thirty frames a second: a wrist is elsewhere between two times."""
    time_s = np.arange(0.0, 20.0, 1.0 / 30.0)
    points = np.full((len(time_s), len(BODY18), 3), np.nan)
    for side, y in (("left", 0.2), ("right", -0.2)):
        wrist = np.tile((0.1, y, 0.7), (len(time_s), 1))
        for which, begin, end in absences:
            if which == side:
                wrist[:, 0] += reach_m * np.clip(np.minimum(time_s - begin, end - time_s) / 0.4, 0.0, 1.0)
        points[:, BODY18.index(f"{side}_wrist")] = wrist
    return PersonTrack(
        skeleton=BODY18, time_s=time_s, keypoints=points, scores=np.isfinite(points[..., 0]).astype(float)
    )


def test_every_absence_is_a_part_in_order_of_time() -> None:
    shown = program_from_arms(arms(("right", 8.0, 10.0), ("left", 3.0, 5.0)))
    assert shown.program is not None
    carried = [event for event in shown.events if event.kind == "carried"]
    assert [(event.thing, event.hand) for event in carried] == [("part_1", "left hand"), ("part_2", "right hand")]
    assert [type(step).__name__ for step in shown.program.steps[:6]] == [
        "Reach", "Grasp", "Lift", "Carry", "Place", "Release",
    ]  # fmt: skip
    assert shown.program.steps[0].start_s == pytest.approx(3.15, abs=0.2)
    assert shown.program.steps[5].end_s == pytest.approx(4.85, abs=0.2)
    assert any("no thing and no finger" in note for note in shown.program.notes)


@pytest.mark.parametrize(
    "track",
    [
        arms(),
        arms(("left", 3.0, 5.0), reach_m=0.03),
        arms(("left", -1.0, 2.0)),
        arms(("left", 18.0, 22.0)),
        arms(("right", 3.0, 3.2), reach_m=0.3),
    ],
    ids=["still", "near", "begins away", "ends away", "jump"],
)
def test_nothing_is_made_up(track: PersonTrack) -> None:
    assert program_from_arms(track).program is None


def test_pixels_are_refused() -> None:
    track = arms()
    flat = PersonTrack(skeleton=BODY18, time_s=track.time_s, keypoints=track.keypoints[..., :2], scores=track.scores)
    with pytest.raises(InputError, match="metres"):
        program_from_arms(flat)


def test_a_real_handover_is_told_when_the_forces_say(shared_data: Path) -> None:
    """The oracle is not seen by the program: sensors under both grips."""
    folder = shared_data / "behaviour" / "kth_handover_sample"
    shown = program_from_recording(read_handover(folder).frames[::4])
    assert shown.program is not None
    assert [words[0] for words in shown.program.signature()] == ["Reach", "Grasp", "Lift", "Carry", "HandOver"]
    assert shown.program.steps[-1].to == "person_2"  # type: ignore[attr-defined]
    giver, taker = (read_grip_forces_n(folder) > 2.0).T
    taken = int(taker.argmax())
    gripped_s = (int(np.flatnonzero(~giver[:taken])[-1]) + 1) / 120.0
    gone_s = (taken + int((~giver[taken:]).argmax())) / 120.0
    grasp = next(step for step in shown.program.steps if isinstance(step, Grasp))
    given = next(step for step in shown.program.steps if isinstance(step, HandOver))
    assert grasp.end_s == pytest.approx(gripped_s, abs=0.15)
    assert given.end_s == pytest.approx(gone_s, abs=0.25)
    assert any("left out" in note for note in shown.program.notes)
