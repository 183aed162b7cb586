"""From recordings to programs: scenes made by hand, whose truth is plain, and shows of the simulated person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from geometry import FloatArray, InputError
from perception.behavior.watching import watch_recording
from perception.pose import SKELETONS, Hand, Person, PoseFrame, SeenObject
from perception.pose.skeletons import HAND21
from policies.programs import Grasp, HandOver, Place, Pour, Push, check, program_from_recording
from policies.programs.match_study import TUNING_SEED, shown_example
from policies.programs.motions import motions_of, noise_of
from policies.programs.watched_bench import watch_bench

BODY = SKELETONS["body18"]
RATE_HZ = 30.0
SIZES = {"cube": (0.04, 0.04, 0.04), "plate": (0.16, 0.16, 0.014), "bowl": (0.16, 0.16, 0.06), "can": (0.06, 0.06, 0.1)}
REST = np.array([0.9, 0.1, 0.1])
APPROACH = np.array([-0.6, 0.0, -0.8])


def hand_about(middle_m: FloatArray, gap_m: float) -> FloatArray:
    """(21, 3) thumb at -y and index finger at +y of a point, the rest of the hand behind them along `APPROACH`."""
    points = np.repeat(middle_m[None] - 0.15 * APPROACH, len(HAND21), axis=0)
    for finger, side in (("thumb", -1.0), ("index", 1.0), ("middle", 1.0), ("ring", 1.0), ("pinky", 1.0)):
        tip = middle_m + (0.0, 0.5 * side * gap_m, 0.0)
        root = middle_m - 0.08 * APPROACH
        rows = [HAND21.index(joint) for joint in HAND21.joints if joint.startswith(finger)]
        points[rows] = root + np.linspace(0.0, 1.0, 4)[:, None] * (tip - root)
    return points


def person_of(number: int, hand_m: FloatArray) -> Person:
    body = np.repeat(hand_m[:1] + (0.3, 0.1 * number, 0.3), len(BODY), axis=0) + 0.02 * np.arange(len(BODY))[:, None]
    body[BODY.index("right_wrist")] = hand_m[0]
    return Person(
        id=number,
        scores=np.ones(len(BODY)),
        keypoints_m=body,
        right_hand=Hand(scores=np.ones(len(HAND21)), keypoints_m=hand_m),
    )


def smooth(share: FloatArray) -> FloatArray:
    t = np.clip(share, 0.0, 1.0)
    return t**3 * (10.0 - 15.0 * t + 6.0 * t * t)


def film(
    stops: Sequence[tuple[float, FloatArray, str | None]],
    places: dict[str, tuple[float, float, float]],
    *,
    noise_m: float = 0.0,
    seed: int = 0,
) -> list[PoseFrame]:
    """A hand that goes from stop to stop (duration, place, what it moves meanwhile); things are where they are put."""
    rng = np.random.default_rng(seed)
    hand, things = REST.copy(), {name: np.array(place) for name, place in places.items()}
    frames: list[PoseFrame] = []
    offset = noise_m * rng.standard_normal(3)
    for duration, goal, moved in stops:
        start, held = hand.copy(), None if moved is None else things[moved] - hand
        for share in smooth(np.arange(1, round(duration * RATE_HZ) + 1) / (duration * RATE_HZ)):
            hand = start + share * (goal - start)
            if moved is not None and held is not None:
                things[moved] = hand + held
            seen = []
            for name, place in things.items():
                T = np.eye(4)
                T[:3, 3] = place + 0.002 * (noise_m > 0.0) * rng.standard_normal(3)
                category = name.partition("_")[0]
                size = np.array(SIZES[category])
                seen.append(SeenObject(name=name, category=category, T_reference_object=T, size_m=size))
            gap = 0.04 + 0.016 if moved is not None else 0.09
            points = hand_about(hand, gap) + offset + 0.4 * noise_m * rng.standard_normal((len(HAND21), 3))
            frames.append(
                PoseFrame(
                    time_s=len(frames) / RATE_HZ, skeleton=BODY, persons=(person_of(0, points),),
                    objects=tuple(seen), reference="world",
                )
            )  # fmt: skip
    return frames


def put_film(start: FloatArray, goal: FloatArray, places: dict[str, tuple[float, float, float]], **noise: float):  # type: ignore[no-untyped-def]
    """The cube goes from one place to another through the air."""
    up = np.array([0.0, 0.0, 0.12])
    stops = [
        (0.7, REST, None), (0.9, start, None), (0.4, start, None), (0.6, start + up, "cube"),
        (0.8, goal + up, "cube"), (0.6, goal, "cube"), (0.4, goal, None), (0.5, goal + up, None), (0.8, REST, None),
    ]  # fmt: skip
    return film(stops, places, **noise)  # type: ignore[arg-type]


AT = {"cube": (0.5, -0.2, 0.02), "plate": (0.5, 0.2, 0.007)}
ON_PLATE = np.array([0.5, 0.2, 0.024])


@pytest.mark.parametrize("noise_m", [0.0, 0.01, 0.02])
def test_a_cube_on_a_plate(noise_m: float) -> None:
    shown = program_from_recording(put_film(np.array(AT["cube"]), ON_PLATE, AT, noise_m=noise_m))
    assert shown.program is not None and shown.program.text == "put cube on plate"
    assert [words[0] for words in shown.program.signature()] == ["Reach", "Grasp", "Lift", "Carry", "Place", "Release"]
    place, grasp = shown.program.steps[4], shown.program.steps[1]
    assert isinstance(place, Place) and (place.to, place.relation) == ("plate", "on")
    np.testing.assert_allclose(place.offset_m, (0.0, 0.0, 0.017), atol=0.003)
    assert isinstance(grasp, Grasp) and grasp.width_m == 0.04 and abs(grasp.closing[1]) == 1.0
    assert np.dot(grasp.approach, APPROACH) > np.cos(np.radians(12.0))
    assert check(shown.program) == []
    for each in shown.program.objects:
        assert each.stood_m == pytest.approx(AT[each.name], abs=0.003)


@pytest.mark.parametrize(
    ("goal", "to", "relation"),
    [
        ((0.5, 0.2, 0.026), "bowl", "in"),
        ((0.5, 0.2, 0.026 + 0.06), "table", "at"),  # let go in the air above the bowl: no step of placing it
        ((0.5, 0.2 + 0.08 + 0.02 + 0.04, 0.02), "bowl", "beside"),
        ((0.5, 0.2 + 0.08 + 0.02 + 0.09, 0.02), "table", "at"),
    ],
)
def test_relations_at_the_end(goal: tuple[float, float, float], to: str, relation: str) -> None:
    things = {"cube": AT["cube"], "bowl": (0.5, 0.2, 0.03)}
    shown = program_from_recording(put_film(np.array(AT["cube"]), np.array(goal), things))
    assert shown.program is not None
    places = [step for step in shown.program.steps if isinstance(step, Place)]
    if goal[2] > 0.08:
        assert places == [] and "still in the hand" in shown.program.notes[0]
    else:
        assert [(each.to, each.relation) for each in places] == [(to, relation)]


def test_what_is_put_back_beside_its_neighbour_is_put_at_its_place() -> None:
    things = {"cube": (0.5, 0.0, 0.02), "can": (0.5, 0.08, 0.05)}
    shown = program_from_recording(put_film(np.array(things["cube"]), np.array((0.5, 0.005, 0.02)), things))
    assert shown.program is not None and shown.program.signature()[4] == ("Place", "cube", "table", "at")


def test_a_push_has_no_grasp() -> None:
    start, way = np.array([0.5, -0.05, 0.02]), np.array([0.0, 0.2, 0.0])
    behind = start + (0.0, -0.03, 0.0)
    stops = [(0.7, REST, None), (0.9, behind, None), (0.3, behind, None), (1.0, behind + way, "cube")]
    stops += [(0.3, behind + way, None), (0.6, REST, None), (0.4, REST, None)]
    shown = program_from_recording(film(stops, {"cube": (0.5, -0.05, 0.02)}))
    assert shown.program is not None and shown.program.signature() == (("Reach", "cube"), ("Push", "cube", "table"))
    push = shown.program.steps[1]
    assert isinstance(push, Push)
    np.testing.assert_allclose(push.offset_m, way, atol=0.004)


def test_nothing_moves_while_only_its_pose_is_wrong() -> None:
    """Two minutes of three things at rest: white errors of 3 mm, and wandering ones of a tracker."""
    rng = np.random.default_rng(3)
    for wander in (0.0, 0.9):
        error, frames = np.zeros((3, 3)), []
        for row in range(3600):
            error = wander * error + np.sqrt(1.0 - wander**2) * 0.003 * rng.standard_normal((3, 3))
            things = []
            for number in range(3):
                T = np.eye(4)
                T[:3, 3] = error[number] + (0.3 * number, 0.0, 0.02)
                things.append(SeenObject(name=f"cube_{number}", T_reference_object=T, size_m=np.full(3, 0.04)))
            time_s = row / RATE_HZ
            frames.append(PoseFrame(time_s=time_s, skeleton=BODY, objects=tuple(things), reference="world"))
        bench = watch_bench(frames)
        noise = noise_of(bench.things, bench.rows(0.3))
        assert [motions_of(each, bench, noise) for each in bench.things] == [[], [], []]


def test_a_motion_is_found_when_it_happens() -> None:
    frames = put_film(np.array(AT["cube"]), ON_PLATE, AT, noise_m=0.02)
    bench = watch_bench(frames)
    motions = motions_of(bench.thing("cube"), bench, noise_of(bench.things, bench.rows(0.3)))
    assert len(motions) == 1  # lifted at 2.0 s, down at 4.0 s
    assert abs(motions[0].first / RATE_HZ - 2.0) < 0.15 and abs(motions[0].last / RATE_HZ - 4.0) < 0.15


@pytest.mark.parametrize("task", ["place_in", "stack", "pour", "push_to_line", "hand_over"])
def test_the_simulated_person_is_understood(task: str) -> None:
    example = shown_example(task, TUNING_SEED + 7, 0.02)
    shown = program_from_recording(example.frames)
    assert shown.program is not None and shown.program.signature() == example.signature
    assert check(shown.program) == []


def test_pouring_and_handing_over_have_their_numbers() -> None:
    poured = program_from_recording(shown_example("pour", TUNING_SEED + 1, 0.0).frames).program
    handed = program_from_recording(shown_example("hand_over", TUNING_SEED + 1, 0.0).frames).program
    assert poured is not None and handed is not None
    pour, hand = poured.steps[4], handed.steps[4]
    assert isinstance(pour, Pour) and isinstance(hand, HandOver)
    assert 1.9 < pour.angle_rad < 2.3 and pour.offset_m[2] > 0.05 and 1.0 < pour.duration_s < 4.0
    assert hand.to == "person_2" and np.linalg.norm(hand.offset_m) < 0.12


def test_behaviours_are_a_second_opinion() -> None:
    frames = shown_example("place_on", TUNING_SEED, 0.0).frames
    timeline = watch_recording(frames)
    alone, told = program_from_recording(frames), program_from_recording(frames, timeline=timeline)
    assert alone.program == told.program and told.program is not None and told.program.notes == ()
    silent = replace(timeline, segments=())
    doubted = program_from_recording(frames, timeline=silent).program
    assert doubted is not None and "no behaviour of the right hand tells so" in doubted.notes[0]
    by_behaviours = program_from_recording(frames, timeline=timeline, contact="behaviours").program
    assert by_behaviours is not None and by_behaviours.signature() == told.program.signature()
    with pytest.raises(InputError, match="timeline"):
        program_from_recording(frames, contact="behaviours")
