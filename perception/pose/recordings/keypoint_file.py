"""The project's own file of keypoints over time: one npz of plain arrays, read without running anything in it.

T frames, P places for persons (a person keeps a place within a frame only; `ids` tell who it is), K joints, O objects.

| key | shape | what |
|---|---|---|
| time_s | (T,) | seconds, growing |
| skeleton | text | name of a known layout; else `joints` (K,) and `bones` (B, 2) of joint names |
| keypoints_px, keypoints_m | (T, P, K, 2), (T, P, K, 3) | either or both; NaN = unseen |
| keypoints | (T, P, K, 2 or 3) or (T, K, 2 or 3) | in their stead: pixels or metres by its last axis |
| scores | (T, P, K) or (T, K) | 0 to 1; absent: 1 where seen |
| ids | (T, P) or (P,) | -1: not tracked; absent: 0, 1, ... |
| present | (T, P) | whether a place is taken; absent: where anything is seen |
| left_hand_px, left_hand_m, left_hand_scores, right_... | (T, P, 21, 2), (T, P, 21, 3), (T, P, 21) | optional |
| object_names, object_categories | (O,) | optional |
| T_reference_object, object_boxes_px, object_sizes_m | (T, O, 4, 4), (T, O, 4), (T, O, 3) | NaN = not known |
| object_scores | (T, O) | NaN = not in view; absent: 1 where pose or box are known |
| reference | text | frame of metres, "camera" (the default) or "world" |
| camera | (6,) | width, height, fx, fy, cx, cy |

Images are not kept.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError, PinholeCamera
from perception.pose.person_track import check_times
from perception.pose.pose_frame import Hand, Person, PoseFrame, SeenObject
from perception.pose.recordings.recording import Recording, seen_points
from perception.pose.skeletons import HAND21, SKELETONS, Skeleton

Arrays = dict[str, NDArray[Any]]
_LARGEST_IMAGE_PX = 1e6


def read_keypoint_file(path: str | Path) -> Recording:
    """Frames of an npz file of the layout above.

    Raises:
        InputError: if it is damaged, a key is missing, or shapes do not fit together.
    """
    arrays = _load(Path(path))
    where = str(path)
    time_s = _get(arrays, "time_s", where, (None,))
    check_times(time_s, where)
    frames, skeleton = len(time_s), _skeleton(arrays, where)
    body = _points(arrays, "keypoints", where, (frames, None, len(skeleton)))
    if body is None:
        raise InputError(where, expected="keypoints_px, keypoints_m or keypoints", got=", ".join(sorted(arrays))[:120])
    persons = body[0].shape[1]
    hands = {side: _points(arrays, side, where, (frames, persons, len(HAND21))) for side in ("left_hand", "right_hand")}
    ids = _ids(arrays, where, (frames, persons))
    here = [body[0] > 0.0, *(hand[0] > 0.0 for hand in hands.values() if hand is not None)]
    present = _get(arrays, "present", where, (frames, persons), np.any([seen.any(-1) for seen in here], axis=0))
    objects = _objects(arrays, where, frames)
    camera = _camera(arrays, where)
    reference = str(arrays.get("reference", "camera"))
    if reference not in ("camera", "world"):
        raise InputError(f"{where}: reference", expected='"camera" or "world"', got=f"{reference!r}")
    return Recording(
        skeleton=skeleton,
        frames=tuple(
            PoseFrame(
                time_s=float(time_s[t]),
                skeleton=skeleton,
                persons=tuple(_person(int(ids[t, p]), body, hands, t, int(p)) for p in np.flatnonzero(present[t])),
                objects=objects[t],
                reference=reference,
                camera=camera,
            )
            for t in range(frames)
        ),
    )


_Points = tuple[FloatArray, FloatArray | None, FloatArray | None]
"""Scores (T, P, K), pixels, metres."""


def _points(arrays: Arrays, name: str, where: str, shape: tuple[int | None, ...]) -> _Points | None:
    found: dict[int, FloatArray] = {}
    if name in arrays and arrays[name].ndim >= 3 and arrays[name].shape[-1] in (2, 3):
        found[arrays[name].shape[-1]] = _get(arrays, name, where, (*shape, None))
    for suffix, width in (("_px", 2), ("_m", 3)):
        if name + suffix in arrays:
            found[width] = _get(arrays, name + suffix, where, (*shape, width))
    if not found:
        return None
    lead = next(iter(found.values())).shape[:3]
    key = "scores" if name == "keypoints" else f"{name}_scores"
    scores = _get(arrays, key, where, lead, np.ones(lead))
    cleaned = {width: seen_points(f"{where}: {name}", points, scores) for width, points in found.items()}
    certain = np.max([confidence for _, confidence in cleaned.values()], axis=0)
    pixels, metres = (cleaned[width][0] if width in cleaned else None for width in (2, 3))
    return certain, pixels, metres


def _person(number: int, body: _Points, hands: dict[str, _Points | None], frame: int, place: int) -> Person:
    found: dict[str, Hand | None] = {}
    for side, hand in hands.items():
        scores, pixels, metres = _cut(hand, frame, place) if hand is not None else (np.zeros(1), None, None)
        found[side] = Hand(scores=scores, keypoints_px=pixels, keypoints_m=metres) if scores.any() else None
    scores, pixels, metres = _cut(body, frame, place)
    return Person(id=number, scores=scores, keypoints_px=pixels, keypoints_m=metres, **found)


def _cut(points: _Points, frame: int, place: int) -> _Points:
    scores, pixels, metres = points
    flat, solid = (None if array is None else array[frame, place] for array in (pixels, metres))
    return scores[frame, place], flat, solid


def _objects(arrays: Arrays, where: str, frames: int) -> list[tuple[SeenObject, ...]]:
    if "object_names" not in arrays:
        return [()] * frames
    names = _texts(arrays, "object_names", where)
    lead = (frames, len(names))
    poses = _get(arrays, "T_reference_object", where, (*lead, 4, 4), np.full((*lead, 4, 4), np.nan))
    boxes = _get(arrays, "object_boxes_px", where, (*lead, 4), np.full((*lead, 4), np.nan))
    sizes = _get(arrays, "object_sizes_m", where, (*lead, 3), np.full((*lead, 3), np.nan))
    known = np.isfinite(poses).all((-1, -2)) | np.isfinite(boxes).all(-1)
    scores = _get(arrays, "object_scores", where, lead, np.where(known, 1.0, np.nan))
    categories = _texts(arrays, "object_categories", where) if "object_categories" in arrays else ("",) * len(names)
    if len(categories) != len(names) or len(set(names)) != len(names):
        raise InputError(
            where, expected="object_names that differ, and a category for each", got=f"{names} and {categories}"[:120]
        )
    return [
        tuple(
            SeenObject(
                name=names[o],
                category=categories[o],
                T_reference_object=_known(poses[t, o]),
                box_px=_known(boxes[t, o]),
                size_m=_known(sizes[t, o]),
                score=float(scores[t, o]),
            )
            for o in np.flatnonzero(np.isfinite(scores[t]))
        )
        for t in range(frames)
    ]


def _known(values: FloatArray) -> FloatArray | None:
    return values if np.isfinite(values).all() else None


def _skeleton(arrays: Arrays, where: str) -> Skeleton:
    name = str(arrays.get("skeleton", "recorded"))
    if "joints" in arrays:
        bones = arrays.get("bones", np.zeros((0, 2), dtype=str))
        if bones.ndim != 2 or bones.shape[1] != 2:
            raise InputError(f"{where}: bones", expected="shape (B, 2), names of joints", got=f"{bones.shape}")
        return Skeleton(
            name=name, joints=_texts(arrays, "joints", where), bones=tuple((str(a), str(b)) for a, b in bones)
        )
    if name not in SKELETONS:
        raise InputError(
            where, expected=f"joints and bones, or skeleton one of {', '.join(SKELETONS)}", got=f"skeleton {name!r}"
        )
    return SKELETONS[name]


def _camera(arrays: Arrays, where: str) -> PinholeCamera | None:
    if "camera" not in arrays:
        return None
    width, height, fx, fy, cx, cy = map(float, _get(arrays, "camera", where, (6,)))
    if not (abs(width) < _LARGEST_IMAGE_PX and abs(height) < _LARGEST_IMAGE_PX):
        raise InputError(f"{where}: camera", expected="width, height, fx, fy, cx, cy", got=f"{arrays['camera']}")
    return PinholeCamera(width=int(width), height=int(height), fx=fx, fy=fy, cx=cx, cy=cy)


def _ids(arrays: Arrays, where: str, shape: tuple[int, int]) -> NDArray[np.int64]:
    """(T, P) whole numbers."""
    ids = _get(arrays, "ids", where, None, np.arange(shape[1]))
    if ids.shape not in (shape, shape[1:]) or not (np.isfinite(ids).all() and (ids == np.rint(ids)).all()):
        expected = f"whole numbers of shape {shape} or {shape[1:]}"
        got = f"{ids.shape}" if ids.shape not in (shape, shape[1:]) else "NaN or fractions"
        raise InputError(f"{where}: ids", expected=expected, got=got, remedy="-1 where nobody was tracked")
    return np.broadcast_to(ids.astype(np.int64), shape)


def _texts(arrays: Arrays, key: str, where: str) -> tuple[str, ...]:
    """A list of names."""
    if arrays[key].ndim != 1 or arrays[key].dtype.kind not in "US":
        got = f"{arrays[key].dtype} of shape {arrays[key].shape}"
        raise InputError(f"{where}: {key}", expected="an array of texts, one axis", got=got)
    return tuple(map(str, arrays[key]))


def _get(
    arrays: Arrays, key: str, where: str, shape: tuple[int | None, ...] | None, default: NDArray[Any] | None = None
) -> NDArray[Any]:
    """One array, of this shape (None: any length); an axis of persons that was left out is put in."""
    array = arrays.get(key, default)
    if array is None:
        raise InputError(where, expected=f"an array {key}", got=f"only {', '.join(sorted(arrays))[:120]}")
    if array.dtype.kind not in "biuf":
        raise InputError(f"{where}: {key}", expected="numbers", got=f"{array.dtype}")
    given = array.shape
    if shape is not None:
        if array.ndim == len(shape) - 1 and array.ndim > 1:
            array = array[:, None]
        fits = array.ndim == len(shape) and all(
            want in (None, got) for want, got in zip(shape, array.shape, strict=True)
        )
        if not fits:
            text = ", ".join("any" if length is None else str(length) for length in shape)
            raise InputError(f"{where}: {key}", expected=f"shape ({text})", got=f"{given}")
    return array


def _load(path: Path) -> Arrays:
    try:
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise ValueError("a single array")
            return {key: file[key] for key in file.files}
    except OSError as error:
        if not path.is_file():
            raise InputError(str(path), expected="a readable file", got=error.strerror or str(error)) from None
        raise InputError(str(path), expected="an npz file of keypoints", got="a damaged one") from None
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, MemoryError) as error:
        raise InputError(
            str(path), expected="an npz file of plain arrays", got=str(error)[:120], remedy="is the file cut off?"
        ) from None
