"""Pictures of people: what is seen is drawn where it is, in the person's colour, and the caption stays inside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geometry import FloatArray, InputError, PinholeCamera
from perception.figures import PoseCanvas
from perception.figures.pose_canvas import PERSON_COLORS
from perception.figures.timeline_figure import timeline_figure, truths_figure
from perception.pose import Person, PoseFrame, SeenObject
from perception.pose.skeletons import BODY18

CAMERA = PinholeCamera(width=320, height=240, fx=200.0, fy=200.0, cx=160.0, cy=120.0)
NECK, PELVIS = BODY18.index("neck"), BODY18.index("pelvis")


def trunk(at: dict[int, tuple[float, ...]], width: int) -> FloatArray:
    """Points of the body; all but a few are unseen."""
    points = np.full((len(BODY18), width), np.nan)
    for row, place in at.items():
        points[row] = place
    return points


def frame(person: Person, **more: object) -> PoseFrame:
    return replace(PoseFrame(time_s=0.0, skeleton=BODY18, persons=(person,)), **more)  # type: ignore[arg-type]


def painted(picture: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """(N, 2) columns and rows of about a colour."""
    near = np.abs(picture.astype(int) - color).max(-1) < 40
    rows, columns = np.nonzero(near)
    return np.column_stack([columns, rows])


def spine_px() -> Person:
    points = trunk({row: (160.0, 40.0 + 10.0 * row) for row in range(len(BODY18))}, 2)
    return Person(id=0, scores=np.ones(len(BODY18)), keypoints_px=points)


def test_pixels_are_drawn_where_they_are() -> None:
    image = np.zeros((240, 320, 3), dtype=np.uint8)
    seen = frame(spine_px(), rgb=image)
    spots = painted(PoseCanvas([seen]).draw(seen), PERSON_COLORS[0])
    assert len(spots) > 50
    assert abs(spots[:, 0] - 160).max() <= 4
    assert spots[:, 1].min() == pytest.approx(40, abs=4) and spots[:, 1].max() == pytest.approx(210, abs=4)


def test_doubtful_and_unseen_joints_are_left_out() -> None:
    image = np.zeros((240, 320, 3), dtype=np.uint8)
    doubtful = replace(spine_px(), scores=np.full(len(BODY18), 0.1))
    unseen = replace(spine_px(), keypoints_px=np.full((len(BODY18), 2), np.nan))
    for person in (doubtful, unseen):
        seen = frame(person, rgb=image)
        assert not PoseCanvas([seen]).draw(seen, {0: ["nothing to see"]}).any()


def test_metres_are_projected_by_the_camera() -> None:
    """Two metres ahead, half a metre to the right: column 160 + 200 * 0.25."""
    points = trunk({row: (0.5, 0.0, 2.0) for row in range(len(BODY18))}, 3)
    seen = frame(Person(id=1, scores=np.ones(len(BODY18)), keypoints_m=points), camera=CAMERA)
    spots = painted(PoseCanvas([seen]).draw(seen), PERSON_COLORS[1])
    assert spots.mean(0) == pytest.approx([210.0, 120.0], abs=1.5)


def test_without_a_camera_everybody_fits_in() -> None:
    rng = np.random.default_rng(0)
    frames = [
        frame(
            Person(id=0, scores=np.ones(len(BODY18)), keypoints_m=rng.uniform(-3.0, 3.0, (len(BODY18), 3))),
            reference=reference,
        )
        for reference in ("world", "world")
    ]
    canvas = PoseCanvas(frames, size_px=(200, 160))
    for each in frames:
        picture = canvas.draw(each)
        assert picture.shape == (160, 200, 3)
        spots = painted(picture, PERSON_COLORS[0])
        assert len(spots) > 30 and spots.min() > 0
        assert (spots.max(0) < np.array([199, 159])).all()


def test_captions_stay_inside_and_objects_are_marked() -> None:
    image = np.full((240, 320, 3), 90, dtype=np.uint8)
    person = replace(spine_px(), keypoints_px=trunk({NECK: (318.0, 2.0), PELVIS: (318.0, 12.0)}, 2))
    thing = SeenObject(name="cup", box_px=np.array([20.0, 150.0, 60.0, 200.0]))
    seen = frame(person, rgb=image, objects=(thing,))
    picture = PoseCanvas([seen]).draw(seen, {0: ["reach cup 0.93", "walk 0.99"]})
    white = painted(picture, (240, 240, 240))
    assert len(white) > 500 and white[:, 0].max() < 320
    edge = painted(picture, (240, 228, 66))
    assert edge.min(0) == pytest.approx([20, 150], abs=3) and edge.max(0) == pytest.approx([60, 200], abs=3)


def test_no_frame_is_an_error() -> None:
    with pytest.raises(InputError, match="at least one frame"):
        PoseCanvas([])


class Told:
    """A bar."""

    person, layer, confidence = 0, "body", 0.9

    def __init__(self, label: str, start_s: float, end_s: float, doubt: str = "") -> None:
        self.label, self.start_s, self.end_s, self.doubt = label, start_s, end_s, doubt

    def __str__(self) -> str:
        return self.label


def test_bars_lie_where_the_segments_do_and_every_label_can_be_read() -> None:
    bars = [Told("walk", 1.0, 6.0), Told("somersault", 7.0, 7.1), Told("run", 8.0, 10.0, doubt="unsure")]
    (axes,) = timeline_figure(bars, (0.0, 10.0), title="t").axes
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]  # type: ignore[attr-defined]
    assert np.array(spans) == pytest.approx(np.array([(1.0, 6.0), (7.0, 7.1), (8.0, 10.0)]))
    assert [patch.get_hatch() for patch in axes.patches] == [None, None, "///"]
    assert [text.get_text() for text in axes.texts] == ["walk", "run"]
    legend = axes.get_legend()
    assert legend is not None and [text.get_text() for text in legend.get_texts()] == ["somersault"]


def test_nothing_told_is_said() -> None:
    for figure in (timeline_figure([], (0.0, 1.0), title="t"), truths_figure({}, title="t")):
        assert "told" in figure.axes[0].texts[0].get_text()


def test_truths_are_drawn_as_long_as_they_are() -> None:
    (axes,) = truths_figure({"right_leg:bend": 0.9, "right_arm:extend": 0.5}, title="t").axes
    assert [patch.get_width() for patch in axes.patches] == [0.9, 0.5]  # type: ignore[attr-defined]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["right_leg:bend", "right_arm:extend"]
