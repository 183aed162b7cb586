"""Tracking: filters against textbook matrices, likeness against hand-worked numbers, and people who cross and hide."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.linalg import expm

from geometry import InputError
from perception.pose import SKELETONS, Person, PoseFrame
from perception.pose.tracking import (
    IouTracker,
    MotionModel,
    Reidentification,
    Tracker,
    TrackerSettings,
    score_tracker,
    stitch,
)
from perception.pose.tracking.detections import Detections, detections_of
from perception.pose.tracking.keypoint_filters import KeypointFilters
from perception.pose.tracking.similarity import box_overlap, keypoint_similarity

BODY18 = SKELETONS["body18"]
RATE_HZ = 30.0
RNG = np.random.default_rng(11)
SHAPE = np.stack([RNG.uniform(-0.2, 0.2, 18), np.linspace(-0.8, 0.8, 18), RNG.uniform(-0.1, 0.1, 18)], axis=-1)
"""(18, 3) something about as tall and wide as a person, metres."""


def frame_of(number: int, *persons: Person) -> PoseFrame:
    return PoseFrame(time_s=number / RATE_HZ, skeleton=BODY18, persons=persons)


def person_px(column: float, row: float = 300.0, *, score: float = 0.9, scale: float = 150.0) -> Person:
    return Person(scores=np.full(18, score), keypoints_px=np.array([column, row]) + scale * SHAPE[:, :2])


def ids(frame: PoseFrame) -> list[int]:
    return [person.id for person in frame.persons]


def covariance(filters: KeypointFilters) -> np.ndarray:
    pp, pv, vv = filters.covariance[:, 0, 0]
    return np.array([[pp, pv], [pv, vv]])


def test_prediction_is_the_integral_of_the_stochastic_process() -> None:
    """Van Loan's matrix exponential, which shares nothing with the closed form."""
    model, step = MotionModel(swing_s=0.3, swing_speed=0.7), 0.11
    filters = KeypointFilters.empty(model, 18, 2)
    filters.begin(detections_of(frame_of(0, person_px(100.0)), "px", 0.05), np.array([0]))
    filters.swings[:] = [3.0, -2.0]
    filters.velocity[:] = [10.0, 20.0]
    points, before = filters.points.copy(), covariance(filters)
    filters.predict(step)
    drift = np.array([[0.0, 1.0], [0.0, -1.0 / 0.3]])
    noise = np.diag([0.0, 2.0 * 0.7**2 / 0.3])
    both = expm(step * np.block([[-drift, noise], [np.zeros((2, 2)), drift.T]]))
    move = both[2:, 2:].T
    np.testing.assert_allclose(covariance(filters), move @ before @ move.T + move @ both[:2, 2:], rtol=1e-9)
    want = points + move[0, 1] * np.array([3.0, -2.0]) + step * np.array([10.0, 20.0])
    np.testing.assert_allclose(filters.points, want)
    np.testing.assert_allclose(filters.swings, move[1, 1] * np.broadcast_to([3.0, -2.0], (1, 18, 2)))


def test_correction_is_the_kalman_update() -> None:
    model = MotionModel(noise=0.02)
    filters = KeypointFilters.empty(model, 18, 2)
    filters.begin(detections_of(frame_of(0, person_px(100.0)), "px", 0.05), np.array([0]))
    filters.predict(0.1)
    before, expected = covariance(filters), filters.points.copy()
    seen = detections_of(frame_of(1, person_px(110.0, score=0.5)), "px", 0.05)
    filters.correct(np.array([0]), seen, np.array([0]), 0.1)
    measure = np.array([[1.0, 0.0]])
    gain = before @ measure.T / (measure @ before @ measure.T + (0.02 / 0.5) ** 2)
    after = (np.eye(2) - gain @ measure) @ before
    np.testing.assert_allclose(covariance(filters), after, rtol=1e-9)
    np.testing.assert_allclose(filters.points, expected + gain[0, 0] * (seen.points - expected))
    np.testing.assert_allclose(filters.swings + filters.velocity, (gain[1, 0] * (seen.points - expected)))


def test_a_hidden_walker_walks_on_though_an_arm_swung() -> None:
    filters = KeypointFilters.empty(MotionModel(), 18, 2)
    for number in range(30):
        person = person_px(100.0 + 5.0 * number)
        assert person.keypoints_px is not None
        person.keypoints_px[6] += 15.0 * np.sin(number)
        seen = detections_of(frame_of(number, person), "px", 0.05)
        if number == 0:
            filters.begin(seen, np.array([0]))
        else:
            filters.predict(1 / RATE_HZ)
            filters.correct(np.array([0]), seen, np.array([0]), 1 / RATE_HZ)
    filters.predict(1.0)
    want = 100.0 + 5.0 * (29 + RATE_HZ) + 150.0 * SHAPE[:, 0]
    np.testing.assert_allclose(np.delete(filters.points[0, :, 0], 6), np.delete(want, 6), atol=0.05 * 150.0)
    assert abs(filters.points[0, 6, 0] - want[6]) < 60.0


