import numpy as np
import pytest

from geometry import PANDA_HAND, GripperSpec, InputError, transform
from perception.grasping import Grasps, count_collisions

# Round numbers: fingers 2 cm broad and thick, 4 cm long; palm 10 cm thick, 20 cm long, 6 cm broad.
GRIPPER = GripperSpec(
    max_width_m=0.08, finger_depth_m=0.04, finger_thickness_m=0.02, tip_thickness_m=0.02, tip_depth_m=0.02,
    finger_breadth_m=0.02, palm_thickness_m=0.1, palm_length_m=0.2, palm_breadth_m=0.06,
)  # fmt: skip
IDENTITY = Grasps(np.eye(4)[None], [0.06], [1.0])

POINTS = {
    "left_finger": (0.0, 0.035, -0.01),
    "right_finger": (0.005, -0.045, -0.03),
    "palm": (0.02, 0.08, -0.05),
    "between": (0.0, 0.0, -0.01),
    "approach": (0.0, 0.0, -0.16),  # behind the palm, 2 cm into the way of 5 cm
    "beyond the tips": (0.0, 0.0, 0.001),
    "beside a finger": (0.011, 0.035, -0.01),
    "outside a finger": (0.0, 0.051, -0.01),
    "behind the way": (0.0, 0.0, -0.191),
}


@pytest.mark.parametrize("place", POINTS)
def test_a_point_placed_by_hand_counts_where_it_is(place):
    counts = count_collisions(IDENTITY, [POINTS[place]], GRIPPER)
    expected = {part: int(part == place) for part in counts._fields}
    assert {part: int(getattr(counts, part)[0]) for part in counts._fields} == expected


def test_width_moves_the_fingers():
    point = [POINTS["left_finger"]]
    wide = Grasps(np.eye(4)[None], [0.08], [1.0])
    assert count_collisions(wide, point, GRIPPER).between[0] == 1
    assert count_collisions(IDENTITY, point, GRIPPER, open_fully=True).between[0] == 1
    assert count_collisions(IDENTITY, point, GRIPPER).left_finger[0] == 1


def test_margin_grows_the_gripper_and_shrinks_the_middle():
    counts = count_collisions(IDENTITY, [POINTS["outside a finger"], (0.0, 0.029, -0.01)], GRIPPER, margin_m=0.002)
    assert counts.left_finger[0] == 2 and counts.between[0] == 0


def test_way_of_the_fingers_is_swept():
    thin = GripperSpec(**{**vars(GRIPPER), "palm_length_m": 0.01, "palm_breadth_m": 0.01})
    behind_the_finger = (0.0, 0.04, -0.06)
    assert count_collisions(IDENTITY, [behind_the_finger], thin).approach[0] == 1
    assert count_collisions(IDENTITY, [behind_the_finger], thin, approach_m=0.0).approach[0] == 0


def test_many_grasps_agree_with_one_at_a_time():
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.normal(size=(60, 3, 3)))[0]
    rotation[:, :, 0] *= np.linalg.det(rotation)[:, None]
    grasps = Grasps(transform(rotation, rng.uniform(0, 0.3, (60, 3))), rng.uniform(0, 0.08, 60), np.ones(60))
    cloud = rng.uniform(0, 0.3, (20000, 3))
    together = count_collisions(grasps, cloud, PANDA_HAND)
    for i in (0, 17, 59):
        alone = count_collisions(grasps[i], cloud, PANDA_HAND)
        assert [c[i] for c in together] == [c[0] for c in alone]
    half_open = PANDA_HAND.boxes(grasps.widths_m[17])
    local = (cloud - grasps.positions[17]) @ grasps.poses[17, :3, :3]
    in_palm = np.all((local > half_open[4, 0]) & (local < half_open[4, 1]), axis=1).sum()
    assert together.palm[17] == in_palm and together.colliding[17] >= in_palm


def test_nothing_to_hit():
    assert count_collisions(IDENTITY, np.zeros((0, 3))).colliding.tolist() == [0]
    assert count_collisions(IDENTITY, [[np.nan, 0, 0]]).colliding.tolist() == [0]
    assert count_collisions(Grasps(), np.zeros((5, 3))).palm.shape == (0,)
    with pytest.raises(InputError, match="N, 3"):
        count_collisions(IDENTITY, np.zeros((5, 2)))
