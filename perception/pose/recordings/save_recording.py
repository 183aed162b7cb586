"""Writing frames into the project's own file of keypoints (its layout: `keypoint_file`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.figures import output_file
from perception.pose.pose_frame import Hand, Person, PoseFrame, SeenObject
from perception.pose.recordings.recording import Recording
from perception.pose.skeletons import HAND21

_Spot = tuple[int, int]
"""Frame, and place in it."""


def save_recording(path: str | Path, frames: Iterable[PoseFrame]) -> None:
    """Write frames to an npz file, whole or not at all. Images are left out.

    Raises:
        InputError: if there are no frames, their times do not grow, they are of different skeletons, references or
            cameras, a frame names an object twice, or nothing can be written there.
    """
    listed = tuple(frames)
    if listed:
        Recording(skeleton=listed[0].skeleton, frames=listed)
    if len({(frame.reference, frame.camera) for frame in listed}) != 1:
        raise InputError(
            "save_recording",
            expected="frames of one camera and one reference",
            got=f"{len(listed)} frames of several" if listed else "no frames",
        )
    arrays = _header(listed[0]) | {"time_s": np.array([frame.time_s for frame in listed])}
    with output_file(Path(path).with_suffix(".npz")) as draft:
        np.savez_compressed(draft, allow_pickle=False, **(arrays | _persons(listed) | _objects(listed)))


def _header(frame: PoseFrame) -> dict[str, NDArray[Any]]:
    skeleton, camera = frame.skeleton, frame.camera
    header = {
        "skeleton": np.array(skeleton.name),
        "joints": np.array(skeleton.joints),
        "bones": np.array(skeleton.bones, dtype=str).reshape(-1, 2),
        "reference": np.array(frame.reference),
    }
    if camera is not None:
        header["camera"] = np.array([camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy], float)
    return header


def _persons(frames: Sequence[PoseFrame]) -> dict[str, NDArray[Any]]:
    places = max(len(frame.persons) for frame in frames)
    lead, joints = (len(frames), max(places, 1)), len(frames[0].skeleton)
    spots = {(t, p): person for t, frame in enumerate(frames) for p, person in enumerate(frame.persons)}
    ids, present = np.full(lead, -1), np.zeros(lead, dtype=bool)
    for spot, person in spots.items():
        ids[spot], present[spot] = person.id, True
    scores = _gather(spots, lambda person: person.scores, (*lead, joints), fill=0.0)
    arrays: dict[str, NDArray[Any]] = {"ids": ids, "present": present, "scores": scores}
    for name, points_of, width in (("px", _pixels, 2), ("m", _metres, 3)):
        if name == "px" and not places or any(points_of(person) is not None for person in spots.values()):
            arrays[f"keypoints_{name}"] = _gather(spots, points_of, (*lead, joints, width))
    for side in ("left_hand", "right_hand"):
        hands: dict[_Spot, Hand] = {
            spot: hand for spot, person in spots.items() if (hand := getattr(person, side)) is not None
        }
        if hands:
            shape = (*lead, len(HAND21))
            arrays[f"{side}_scores"] = _gather(hands, lambda hand: hand.scores, shape, fill=0.0)
            arrays[f"{side}_px"] = _gather(hands, _pixels, (*shape, 2))
            arrays[f"{side}_m"] = _gather(hands, _metres, (*shape, 3))
    return arrays


def _objects(frames: Sequence[PoseFrame]) -> dict[str, NDArray[Any]]:
    categories = {thing.name: thing.category for frame in frames for thing in frame.objects}
    if not categories:
        return {}
    names = list(categories)
    spots = {(t, names.index(thing.name)): thing for t, frame in enumerate(frames) for thing in frame.objects}
    if len(spots) != sum(len(frame.objects) for frame in frames):
        raise InputError("save_recording", expected="objects with different names in a frame", got="a name twice")
    lead = (len(frames), len(names))
    fields: dict[str, tuple[Callable[[SeenObject], FloatArray | float | None], tuple[int, ...]]] = {
        "T_reference_object": (lambda thing: thing.T_reference_object, (4, 4)),
        "object_boxes_px": (lambda thing: thing.box_px, (4,)),
        "object_sizes_m": (lambda thing: thing.size_m, (3,)),
        "object_scores": (lambda thing: thing.score, ()),
    }
    arrays = {key: _gather(spots, of, (*lead, *shape)) for key, (of, shape) in fields.items()}
    return {"object_names": np.array(names), "object_categories": np.array(list(categories.values()))} | arrays


def _gather(
    spots: dict[_Spot, Any], of: Callable[[Any], Any], shape: tuple[int, ...], fill: float = np.nan
) -> FloatArray:
    """(T, P, ...) what `of` gives of each item, at its spot; `fill` where there is none."""
    values = np.full(shape, fill)
    for spot, item in spots.items():
        value = of(item)
        if value is not None:
            values[spot] = value
    return values


def _pixels(points: Person | Hand) -> FloatArray | None:
    return points.keypoints_px


def _metres(points: Person | Hand) -> FloatArray | None:
    return points.keypoints_m