def test_keypoint_similarity_by_hand() -> None:
    expected = np.array([[[0.0, 0.0], [10.0, 0.0], [np.nan, np.nan]]])
    seen = np.array([[[3.0, 4.0], [10.0, 0.0], [5.0, 5.0]], [[np.nan] * 2, [np.nan] * 2, [0.0, 0.0]]])
    weights = np.array([[0.5, 1.0, 1.0], [0.0, 0.0, 1.0]])
    sigmas, size = np.array([0.05, 0.05, 0.05]), np.array([100.0])
    spread = 4 * 0.2 * 0.05**2 * 100.0**2
    first = (0.5 * np.exp(-25.0 / (2 * spread)) + 1.0) / 1.5
    got = keypoint_similarity(expected, seen, weights, size, sigmas)
    np.testing.assert_allclose(got, [[first, 0.0]])
    doubt = np.full((1, 3), 3.0 * spread)
    first = 0.5 * (0.5 * np.exp(-25.0 / (8 * spread)) + 1.0) / 1.5
    np.testing.assert_allclose(keypoint_similarity(expected, seen, weights, size, sigmas, doubt), [[first, 0.0]])


def test_box_overlap_by_hand() -> None:
    size = np.array([0.0])
    one, two = np.array([[[0.0, 0.0], [4.0, 2.0]]]), np.array([[[2.0, 1.0], [6.0, 3.0]]])
    np.testing.assert_allclose(box_overlap(one, two, size), [[2.0 / 14.0]])
    np.testing.assert_allclose(box_overlap(one, one, size), [[1.0]])
    np.testing.assert_allclose(box_overlap(one, two + 9.0, size), [[0.0]])
    unseen = two.copy()
    unseen[0, 0] = np.nan
    np.testing.assert_allclose(box_overlap(one, unseen, np.array([10.0])), [[0.0]])
    cube = np.array([[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]])
    np.testing.assert_allclose(box_overlap(cube, cube + [0.5, 0.0, 0.0], size), [[1.0 / 3.0]])


def crossing(
    rng: np.random.Generator, *, space: str = "px", speed: float = 1.2
) -> Iterator[tuple[PoseFrame, list[int]]]:
    """Two people who pass through each other's place; the one behind is unseen for 0.6 s. In any order."""
    for number in range(120):
        time_s = number / RATE_HZ
        persons, truth = [], []
        for who, way in ((0, -1.0), (1, 1.0)):
            middle = np.array([way * speed * (time_s - 2.0), 0.0, 4.0 + who])
            if who == 1 and abs(time_s - 2.0) < 0.3:
                continue
            points = middle + SHAPE + 0.05 * np.sin(9.0 * time_s + np.arange(54).reshape(18, 3))
            points = points + rng.normal(0.0, 0.01, (18, 3))
            points[rng.random(18) < 0.1] = np.nan
            scores = np.where(np.isfinite(points[:, 0]), 0.9, 0.0)
            if space == "m":
                persons.append(Person(scores=scores, keypoints_m=points))
            else:
                persons.append(Person(scores=scores, keypoints_px=600.0 * points[:, :2] / points[:, 2:] + 400.0))
            truth.append(who)
        order = rng.permutation(len(persons))
        yield frame_of(number, *(persons[i] for i in order)), [truth[i] for i in order]


