"""OpenPose's output: a folder with one `*_keypoints.json` for each frame, pixels.

Each file lists `people` with flat triples (column, row, confidence) under `pose_keypoints_2d`,
`hand_left_keypoints_2d` and `hand_right_keypoints_2d`; (0, 0, 0) is a joint that was not seen.
Source: OpenPose's documentation, "Output format".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from geometry import FloatArray, InputError
from perception.pose.pose_frame import Hand, Person, PoseFrame
from perception.pose.recordings.recording import Recording, seen_points
from perception.pose.recordings.text_file import read_text
from perception.pose.skeletons import HAND21, OPENPOSE25, Skeleton

OPENPOSE18 = Skeleton(
    name="openpose18",
    joints=(
        "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
        "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye",
        "right_ear", "left_ear",
    ),
    bones=(
        ("neck", "nose"),
        *(
            (parent.format(side), child.format(side))
            for chain in (("nose", "{}_eye", "{}_ear"), ("neck", "{}_shoulder", "{}_elbow", "{}_wrist"),
                          ("neck", "{}_hip", "{}_knee", "{}_ankle"))
            for side in ("left", "right")
            for parent, child in zip(chain, chain[1:], strict=False)
        ),
    ),
)  # fmt: skip
"""OpenPose's COCO model."""

_BODIES = {len(skeleton): skeleton for skeleton in (OPENPOSE25, OPENPOSE18)}


def read_openpose(folder: str | Path, *, rate_hz: float = 30.0) -> Recording:
    """Frames of a folder of `*_keypoints.json`.

    A frame's time is the last number in its file's name (`walk_000000000012_keypoints.json`) over `rate_hz`, or
    its place in the order of names where the names have no numbers.

    Raises:
        InputError: if there are no such files, one is damaged, or they hold different layouts.
    """
    folder = Path(folder)
    paths = sorted(folder.glob("*_keypoints.json")) if folder.is_dir() else []
    if not paths:
        raise InputError(
            str(folder),
            expected="a folder with OpenPose's *_keypoints.json files",
            got="none in it" if folder.is_dir() else "no folder",
            remedy="run OpenPose with --write_json FOLDER",
        )
    if not rate_hz > 0.0:
        raise InputError("read_openpose", expected="rate_hz above 0", got=f"{rate_hz}")
    found = sorted(zip(_frame_numbers(paths), paths, strict=True))
    people = [_people(path) for _, path in found]
    sizes = {
        len(_triples(person, "pose_keypoints_2d", path)): path
        for (_, path), all_ in zip(found, people, strict=True)
        for person in all_
    }
    if len(sizes) > 1 or not set(sizes) <= set(_BODIES):
        raise InputError(
            str(folder),
            expected="one layout in all files, BODY_25 (25 joints) or COCO (18)",
            got=" and ".join(f"{size} joints in {path.name}" for size, path in sorted(sizes.items())),
        )
    skeleton = _BODIES[next(iter(sizes), len(OPENPOSE25))]
    return Recording(
        skeleton=skeleton,
        frames=tuple(
            PoseFrame(
                time_s=number / rate_hz, skeleton=skeleton, persons=tuple(_person(person, path) for person in all_)
            )
            for (number, path), all_ in zip(found, people, strict=True)
        ),
    )


def _frame_numbers(paths: list[Path]) -> list[int]:
    numbers = [re.findall(r"\d+", path.name.removesuffix("_keypoints.json")) for path in paths]
    last = [int(found[-1]) for found in numbers if found]
    return last if len(set(last)) == len(paths) else list(range(len(paths)))


def _people(path: Path) -> list[Mapping[str, Any]]:
    try:
        content = json.loads(read_text(path))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(str(path), expected="JSON", got=str(error), remedy="is the file cut off?") from None
    people = content.get("people") if isinstance(content, Mapping) else None
    if not isinstance(people, list) or not all(isinstance(person, Mapping) for person in people):
        raise InputError(str(path), expected='OpenPose\'s {"people": [...]}', got="something else")
    return people


def _triples(person: Mapping[str, Any], key: str, path: Path) -> FloatArray:
    """(K, 3) column, row, confidence; (0, 3) where the key is missing or empty."""
    try:
        return np.asarray(person.get(key, ()), dtype=float).reshape(-1, 3)
    except (TypeError, ValueError):
        raise InputError(f"{path}: {key}", expected="a list of numbers, three a joint", got="something else") from None


def _person(person: Mapping[str, Any], path: Path) -> Person:
    hands: dict[str, Hand | None] = {}
    for side in ("left", "right"):
        hand = _triples(person, f"hand_{side}_keypoints_2d", path)
        if len(hand) not in (0, len(HAND21)):
            raise InputError(f"{path}: hand_{side}_keypoints_2d", expected="21 points or none", got=f"{len(hand)}")
        points, certain = _seen(hand, path)
        hands[side] = Hand(scores=certain, keypoints_px=points) if certain.any() else None
    points, scores = _seen(_triples(person, "pose_keypoints_2d", path), path)
    return Person(
        id=_id(person), scores=scores, keypoints_px=points, left_hand=hands["left"], right_hand=hands["right"]
    )


def _seen(triples: FloatArray, path: Path) -> tuple[FloatArray, FloatArray]:
    """Confidences above 1, which OpenPose now and then gives, count as 1."""
    return seen_points(str(path), triples[:, :2], np.minimum(triples[:, 2], 1.0))


def _id(person: Mapping[str, Any]) -> int:
    given = person.get("person_id", -1)
    first = given[0] if isinstance(given, list) and given else given
    return int(first) if isinstance(first, int | float) else -1
