"""Motion capture files: BVH and ASF/AMC small enough to work out by hand, and what is damaged."""

import numpy as np
import pytest

from geometry import InputError
from perception.pose import convert, track_of_person
from perception.pose.recordings import read_amc, read_amc_angles, read_bvh, read_recording
from perception.pose.recordings.joint_tree import project_names
from perception.pose.skeletons import BODY18

BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 100 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Spine
  {
    OFFSET 0 20 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT mixamorig:LeftArm
    {
      OFFSET 10 0 0
      CHANNELS 3 Zrotation Xrotation Yrotation
      End Site
      {
        OFFSET 30 0 0
      }
    }
  }
}
MOTION
Frames: 3
Frame Time: 0.04
0 0 0  0 0 0  0 0 0  0 0 0
5 0 0  0 0 0  90 0 0  0 0 0
0 0 0  90 90 0  0 0 0  0 0 90
"""


def test_bvh_by_hand(tmp_path):
    """World axes: x as in the file, y = -z of the file, z = y of the file; metres = cm / 100.

    Frame 1: root moved by 5 along x, the spine turned by 90 deg about z: the arm points up.
    Frame 2: root turned Rz(90) Rx(90): x -> y, y -> z, z -> x. The spine lies along z of the file, the shoulder from
    it along y, and the arm's own turn of 90 deg about y takes its bone from x to -z of its frame, which is -x.
    """
    (tmp_path / "a.bvh").write_text(BVH)
    recording = read_recording(tmp_path / "a.bvh")
    assert recording.rate_hz == pytest.approx(25.0)
    assert recording.skeleton.joints == ("pelvis", "Spine", "left_shoulder", "mixamorig:LeftArm_end")
    track = track_of_person(recording, 0)
    still = [[0, 0, 1.0], [0, 0, 1.2], [0.1, 0, 1.2], [0.4, 0, 1.2]]
    raised = [[0.05, 0, 1.0], [0.05, 0, 1.2], [0.05, 0, 1.3], [0.05, 0, 1.6]]
    turned = [[0, 0, 1.0], [0, -0.2, 1.0], [0, -0.2, 1.1], [-0.3, -0.2, 1.1]]
    np.testing.assert_allclose(track.keypoints, [still, raised, turned], atol=1e-12)
    assert recording.frames[0].reference == "world"


def test_bvh_units_and_axes_as_told(tmp_path):
    (tmp_path / "a.bvh").write_text(BVH)
    track = track_of_person(read_bvh(tmp_path / "a.bvh", unit_m=1.0, y_up=False), 0)
    np.testing.assert_allclose(track.keypoints[0, 3], [40.0, 120.0, 0.0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("0 0 0  90 90 0  0 0 0  0 0 90\n", ""), "3 frames of 12 numbers"),
        (("  0 0 0  0 0 90\n", "  0 0\n"), "3 frames of 12 numbers"),
        (("5 0 0", "nan 0 0"), "finite"),
        (("OFFSET 0 20 0", "OFFSET 0 20"), "numbers"),
        (("0.04", "0"), "frame time above 0"),
        (("Frames: 3", "Frames 3"), "Frames:"),
        (("}\nMOTION", "MOTION"), "closed brackets"),
        (("Zrotation Xrotation Yrotation\n  JOINT", "Wrotation Xrotation Yrotation\n  JOINT"), "Xposition"),
        ((BVH[BVH.index("MOTION") :], ""), "MOTION"),
    ],
)
def test_bvh_damaged_is_said(tmp_path, change, said):
    (tmp_path / "a.bvh").write_text(BVH.replace(*change))
    with pytest.raises(InputError, match=said):
        read_bvh(tmp_path / "a.bvh")


ASF = """# a leg
:version 1.10
:name leg
:units
  mass 1.0
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name lhipjoint
    direction 1 0 0
    length 2
    axis 0 0 0 XYZ
  end
  begin
    id 2
    name lfemur
    direction 0 -1 0
    length 8
    axis 0 0 90 XYZ
    dof rx ry rz
    limits (-160.0 20.0)
           (-70.0 70.0)
           (-60.0 70.0)
  end
  begin
    id 3
    name ltibia
    direction 0 -1 0
    length 6
    axis 0 0 0 XYZ
    dof rx
    limits (-10.0 170.0)
  end
:hierarchy
  begin
    root lhipjoint
    lhipjoint lfemur
    lfemur ltibia
  end