@pytest.mark.parametrize("space", ["px", "m"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_people_who_cross_keep_their_numbers(space: str, seed: int) -> None:
    frames, truth = zip(*crossing(np.random.default_rng(seed), space=space), strict=True)
    score = score_tracker(Tracker(), frames, truth)
    assert score.switches == 0
    assert score.idf1 > 0.99
    assert score.recall > 0.99


def test_boxes_alone_confuse_people_who_cross() -> None:
    """The comparison is worth something: the same scene is too hard for the baseline."""
    frames, truth = zip(*crossing(np.random.default_rng(0)), strict=True)
    assert score_tracker(IouTracker(), frames, truth).switches > 0


def test_numbers_stay_when_the_first_one_leaves_and_order_changes() -> None:
    """Keypoints are never looked up by a person's number: somebody who leaves changes nobody else's."""
    tracker = Tracker()
    for number in range(5):
        assert ids(tracker.update(frame_of(number, person_px(100.0), person_px(400.0), person_px(700.0)))) == [0, 1, 2]
    for number in range(5, 20):
        frame = tracker.update(frame_of(number, person_px(700.0), person_px(400.0)))
        assert ids(frame) == [2, 1]
        assert frame.persons[0].keypoints_px is not None
        assert frame.persons[0].keypoints_px[0, 0] == pytest.approx(700.0 + 150.0 * SHAPE[0, 0])


def test_nobody_in_view_for_a_while() -> None:
    tracker = Tracker(TrackerSettings(max_age_s=1.0))
    assert ids(tracker.update(frame_of(0))) == []
    assert ids(tracker.update(frame_of(1, person_px(100.0)))) == [0]
    for number in range(2, 20):
        assert ids(tracker.update(frame_of(number))) == []
    assert ids(tracker.update(frame_of(20, person_px(100.0)))) == [0]
    for number in range(21, 90):
        tracker.update(frame_of(number))
    assert ids(tracker.update(frame_of(90, person_px(100.0)))) == [1]


def test_somebody_new_is_numbered_once_confirmed() -> None:
    tracker = Tracker(TrackerSettings(confirm_hits=3))
    tracker.update(frame_of(0, person_px(100.0)))
    given = [ids(tracker.update(frame_of(k, person_px(100.0), person_px(600.0)))) for k in range(1, 5)]
    assert given == [[0], [0], [0, 1], [0, 1]]


def test_a_flicker_is_nobody() -> None:
    tracker = Tracker()
    for number in range(20):
        persons = [person_px(100.0)] + [person_px(600.0)] * (number % 2)
        assert ids(tracker.update(frame_of(number, *persons))) == [0]


def test_somebody_reported_twice_is_one() -> None:
    tracker = Tracker()
    for number in range(10):
        assert len(ids(tracker.update(frame_of(number, person_px(100.0, score=0.8), person_px(102.0))))) == 1


def test_a_double_of_some_joints_does_not_push_its_person_onto_somebody_hidden() -> None:
    """A partial double fits its person as well as the full report; the full one must not go to the hidden person."""
    tracker, rng = Tracker(), np.random.default_rng(3)
    for number in range(40):
        front = person_px(400.0, 320.0)
        behind = person_px(380.0 + rng.normal(), 300.0, score=0.5)
        double = Person(scores=np.where(np.arange(18) < 8, 0.45, 0.0), keypoints_px=front.keypoints_px)
        persons = [behind, front] if number < 20 else [double, front]
        frame = tracker.update(frame_of(number, *persons))
        number_of_front = [p.id for p, given in zip(frame.persons, persons, strict=False) if given is front]
        assert ids(frame) == ([0, 1] if number < 20 else [1])
        assert number >= 20 or number_of_front == [1]


def test_somebody_who_turns_while_hidden_is_found_again_and_a_child_is_not_them() -> None:
    def scene(scale: float) -> list[int]:
        tracker = Tracker(TrackerSettings(lost=Reidentification()))
        for number in range(30):
            tracker.update(frame_of(number, person_px(100.0 + 6.0 * number), person_px(900.0)))
        for number in range(30, 40):
            tracker.update(frame_of(number, person_px(900.0)))
        for number in range(40, 50):
            back = person_px(290.0 - 6.0 * (number - 30), scale=scale)
            frame = tracker.update(frame_of(number, back, person_px(900.0)))
        return ids(frame)

    assert scene(150.0) == [0, 1]
    assert scene(75.0) == [2, 1]


def test_doubtful_detections_carry_on_but_do_not_begin() -> None:
    tracker = Tracker()
    tracker.update(frame_of(0, person_px(100.0)))
    for number in range(1, 10):
        frame = tracker.update(frame_of(number, person_px(100.0, score=0.15), person_px(600.0, score=0.15)))
        assert ids(frame) == [0]


def test_somebody_who_comes_close_is_not_also_the_one_they_come_close_to() -> None:
    tracker = Tracker()
    for number in range(10):
        persons = [person_px(100.0)] if number < 5 else [person_px(100.0), person_px(120.0, 320.0)]
        given = ids(tracker.update(frame_of(number, *persons)))
        assert given == ([0] if number < 7 else [0, 1])


def test_somebody_too_wild_to_predict_is_kept_by_their_place() -> None:
    """Every joint jumps about within the body from frame to frame; nobody else is near."""
    rng, tracker = np.random.default_rng(5), Tracker()
    for number in range(30):
        person = person_px(300.0)
        assert person.keypoints_px is not None
        person.keypoints_px[:] = person.keypoints_px[rng.permutation(18)]
        assert ids(tracker.update(frame_of(number, person))) == [0]


def test_persons_without_a_single_joint_are_left_out() -> None:
    nothing = Person(scores=np.zeros(18), keypoints_px=np.full((18, 2), np.nan))
    bare = Person(scores=np.ones(18))
    tracker = Tracker()
    for number in range(4):
        assert ids(tracker.update(frame_of(number, nothing, person_px(100.0), bare))) == [0]
    for make in (Tracker, IouTracker):
        other = make()
        assert ids(other.update(frame_of(0, nothing, bare))) == []
        assert ids(other.update(frame_of(1, nothing, person_px(100.0), bare))) == [0]


def test_a_joint_seen_late_and_uneven_times() -> None:
    tracker, times = Tracker(), np.cumsum(np.random.default_rng(1).uniform(0.01, 0.2, 30))
    for number, time_s in enumerate(times):
        person = person_px(100.0 + 100.0 * time_s)
        assert person.keypoints_px is not None
        if number < 10:
            person.keypoints_px[9:] = np.nan
        frame = tracker.update(PoseFrame(time_s=time_s, skeleton=BODY18, persons=(person,)))
        assert ids(frame) == [0]


def test_detections_ignore_joints_without_score_or_place() -> None:
    person = person_px(100.0)
    assert person.keypoints_px is not None
    person.scores[0], person.keypoints_px[1] = 0.01, np.nan
    seen = detections_of(frame_of(0, person), "px", 0.05)
    assert isinstance(seen, Detections)
    np.testing.assert_array_equal(np.flatnonzero(~seen.seen[0]), [0, 1])
    assert seen.scores[0] == pytest.approx(0.9)
    few = Person(scores=np.r_[1.0, 1.0, np.zeros(16)], keypoints_px=person_px(0.0).keypoints_px)
    assert detections_of(frame_of(0, few), "px", 0.05).scores[0] == 0.0


@pytest.mark.parametrize("make", [Tracker, IouTracker])
def test_time_must_grow(make: type[Tracker] | type[IouTracker]) -> None:
    tracker = make()
    tracker.update(frame_of(1, person_px(100.0)))
    with pytest.raises(InputError, match="after"):
        tracker.update(frame_of(1, person_px(100.0)))


def test_skeleton_must_stay() -> None:
    tracker = Tracker()
    tracker.update(frame_of(0, person_px(100.0)))
    with pytest.raises(InputError, match="as before"):
        tracker.update(PoseFrame(time_s=1.0, skeleton=SKELETONS["coco17"]))


@pytest.mark.parametrize("wrong", [{"least": 2.0}, {"confirm_hits": 0}, {"space": "cm"}, {"spread": 0.0}])
def test_settings_name_what_is_wrong(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        TrackerSettings(**wrong)  # type: ignore[arg-type]


def test_stitching_joins_the_pieces_of_a_track_and_no_other() -> None:
    """0 walks, is lost twice, and goes on as 2 and as 4; 1 comes the other way; 3 appears where 0 was lost."""
    frames = []
    for number in range(150):
        numbered = [(person_px(900.0 - 3.0 * number, 900.0), 1)]
        piece = {number < 50: 0, 80 <= number < 110: 2, number >= 120: 4}.get(True)
        if piece is not None:
            numbered.append((person_px(100.0 + 3.0 * number), piece))
        if number >= 80:
            numbered.append((person_px(250.0), 3))
        persons = [Person(id=i, scores=p.scores, keypoints_px=p.keypoints_px) for p, i in numbered]
        frames.append(frame_of(number, *persons))
    joined = stitch(frames)
    assert [ids(joined[number]) for number in (10, 60, 100, 140)] == [[1, 0], [1], [1, 0, 3], [1, 0, 3]]
    assert stitch([]) == []
    assert stitch([frame_of(0)]) == [frame_of(0)]


def test_stitching_in_metres_tells_people_by_their_limbs() -> None:
    def person(number: int, scale: np.ndarray, left: float) -> Person:
        return Person(id=number, scores=np.ones(18), keypoints_m=SHAPE * scale + [left, 0.0, 3.0])

    tall, wide = np.array([1.0, 1.0, 1.0]), np.array([1.35, 0.99, 1.35])
    frames = [frame_of(k, person(0, tall, 0.0)) for k in range(30)]
    frames += [frame_of(k, person(1, wide, 0.0), person(2, tall, 0.1)) for k in range(40, 70)]
    assert ids(stitch(frames)[-1]) == [1, 0]
