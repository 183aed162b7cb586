import dataclasses

import numpy as np
import pytest

from geometry import InputError, transform
from perception.grasping import Grasps


def batch(scores, frame="world", shift=0.0):
    poses = transform(None, [[shift + i, 0.0, 0.0] for i in range(len(scores))])
    return Grasps(poses, np.full(len(scores), 0.04), scores, frame, object_ids=np.arange(len(scores)))


def test_empty_batch_says_why():
    nothing = Grasps(note="no points")
    assert len(nothing) == 0 and nothing.poses.shape == (0, 4, 4) and nothing.note == "no points"
    assert len(nothing.sorted()) == len(nothing.top(5)) == 0


def test_sorted_is_best_first_and_stable():
    ranked = batch([0.2, 0.9, 0.2, 0.5]).sorted()
    assert ranked.scores.tolist() == [0.9, 0.5, 0.2, 0.2]
    assert ranked.object_ids.tolist() == [1, 3, 0, 2]


def test_indexing_keeps_rows_together():
    grasps = batch([0.1, 0.2, 0.3])
    assert grasps[1].positions.tolist() == [[1.0, 0.0, 0.0]] and len(grasps[-1]) == 1
    assert grasps[grasps.scores > 0.15].object_ids.tolist() == [1, 2]
    assert [float(g.scores[0]) for g in grasps] == [0.1, 0.2, 0.3]
    with pytest.raises(IndexError):
        grasps[3]


def test_transformed_moves_positions_and_axes():
    quarter_turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    moved = batch([1.0, 0.5]).transformed(transform(quarter_turn, (0.0, 0.0, 2.0)), "table")
    assert moved.frame == "table"
    np.testing.assert_allclose(moved.positions, [[0, 0, 2], [0, 1, 2]], atol=1e-12)
    np.testing.assert_allclose(moved.closings, [[-1, 0, 0], [-1, 0, 0]], atol=1e-12)


def test_concatenate_checks_frames():
    both = Grasps.concatenate([batch([0.1]), batch([0.9, 0.2], shift=5.0)])
    assert both.scores.tolist() == [0.1, 0.9, 0.2] and both.positions[1, 0] == 5.0
    with pytest.raises(InputError, match="one frame"):
        Grasps.concatenate([batch([0.1]), batch([0.1], frame="camera")])


def test_arrays_are_copies_and_frozen():
    poses = transform(None, [[0.0, 0.0, 0.0]])
    grasps = Grasps(poses, [0.04], [1.0])
    poses[0, 0, 3] = 9.0
    assert grasps.positions[0, 0] == 0.0
    with pytest.raises(ValueError):
        grasps.scores[0] = 2.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        grasps.frame = "camera"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"poses": np.zeros((2, 3, 3))}, "poses"),
        ({"widths_m": [0.04]}, "widths_m"),
        ({"scores": [0.1, np.nan]}, "finite"),
        ({"widths_m": [0.04, -0.01]}, "at least 0"),
        ({"poses": np.stack([np.eye(4), np.diag([1.0, 1.0, -1.0, 1.0])])}, "rigid"),
        ({"poses": np.stack([np.eye(4), np.diag([2.0, 2.0, 2.0, 1.0])])}, "rigid"),
        ({"object_ids": [1]}, "object_ids"),
    ],
)
def test_bad_rows_raise(change, message):
    good = {"poses": np.tile(np.eye(4), (2, 1, 1)), "widths_m": [0.04, 0.04], "scores": [0.1, 0.2]}
    with pytest.raises(InputError, match=message):
        Grasps(**(good | change))
