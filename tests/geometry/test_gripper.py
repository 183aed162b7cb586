"""The gripper's boxes against the collision meshes of the Panda hand that PyBullet ships."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pybullet_data
import pytest
import trimesh

from geometry import PANDA_HAND, FloatArray, GripperSpec, InputError

PANDA = Path(pybullet_data.getDataPath()) / "franka_panda"
LEFT_TIP, RIGHT_TIP, LEFT_ROOT, RIGHT_ROOT, PALM = range(5)


def surface(mesh: str, T_hand_link: FloatArray) -> FloatArray:
    """(N, 3) points all over a collision mesh of the hand, in the grasp frame of PANDA_HAND."""
    loaded = trimesh.load(PANDA / "meshes" / "collision" / mesh, force="mesh")
    points, _ = trimesh.sample.sample_surface(loaded, 20_000, seed=0)
    in_hand = np.vstack([points, loaded.vertices]) @ T_hand_link[:3, :3].T + T_hand_link[:3, 3]
    return np.asarray(in_hand - PANDA_HAND.T_hand_grasp[:3, 3])


def finger_pose(joint: str, opening_m: float) -> FloatArray:
    """(4, 4) pose of a finger's mesh in the hand link, from the joint in the URDF."""
    urdf = ElementTree.parse(PANDA / "panda.urdf").getroot()
    element = urdf.find(f"joint[@name='{joint}']")
    assert element is not None
    origin = [float(number) for number in element.find("origin").get("xyz").split()]  # type: ignore[union-attr]
    axis = [float(number) for number in element.find("axis").get("xyz").split()]  # type: ignore[union-attr]
    T = np.eye(4)
    T[:3, 3] = np.add(origin, np.multiply(axis, opening_m))
    if joint.endswith("2"):
        T[:2, :2] *= -1.0  # the right finger's mesh is turned by 180 degrees about z
    return T


def overhang(points: FloatArray, box: FloatArray) -> float:
    """How far the points reach out of the box, metres."""
    return float(np.maximum(box[0] - points, points - box[1]).max())


def test_the_palm_box_is_the_hand() -> None:
    points, box = surface("hand.obj", np.eye(4)), PANDA_HAND.boxes()[PALM]
    assert overhang(points, box) < 2e-3
    np.testing.assert_allclose(box, [points.min(axis=0), points.max(axis=0)], atol=2.5e-3)


@pytest.mark.parametrize("width_m", [0.0, 0.05, 0.08])
@pytest.mark.parametrize(
    ("joint", "tip", "root"),
    [("panda_finger_joint1", LEFT_TIP, LEFT_ROOT), ("panda_finger_joint2", RIGHT_TIP, RIGHT_ROOT)],
)
def test_the_finger_boxes_hold_the_fingers(joint: str, tip: int, root: int, width_m: float) -> None:
    points, boxes = surface("finger.obj", finger_pose(joint, width_m / 2)), PANDA_HAND.boxes(width_m)
    in_tip = points[:, 2] > boxes[tip][0, 2]
    assert overhang(points[in_tip], boxes[tip]) < 5e-4
    assert overhang(points[~in_tip & (points[:, 2] > boxes[root][0, 2])], boxes[root]) < 5e-4
    inner = np.abs(points[:, 1]).min()
    assert inner == pytest.approx(width_m / 2, abs=3e-4)


def test_the_fingertips_end_at_the_grasp_frame() -> None:
    assert surface("finger.obj", finger_pose("panda_finger_joint1", 0.0))[:, 2].max() == pytest.approx(0.0, abs=3e-4)


def test_the_fingers_taper() -> None:
    """The tips are slimmer than the roots, in the meshes and in the boxes."""
    points, boxes = surface("finger.obj", finger_pose("panda_finger_joint1", 0.0)), PANDA_HAND.boxes(0.0)
    slim, thick = boxes[LEFT_TIP][1, 1], boxes[LEFT_ROOT][1, 1]
    assert slim < thick
    np.testing.assert_allclose(thick, points[:, 1].max(), atol=1e-3)
    front_half = points[points[:, 2] > -0.5 * PANDA_HAND.tip_depth_m]
    assert front_half[:, 1].max() < slim


def test_the_opening_is_what_the_joints_allow() -> None:
    urdf = ElementTree.parse(PANDA / "panda.urdf").getroot()
    limits = [urdf.find(f"joint[@name='panda_finger_joint{i}']/limit").get("upper") for i in (1, 2)]  # type: ignore[union-attr]
    assert PANDA_HAND.max_width_m == pytest.approx(sum(map(float, limits)))  # type: ignore[arg-type]


def test_boxes_mirror_under_the_twin_grasp() -> None:
    """A half turn about z swaps the fingers and leaves the gripper as it was."""
    boxes = PANDA_HAND.boxes(0.03)
    turned = np.sort(boxes * [-1.0, -1.0, 1.0], axis=1)
    np.testing.assert_allclose(turned[[RIGHT_TIP, LEFT_TIP, RIGHT_ROOT, LEFT_ROOT, PALM]], boxes)


def test_the_closing_region_lies_between_the_fingers() -> None:
    region, boxes = PANDA_HAND.closing_region(0.06), PANDA_HAND.boxes(0.06)
    np.testing.assert_allclose(region, [[-0.0105, -0.03, -0.046], [0.0105, 0.03, 0.0]])
    assert region[1, 1] == boxes[LEFT_TIP][0, 1] and region[0, 1] == boxes[RIGHT_TIP][1, 1]
    assert region[0, 2] == boxes[PALM][1, 2]


def test_open_wide_is_the_default() -> None:
    np.testing.assert_array_equal(PANDA_HAND.boxes(), PANDA_HAND.boxes(PANDA_HAND.max_width_m))
    np.testing.assert_array_equal(PANDA_HAND.closing_region(), PANDA_HAND.closing_region(PANDA_HAND.max_width_m))


def test_another_gripper_is_one_dataclass() -> None:
    wide = GripperSpec(name="wide", max_width_m=0.14, finger_depth_m=0.06)
    assert wide.boxes()[LEFT_TIP][0, 1] == pytest.approx(0.07)
    assert wide.boxes()[PALM][1, 2] == pytest.approx(-0.06)


@pytest.mark.parametrize("value", [0.0, -0.01, np.nan, np.inf])
def test_sizes_are_above_zero(value: float) -> None:
    with pytest.raises(InputError, match=r"GripperSpec: expected sizes above 0 m, got \{'palm_length_m'"):
        GripperSpec(palm_length_m=value)
