"""The fingers close on occupancy grids written by hand."""

import numpy as np
import pytest

from geometry import PANDA_HAND
from perception.grasping.closing import simulate_closing
from perception.grasping.hand_clearance import hand_clearance
from perception.grasping.occupancy import Occupancy

VOXEL = 0.002
DOWN = np.array([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]])


def grid_of(inside):
    """Occupancy that is 1 where inside(x, y, z), over 20 cm around the origin, z from 0."""
    axis = np.arange(-0.1, 0.1, VOXEL)
    z = np.arange(0.0, 0.16, VOXEL)
    solid = inside(*np.meshgrid(axis, axis, z, indexing="ij")).astype(np.float32)
    solid[[0, -1]] = solid[:, [0, -1]] = solid[:, :, -1] = 0
    return Occupancy(solid=solid, seen=solid, origin=np.array([-0.1, -0.1, 0.0]), voxel_m=VOXEL)


def pose_at(x, y, z):
    pose = DOWN.copy()
    pose[:3, 3] = x, y, z
    return pose[None]


def test_box_is_held_at_its_width_with_square_contacts():
    box = grid_of(lambda x, y, z: (abs(x) < 0.03) & (abs(y) < 0.02) & (z < 0.06))
    closing = simulate_closing(pose_at(0, 0.005, 0.03), box, PANDA_HAND)
    assert closing.width_m[0] == pytest.approx(0.04, abs=0.005)
    # y of the grasp is -y of the table: the box's middle lies 5 mm along +y of the grasp
    assert 0.5 * (closing.low + closing.high)[0] == pytest.approx(0.005, abs=0.002)
    assert abs(closing.escape[0]) < 0.05 and closing.wedge[0] < 0.05 and closing.slant[0] < 0.05
    assert closing.contact_lines[0] > 0.5 and closing.opposition[0] > 0.999
    assert closing.engaged_m[0] == pytest.approx(0.03, abs=0.005) and closing.seen_share[0] > 0.99


def test_air_is_not_held():
    closing = simulate_closing(pose_at(0, 0, 0.05), grid_of(lambda x, y, z: np.zeros_like(x, dtype=bool)), PANDA_HAND)
    assert not closing.holds[0]


def test_cone_grasped_above_its_wide_foot_escapes_downwards():
    """A wedge whose sides lean by 45 degrees: the gap widens by 1 for each 1 upwards."""
    roof = grid_of(lambda x, y, z: (abs(x) < 0.03) & (abs(y) < 0.06 - z))
    closing = simulate_closing(pose_at(0, 0, 0.03), roof, PANDA_HAND)
    assert closing.escape[0] == pytest.approx(1.0, abs=0.25) and closing.wedge[0] < 0.1
    funnel = grid_of(lambda x, y, z: (abs(x) < 0.03) & (abs(y) < z - 0.02) & (z < 0.06))
    assert simulate_closing(pose_at(0, 0, 0.025), funnel, PANDA_HAND).escape[0] < -0.5


def test_wedge_squeezed_along_the_hand():
    wedge = grid_of(lambda x, y, z: (abs(y) < 0.02 + 0.5 * x) & (abs(x) < 0.03) & (z < 0.06))
    closing = simulate_closing(pose_at(0, 0, 0.03), wedge, PANDA_HAND)
    assert closing.wedge[0] == pytest.approx(0.5, abs=0.15) and abs(closing.escape[0]) < 0.1


def test_parallel_but_slanted_sides():
    slanted = grid_of(lambda x, y, z: (abs(y - 0.5 * x) < 0.015) & (abs(x) < 0.03) & (z < 0.06))
    closing = simulate_closing(pose_at(0, 0, 0.03), slanted, PANDA_HAND)
    assert closing.slant[0] == pytest.approx(0.5, abs=0.15) and closing.wedge[0] < 0.1


def test_open_hand_over_a_narrow_box_is_clear_and_over_a_wide_one_is_not():
    narrow = grid_of(lambda x, y, z: (abs(x) < 0.03) & (abs(y) < 0.02) & (z < 0.05))
    wide = grid_of(lambda x, y, z: (abs(x) < 0.03) & (abs(y) < 0.05) & (z < 0.05))
    pose = pose_at(0, 0, 0.02)
    assert hand_clearance(pose, narrow, PANDA_HAND, 0.05).fingers[0] == 0.0
    assert hand_clearance(pose, wide, PANDA_HAND, 0.05).fingers[0] == 1.0


def test_what_the_hand_meets_before_it_sets_out_is_told_from_the_rest():
    """With tips at 0 the palm begins at 4.6 cm, and 6 cm farther back at 10.6 cm, above the low post."""
    low_post = grid_of(lambda x, y, z: (abs(x) < 0.007) & (abs(y - 0.08) < 0.007) & (z < 0.1))
    high_shelf = grid_of(lambda x, y, z: (abs(x) < 0.007) & (abs(y - 0.08) < 0.007) & (z > 0.095))
    pose = pose_at(0, 0, 0.0)
    assert hand_clearance(pose, low_post, PANDA_HAND, 0.06).start[0] == 0.0
    assert hand_clearance(pose, high_shelf, PANDA_HAND, 0.05).start[0] == 1.0
    ceiling = grid_of(lambda x, y, z: z > 0.111)  # above the palm's back at the grasp, at 10.8 cm
    assert hand_clearance(pose_at(0, 0, -0.03), ceiling, PANDA_HAND, 0.0).palm[0] == 0.0
    assert hand_clearance(pose_at(0, 0, -0.03), ceiling, PANDA_HAND, 0.05).palm[0] == 1.0


def test_palm_and_its_way_are_seen():
    post = grid_of(lambda x, y, z: (abs(x) < 0.007) & (abs(y - 0.08) < 0.007) & (z < 0.11))
    clearance = hand_clearance(pose_at(0, 0, 0.02), post, PANDA_HAND, 0.05)
    assert clearance.palm[0] == 1.0 and clearance.fingers[0] == 0.0
    assert clearance.lowest_m[0] == pytest.approx(0.02)