"""
AMC = """#!OML:ASF
:FULLY-SPECIFIED
:DEGREES
1
root 0 20 0 0 0 0
lfemur 0 0 0
ltibia 0
2
root 0 20 0 0 90 0
lfemur 90 0 0
ltibia 90
"""
UNIT_M = 0.0254 / 0.45


def test_amc_by_hand(tmp_path):
    """Frame 2: root turned by 90 deg about y: x -> -z, z -> x; so the hip lies at -z of the file.

    The thigh's frame is turned by C = Rz(90), so that its rx = 90 is a turn about C x = y of its parent, which leaves
    its bone (0, -8, 0) as it is; the shank's rx = 90 turns (0, -6, 0) to (0, 0, -6) in its own frame, and after the
    thigh's Ry(90) to (-6, 0, 0), and after the root's to (0, 0, 6) of the file, which is y = -6 of the world.
    """
    (tmp_path / "13.asf").write_text(ASF)
    (tmp_path / "13_29.amc").write_text(AMC)
    recording = read_recording(tmp_path / "13_29.amc")
    assert recording.skeleton.joints == ("pelvis", "left_hip", "left_knee", "left_ankle")
    assert recording.rate_hz == pytest.approx(120.0)
    first = [[0, 0, 20], [2, 0, 20], [2, 0, 12], [2, 0, 6]]
    second = [[0, 0, 20], [0, 2, 20], [0, 2, 12], [0, -4, 12]]
    np.testing.assert_allclose(
        track_of_person(recording, 0).keypoints, UNIT_M * np.array([first, second], float), atol=1e-12
    )


def test_amc_order_of_angles_is_about_fixed_axes(tmp_path):
    """With C = 1 and rx = ry = 90: Ry Rx takes (0, -8, 0) to (0, 0, -8), then to (-8, 0, 0)."""
    (tmp_path / "a.asf").write_text(ASF.replace("axis 0 0 90 XYZ", "axis 0 0 0 XYZ"))
    text = AMC[: AMC.index("2\nroot")].replace("lfemur 0 0 0", "lfemur 90 90 0")
    (tmp_path / "a.amc").write_text(text)
    knee = track_of_person(read_amc(tmp_path / "a.amc"), 0).keypoints[0, 2] / UNIT_M
    np.testing.assert_allclose(knee, [2.0 - 8.0, 0.0, 20.0], atol=1e-12)


def test_amc_without_a_skeleton_gives_angles_only(tmp_path):
    (tmp_path / "a.amc").write_text(AMC)
    with pytest.raises(InputError, match="one ASF file beside it"):
        read_recording(tmp_path / "a.amc")
    angles = read_amc_angles(tmp_path / "a.amc")
    assert list(angles) == ["root", "lfemur", "ltibia"]
    np.testing.assert_array_equal(angles["lfemur"], [[0.0, 0.0, 0.0], [90.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    ("asf", "amc", "said"),
    [
        (("", ""), ("ltibia 90\n", ""), "cut off"),
        (("", ""), ("lfemur 90 0 0", "lfemur 90 0"), "same bones"),
        (("", ""), ("ltibia 90", "ltibia nan"), "finite"),
        (("", ""), ("lfemur", "rfemur"), "bones of 13.asf"),
        (("dof rx ry rz", "dof rx"), ("", ""), "1 numbers for lfemur"),
        (("lfemur ltibia", "lfemur ltoes"), ("", ""), "ltoes"),
        (("root lhipjoint\n", ""), ("", ""), "parents first"),
        ((":bonedata", ":bones"), ("", ""), "no bonedata"),
        (("length 0.45", "length 0"), ("", ""), "above 0"),
        (("direction 1 0 0", "direction 1 0"), ("", ""), "direction, length"),
    ],
)
def test_amc_damaged_is_said(tmp_path, asf, amc, said):
    (tmp_path / "13.asf").write_text(ASF.replace(*asf) if asf[0] else ASF)
    (tmp_path / "13_29.amc").write_text(AMC.replace(*amc) if amc[0] else AMC)
    with pytest.raises(InputError, match=said):
        read_amc(tmp_path / "13_29.amc")


def test_motion_capture_converts_to_the_projects_skeleton(tmp_path):
    (tmp_path / "13.asf").write_text(ASF)
    (tmp_path / "13_29.amc").write_text(AMC)
    recording = read_recording(tmp_path / "13_29.amc")
    track = track_of_person(recording, 0)
    points, scores = convert(track.keypoints, track.scores, recording.skeleton, BODY18)
    assert scores[0].sum() == 4.0
    np.testing.assert_array_equal(points[:, BODY18.index("left_knee")], track.keypoints[:, 2])


@pytest.mark.parametrize(
    "names",
    [
        ("Hips", "Neck", "LeftUpArm", "LeftLowArm", "LeftHand", "RightUpLeg", "RightLowLeg", "RightFoot"),
        ("mixamorig:Hips", "mixamorig:Neck", "mixamorig:LeftArm", "mixamorig:LeftForeArm", "mixamorig:LeftHand",
         "mixamorig:RightUpLeg", "mixamorig:RightLeg", "mixamorig:RightFoot"),
        ("root", "thorax", "lclavicle", "lhumerus", "lradius", "rhipjoint", "rfemur", "rtibia", "lfemur"),
    ],
)  # fmt: skip
def test_joints_of_common_rigs_get_the_projects_names(names):
    wanted = ("pelvis", "neck", "left_shoulder", "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle")
    assert project_names(names)[:8] == wanted
    assert project_names(("tail", "LeftShoulder")) == ("tail", "LeftShoulder")
