"""Joint rotations of a recorded person, whatever layout the keypoints came in."""

from __future__ import annotations

from geometry import InputError
from perception.pose.kinematics.body_pose import BodyPose
from perception.pose.kinematics.body_shape import BodyShape
from perception.pose.kinematics.inverse_kinematics import solve_ik
from perception.pose.kinematics.limb_rotations import IkSettings
from perception.pose.person_track import PersonTrack
from perception.pose.skeletons import BODY18, convert


def solve_track(
    track: PersonTrack, shape: BodyShape | None = None, settings: IkSettings | None = None
) -> tuple[BodyPose, BodyShape]:
    """Joint rotations of a track in metres, with its hands where it has them.

    Args:
        track: one person over time.
        shape: the person's bones; none: those that the track itself shows.
        settings: how to solve.

    Returns:
        The poses, and the bones they are of.

    Raises:
        InputError: if the track is in pixels, or no bone is ever seen.
    """
    if track.keypoints.shape[-1] != 3:
        raise InputError("solve_track", expected="keypoints in metres", got="pixels", remedy="lift them first")
    points, _ = convert(track.keypoints, track.scores, track.skeleton, BODY18)
    shape = shape or BodyShape.from_keypoints(points)
    pose = solve_ik(points, shape, left_hand_m=track.left_hand, right_hand_m=track.right_hand, settings=settings)
    return pose, shape
