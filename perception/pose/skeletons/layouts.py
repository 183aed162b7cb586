"""The keypoint layouts of the field under the project's joint names, and the project's own.

Orders: COCO (cocodataset.org), MediaPipe Pose's landmarks, OpenPose BODY_25, Kinect SDK 1.8 and 2.0 joint types.
Annotators' spread (`sigmas`): COCO's keypoint evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable

from perception.pose.skeletons.skeleton import Skeleton

Bones = tuple[tuple[str, str], ...]


def _both(*limbs: str) -> tuple[str, ...]:
    """Left then right of each: "hip" becomes "left_hip", "right_hip"."""
    return tuple(f"{side}_{limb}" for limb in limbs for side in ("left", "right"))


def _chains(*chains: Iterable[str]) -> Bones:
    """Bones along chains of joints; "{}" stands for either side, left first."""
    bones: list[tuple[str, str]] = []
    for chain in chains:
        names = list(chain)
        for side in ("left", "right") if any("{}" in name for name in names) else ("",):
            filled = [name.format(side) for name in names]
            bones += [bone for bone in zip(filled, filled[1:], strict=False) if bone not in bones]
    return tuple(bones)


_FACE_AND_LIMBS = _chains(
    ("nose", "{}_eye", "{}_ear"),
    ("left_shoulder", "right_shoulder"),
    ("{}_shoulder", "{}_elbow", "{}_wrist"),
    ("{}_shoulder", "{}_hip", "{}_knee", "{}_ankle"),
    ("left_hip", "right_hip"),
)

BODY18 = Skeleton(
    name="body18",
    joints=(
        "pelvis", "spine", "neck", "head",
        *(f"left_{limb}" for limb in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")),
        *(f"right_{limb}" for limb in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")),
    ),
    bones=_chains(
        ("pelvis", "spine", "neck", "head"),
        ("neck", "{}_shoulder", "{}_elbow", "{}_wrist"),
        ("pelvis", "{}_hip", "{}_knee", "{}_ankle", "{}_toe"),
    ),
)  # fmt: skip
"""The project's own: 18 joints, 17 bones. Head is the middle of the skull, spine midway from pelvis to neck."""

COCO17 = Skeleton(
    name="coco17",
    joints=("nose", *_both("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")),
    bones=_FACE_AND_LIMBS,
    sigmas=(0.026, *(s for s in (0.025, 0.035, 0.079, 0.072, 0.062, 0.107, 0.087, 0.089) for _ in range(2))),
)
"""COCO person keypoints: what most detectors give."""

_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
_KNUCKLES = {finger: ("mcp", "pip", "dip", "tip") for finger in _FINGERS} | {"thumb": ("cmc", "mcp", "ip", "tip")}

HAND21 = Skeleton(
    name="hand21",
    joints=("wrist", *(f"{finger}_{part}" for finger in _FINGERS for part in _KNUCKLES[finger])),
    bones=_chains(*(("wrist", *(f"{finger}_{part}" for part in _KNUCKLES[finger])) for finger in _FINGERS)),
    sigmas=(0.029, *(s for _ in _FINGERS for s in (0.022, 0.035, 0.037, 0.047))),
)
"""One hand as MediaPipe, OpenPose and COCO-WholeBody order it: wrist, then each finger from its root to its tip."""


def _of_side(side: str) -> tuple[str, ...]:
    return tuple(f"{side}_hand_{joint}" for joint in HAND21.joints)


WHOLEBODY133 = Skeleton(
    name="wholebody133",
    joints=(
        *COCO17.joints,
        *(f"{side}_{part}" for side in ("left", "right") for part in ("big_toe", "small_toe", "heel")),
        *(f"face_{number}" for number in range(68)),
        *_of_side("left"),
        *_of_side("right"),
    ),
    bones=(
        *COCO17.bones,
        *_chains(("{}_ankle", "{}_heel"), ("{}_ankle", "{}_big_toe"), ("{}_ankle", "{}_small_toe")),
        *(
            (f"{side}_hand_{parent}", f"{side}_hand_{child}")
            for side in ("left", "right")
            for parent, child in HAND21.bones
        ),
    ),
)
"""COCO-WholeBody: body 17, feet 6, face 68, left hand 21, right hand 21."""

MEDIAPIPE33 = Skeleton(
    name="mediapipe33",
    joints=(
        "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
        *_both("ear"), *_both("mouth"), *_both("shoulder", "elbow", "wrist", "pinky", "index", "thumb"),
        *_both("hip", "knee", "ankle", "heel", "toe"),
    ),
    bones=(
        *_FACE_AND_LIMBS,
        *_chains(
            ("{}_wrist", "{}_pinky"), ("{}_wrist", "{}_index"), ("{}_wrist", "{}_thumb"),
            ("{}_ankle", "{}_heel", "{}_toe"),
        ),
    ),
)  # fmt: skip
"""MediaPipe Pose."""

OPENPOSE25 = Skeleton(
    name="openpose25",
    joints=(
        "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
        "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye",
        "left_eye", "right_ear", "left_ear", "left_big_toe", "left_small_toe", "left_heel", "right_big_toe",
        "right_small_toe", "right_heel",
    ),
    bones=_chains(
        ("pelvis", "neck", "nose", "{}_eye", "{}_ear"),
        ("neck", "{}_shoulder", "{}_elbow", "{}_wrist"),
        ("pelvis", "{}_hip", "{}_knee", "{}_ankle", "{}_big_toe"),
        ("{}_ankle", "{}_small_toe"),
        ("{}_ankle", "{}_heel"),
    ),
)  # fmt: skip
"""OpenPose BODY_25."""

KINECT20 = Skeleton(
    name="kinect20",
    joints=(
        "pelvis", "spine", "neck", "head", "left_shoulder", "left_elbow", "left_wrist", "left_hand",
        "right_shoulder", "right_elbow", "right_wrist", "right_hand", "left_hip", "left_knee", "left_ankle",
        "left_toe", "right_hip", "right_knee", "right_ankle", "right_toe",
    ),
    bones=(*BODY18.bones, *_chains(("{}_wrist", "{}_hand"))),
)  # fmt: skip
"""Kinect for Xbox 360 (SDK 1.8): its hip centre is our pelvis, shoulder centre our neck, foot our toe."""

KINECT25 = Skeleton(
    name="kinect25",
    joints=(
        "pelvis", "spine", "neck", "head", "left_shoulder", "left_elbow", "left_wrist", "left_hand",
        "right_shoulder", "right_elbow", "right_wrist", "right_hand", "left_hip", "left_knee", "left_ankle",
        "left_toe", "right_hip", "right_knee", "right_ankle", "right_toe", "chest", "left_hand_tip", "left_thumb",
        "right_hand_tip", "right_thumb",
    ),
    bones=(
        *_chains(
            ("pelvis", "spine", "chest", "neck", "head"),
            ("chest", "{}_shoulder", "{}_elbow", "{}_wrist", "{}_hand", "{}_hand_tip"),
            ("{}_wrist", "{}_thumb"),
            ("pelvis", "{}_hip", "{}_knee", "{}_ankle", "{}_toe"),
        ),
    ),
)  # fmt: skip
"""Kinect for Xbox One (SDK 2.0): its spine base is our pelvis, spine shoulder the chest, foot our toe."""

SKELETONS = {
    skeleton.name: skeleton
    for skeleton in (BODY18, COCO17, HAND21, WHOLEBODY133, MEDIAPIPE33, OPENPOSE25, KINECT20, KINECT25)
}
"""Every layout by its name."""
