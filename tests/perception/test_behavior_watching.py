"""Watching scripted people: what was scripted is told, in time, of the right thing, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geometry import FloatArray, InputError
from graspmimic.watch_scenes import Scene, acting_scene, carrying_scene
from perception.behavior.reasoning import RuleBook
from perception.behavior.watching import Timeline, Watcher, watch_recording
from perception.behavior.watching.hands_alone import with_bodies_of_hands
from perception.behavior.watching.hands_in_company import full_hands, hands_near_people
from perception.behavior.watching.layers import layers_of
from perception.pose import Hand, Person, PoseFrame, SeenObject
from perception.pose.skeletons import BODY18, HAND21, MEDIAPIPE33


def live(frames: tuple[PoseFrame, ...] | list[PoseFrame]) -> Timeline:
    watcher = Watcher()
    for frame in frames:
        watcher.update(frame)
    return watcher.finish()


def told(timeline: Timeline, *labels: str) -> list[str]:
    return [segment.label for segment in timeline.segments if segment.label in labels and not segment.doubt]


@pytest.fixture(scope="module")
def carrying() -> Scene:
    return carrying_scene(100, noise_m=0.005)


@pytest.fixture(scope="module")
def carried(carrying: Scene) -> Timeline:
    return watch_recording(carrying.frames)


def test_carrying_a_thing_is_told_step_by_step(carrying: Scene, carried: Timeline) -> None:
    *steps, last = [each for each in carried.segments if each.object == "cube"]
    assert [step.label for step in steps] == ["reach", "lift", "carry", "place"]
    assert last.label == "release" and last.start_s > carrying.spans[-1].end_s
    for step, span in zip(steps, carrying.spans, strict=True):
        middle = 0.5 * (span.start_s + span.end_s)
        assert step.start_s <= middle < step.end_s
        assert abs(step.start_s - span.start_s) < 0.3
        assert step.confidence > 0.6 and step.reasons and step.reasons[0].contribution > 0.0


def test_each_step_says_where_the_thing_was_and_where_it_went(carrying: Scene, carried: Timeline) -> None:
    def place(frames: tuple[PoseFrame, ...]) -> FloatArray:
        (cubes,) = [[o.T_reference_object for f in frames for o in f.objects if o.name == "cube"]]
        return np.mean([pose[:3, 3] for pose in cubes if pose is not None], axis=0)

    first, last = place(carrying.frames[:10]), place(carrying.frames[-10:])
    lift, put = (next(each for each in carried.segments if each.label == label) for label in ("lift", "place"))
    assert np.linalg.norm(np.array(lift.object_from_m) - first) < 0.03
    assert lift.object_to_m[2] > lift.object_from_m[2] + 0.1
    assert np.linalg.norm(np.array(put.object_to_m) - last) < 0.03
    assert all(each.object_from_m == () for each in carried.segments if not each.object)


def test_carrying_is_told_live_a_little_later(carrying: Scene) -> None:
    steps = [each for each in live(carrying.frames).segments if each.object == "cube"][:4]
    assert [step.label for step in steps] == ["reach", "lift", "carry", "place"]
    assert all(-0.1 < step.start_s - span.start_s < 0.6 for step, span in zip(steps, carrying.spans, strict=True))


def test_a_box_that_nobody_touches_is_not_told_of(carried: Timeline) -> None:
    assert all(segment.object != "box" for segment in carried.segments)


def test_without_the_thing_nothing_is_carried(carrying: Scene) -> None:
    bare = [replace(frame, objects=()) for frame in carrying.frames]
    assert not told(watch_recording(bare), "reach", "lift", "carry", "place")


def test_a_thing_that_disappears_is_carried_until_then(carrying: Scene) -> None:
    _, lift, carry, place = carrying.spans
    gone_s = 0.5 * (lift.start_s + lift.end_s)
    frames = [
        frame if frame.time_s < gone_s else replace(frame, objects=frame.objects[1:]) for frame in carrying.frames
    ]
    for timeline in (watch_recording(frames), live(frames)):
        assert not [s for s in timeline.segments if s.object == "cube" and s.start_s > carry.start_s + 0.2]
        assert place.label not in told(timeline, "place")


@pytest.mark.slow
def test_walking_and_running_are_told_for_as_long_as_they_last() -> None:
    scene = acting_scene(200, noise_m=0.01)
    timeline = watch_recording(scene.frames)
    strides = [span for span in scene.spans if span.label in ("walk", "run")]
    assert strides
    for span in strides:
        middle = 0.5 * (span.start_s + span.end_s)
        assert span.label in [segment.label for segment in timeline.at(middle) if segment.layer == "body"]


def test_nobody_in_view() -> None:
    frames = [PoseFrame(time_s=0.1 * n, skeleton=BODY18) for n in range(20)]
    for timeline in (watch_recording(frames), live(frames)):
        assert timeline.persons == () and timeline.segments == () and timeline.frames == 20


def test_no_frame_is_an_error() -> None:
    with pytest.raises(InputError, match="at least one frame"):
        watch_recording([])
    with pytest.raises(InputError, match="at least one frame"):
        Watcher().finish()


def test_somebody_whose_joints_are_never_seen_does_nothing(carrying: Scene) -> None:
    unseen = np.full((len(carrying.frames[0].skeleton), 3), np.nan)
    frames = [
        frame.with_persons((Person(scores=np.zeros(len(unseen)), keypoints_m=unseen),)) for frame in carrying.frames
    ]
    assert watch_recording(frames).segments == ()
    assert live(frames).segments == ()


def test_lost_joints_are_lived_with() -> None:
    """One joint in ten unseen, at random: what was scripted is still told, and no figure is NaN."""
    scene, rng = carrying_scene(100, noise_m=0.002), np.random.default_rng(0)

    def lossy(frame: PoseFrame) -> PoseFrame:
        person = frame.persons[0]
        lost = rng.random(len(person.scores)) < 0.1
        assert person.keypoints_m is not None
        points = np.where(lost[:, None], np.nan, person.keypoints_m)
        return frame.with_persons((replace(person, keypoints_m=points, scores=np.where(lost, 0.0, 1.0)),))

    timeline = watch_recording([lossy(frame) for frame in scene.frames])
    assert told(timeline, "lift", "carry", "place") == ["lift", "carry", "place"]
    assert all(np.isfinite(segment.confidence) for segment in timeline.segments)


def test_another_count_of_joints_is_refused(carrying: Scene) -> None:
    other = PoseFrame(
        time_s=99.0, skeleton=MEDIAPIPE33, persons=(Person(scores=np.ones(33), keypoints_m=np.ones((33, 3))),)
    )
    for watch in (watch_recording, live):
        with pytest.raises(InputError, match="joints"):
            watch([*carrying.frames[:20], other])


def test_time_that_goes_back_is_refused(carrying: Scene) -> None:
    for watch in (watch_recording, live):
        with pytest.raises(InputError, match=r"after|growing"):
            watch([*carrying.frames[10:20], *carrying.frames[:10]])


def test_somebody_who_leaves_and_returns_keeps_the_number(carrying: Scene) -> None:
    frames = [frame.with_persons(()) if 0.2 <= frame.time_s < 0.9 else frame for frame in carrying.frames]
    timeline = watch_recording(frames)
    assert timeline.persons == (0,)
    assert told(timeline, "lift", "carry", "place") == ["lift", "carry", "place"]
    watcher = Watcher()
    numbers = {number for frame in frames for number in watcher.update(frame).doing}
    assert numbers == {0}


def test_dropped_frames_and_uneven_times_change_little_live() -> None:
    scene, rng = carrying_scene(100, noise_m=0.002), np.random.default_rng(1)
    kept = [frame for frame in scene.frames if rng.random() > 0.2]
    uneven = [replace(frame, time_s=frame.time_s + rng.uniform(0.0, 0.015)) for frame in kept]
    assert told(live(uneven), "lift", "carry", "place") == ["lift", "carry", "place"]


def test_a_single_image_gives_part_states() -> None:
    timeline = watch_recording(carrying_scene(100).frames[:1])
    assert timeline.segments == () and timeline.states
    assert all(0.5 <= state.truth <= 1.0 and state.evidence for state in timeline.states)


def test_a_behaviour_of_ones_own_is_a_layer_of_its_own(carrying: Scene) -> None:
    book = RuleBook.from_yaml("behaviors:\n  rescue: hand:hold AND thing:rise")
    assert [layer.name for layer in layers_of(book.behaviors)] == ["rescue"]
    (segment,) = watch_recording(carrying.frames, rules=book).segments
    lift = carrying.spans[1]
    assert segment.label == "rescue" and abs(segment.start_s - lift.start_s) < 0.25


def flat_hand(bend: float = 0.0) -> FloatArray:
    """(21, 2) an upright hand of 100 pixels from wrist to middle knuckle; bend 1 lays the finger tips on the palm."""
    points = np.zeros((21, 2))
    fingers = {"thumb": -70.0, "index": -40.0, "middle": 0.0, "ring": 35.0, "pinky": 65.0}
    for finger, across in fingers.items():
        parts = ("cmc", "mcp", "ip", "tip") if finger == "thumb" else ("mcp", "pip", "dip", "tip")
        for number, part in enumerate(parts):
            up = (40.0 if finger == "thumb" else 100.0) + 35.0 * number
            folded = 100.0 - 20.0 * abs(number - 1.5)
            points[HAND21.index(f"{finger}_{part}")] = (
                500.0 + across * (1.0 - 0.4 * bend),
                600.0 - ((1.0 - bend) * up + bend * folded),
            )
    points[HAND21.index("wrist")] = (500.0, 600.0)
    return points


def hand_alone(time_s: float, points: FloatArray) -> PoseFrame:
    person = Person(
        scores=np.zeros(33),
        keypoints_px=np.full((33, 2), np.nan),
        right_hand=Hand(scores=np.ones(21), keypoints_px=points),
    )
    return PoseFrame(time_s=time_s, skeleton=MEDIAPIPE33, persons=(person,))


def test_a_hand_alone_gives_the_body_its_own_joints() -> None:
    points = flat_hand()
    (person,) = with_bodies_of_hands(hand_alone(0.0, points)).persons
    assert person.keypoints_px is not None
    assert person.keypoints_px[MEDIAPIPE33.index("right_wrist")] == pytest.approx([500.0, 600.0])
    assert person.keypoints_px[MEDIAPIPE33.index("right_index")] == pytest.approx(points[HAND21.index("index_mcp")])
    assert np.isnan(person.keypoints_px[MEDIAPIPE33.index("left_wrist")]).all()
    assert (person.scores > 0.0).sum() == 4


def test_a_body_in_view_stays_as_it_is() -> None:
    frame = hand_alone(0.0, flat_hand())
    seen = frame.with_persons((replace(frame.persons[0], scores=np.eye(33)[0]),))
    assert with_bodies_of_hands(seen).persons[0].scores is seen.persons[0].scores


def test_a_hand_alone_is_followed_and_told() -> None:
    """Open for two seconds, closed for two."""
    frames = [hand_alone(n / 30.0, flat_hand(0.0 if n < 60 else 1.0)) for n in range(120)]
    for timeline in (watch_recording(frames), live(frames)):
        assert timeline.persons == (0,)
        segments = timeline.of_layer("right fingers")
        assert [segment.label for segment in segments] == ["open_hand", "closed_hand"]
        assert segments[1].start_s == pytest.approx(2.0, abs=0.35)


def two_people(apart_m: float) -> PoseFrame:
    """Right wrists so far apart along x; torsos of half a metre."""
    persons = []
    for number, x in enumerate((0.0, apart_m)):
        points = np.full((len(BODY18), 3), np.nan)
        points[BODY18.index("pelvis")], points[BODY18.index("neck")] = (x, 1.0, 1.0), (x, 1.0, 1.5)
        points[BODY18.index("right_wrist")] = (x, 0.0, 1.2)
        persons.append(Person(id=number, scores=np.isfinite(points[:, 0]).astype(float), keypoints_m=points))
    return PoseFrame(time_s=0.0, skeleton=BODY18, reference="world", persons=tuple(persons))


def test_hands_of_two_people_are_near_within_reach_of_one_thing() -> None:
    near, far = (hands_near_people(two_people(apart_m)) for apart_m in (0.3, 1.2))
    for number in (0, 1):
        assert near[number]["right_hand:near-person"] > 0.95
        assert far[number]["right_hand:near-person"] < 0.05
        assert np.isnan(near[number]["left_hand:near-person"])
    alone = two_people(0.3)
    assert hands_near_people(alone.with_persons(alone.persons[:1])) == {}


def test_a_hand_is_full_of_what_it_holds_most() -> None:
    cup = {"left_hand:hold": 0.1, "right_hand:hold": np.nan}
    pen = {"left_hand:hold": 0.8, "right_hand:hold": 0.3}
    assert full_hands([cup, pen]) == {"left_hand:full": 0.8, "right_hand:full": 0.3}
    assert full_hands([]) == {}


@pytest.mark.slow
def test_giving_something_to_somebody_is_told_of_the_giver() -> None:
    """The giver's hand carries a baton to the taker's, who takes it away."""
    time_s = np.arange(0.0, 6.0, 1.0 / 30.0)

    def along(begin: float, end: float) -> FloatArray:
        p = np.clip((time_s - begin) / (end - begin), 0.0, 1.0)
        return p**3 * (10.0 - 15.0 * p + 6.0 * p * p)

    there, away = 0.5 * along(1.0, 2.0), 0.5 * along(2.8, 3.8)
    frames = []
    for row, moment in enumerate(time_s):
        base = two_people(1.4)
        giver, taker = base.persons
        wrist = BODY18.index("right_wrist")
        assert giver.keypoints_m is not None and taker.keypoints_m is not None
        giver.keypoints_m[wrist, 0] = there[row] - 0.5 * along(3.2, 4.2)[row]
        taker.keypoints_m[wrist, 0] = 1.4 - 0.55 * along(1.6, 2.4)[row] + away[row]
        pose = np.eye(4)
        pose[:3, 3] = (0.15 + there[row] + away[row], 0.0, 1.2)
        baton = SeenObject(name="baton", T_reference_object=pose)
        frames.append(replace(base, time_s=float(moment), objects=(baton,)))
    for timeline in (watch_recording(frames), live(frames)):
        given = [segment for segment in timeline.segments if segment.label == "hand_over"]
        assert [segment.person for segment in given] == [0]
        assert given[0].object == "baton" and 2.0 < given[0].end_s < 4.5
