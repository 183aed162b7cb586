import numpy as np
import pytest

from geometry import GripperSpec, InputError, transform
from perception.grasping import Grasps, from_graspnet, load_graspnet, save_graspnet, to_graspnet

# A grasp straight down a camera's optical axis, fingers closing along the image's x; by hand:
# approach (0,0,1) is R's first column, closing (1,0,0) its second, height x cross y = (0,1,0) its third.
ROW = [0.7, 0.05, 0.02, 0.03, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0.1, 0.2, 0.5, 4]


def test_row_written_by_hand_becomes_our_frame():
    grasps = from_graspnet(ROW)
    np.testing.assert_allclose(grasps.approaches[0], [0, 0, 1])
    np.testing.assert_allclose(grasps.closings[0], [1, 0, 0])
    np.testing.assert_allclose(grasps.poses[0, :3, 0], [0, -1, 0])  # our x is their -z
    np.testing.assert_allclose(grasps.positions[0], [0.1, 0.2, 0.53])  # the tips, 3 cm beyond t
    assert (grasps.scores[0], grasps.widths_m[0], grasps.object_ids[0], grasps.frame) == (0.7, 0.05, 4, "camera")


def test_our_grasp_becomes_the_row_written_by_hand():
    rotation = [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]  # columns: x = (0,-1,0), y = (1,0,0), z = (0,0,1)
    grasps = Grasps(transform(rotation, [[0.1, 0.2, 0.53]]), [0.05], [0.7], "camera", [4])
    gripper = GripperSpec(finger_depth_m=0.05, finger_breadth_m=0.02)
    np.testing.assert_allclose(to_graspnet(grasps, gripper), [ROW], atol=1e-12)


def test_palm_of_the_row_is_the_palm_of_the_gripper():
    gripper = GripperSpec(finger_depth_m=0.046)
    row = to_graspnet(Grasps(transform(None, [[0.0, 0.0, 0.6]]), [0.04], [1.0]), gripper)[0]
    palm = row[13:16] - 0.02 * row[4:13].reshape(3, 3)[:, 0]
    np.testing.assert_allclose(palm, [0.0, 0.0, 0.6 - 0.046], atol=1e-12)


def test_file_round_trip(tmp_path):
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.normal(size=(5, 3, 3)))[0]
    rotation[:, :, 0] *= np.linalg.det(rotation)[:, None]
    grasps = Grasps(transform(rotation, rng.normal(size=(5, 3))), rng.uniform(0, 0.08, 5), rng.random(5), "camera")
    save_graspnet(tmp_path / "grasps.npy", grasps)
    again = load_graspnet(tmp_path / "grasps.npy")
    np.testing.assert_allclose(again.poses, grasps.poses, atol=1e-12)
    np.testing.assert_array_equal(again.widths_m, grasps.widths_m)
    assert len(from_graspnet(to_graspnet(Grasps()))) == 0


def test_bad_files_give_one_line(tmp_path):
    with pytest.raises(InputError, match="17"):
        from_graspnet(np.zeros((3, 16)))
    with pytest.raises(InputError, match="readable"):
        load_graspnet(tmp_path / "missing.npy")
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="plain .npy"):
        load_graspnet(tmp_path / "objects.npy")
    (tmp_path / "text.npy").write_text("hello")
    with pytest.raises(InputError):
        load_graspnet(tmp_path / "text.npy")
