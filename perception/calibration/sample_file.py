"""Recorded samples of a calibration, read from JSON, YAML or npz.

    {"setup": "eye-in-hand",
     "samples": [{"name": "1", "T_base_gripper": [...], "T_camera_board": [...]}, ...]}

Instead of `T_camera_board` a sample may name an `image`; then the file holds `board` (the fields of `Board`) and
`camera` (intrinsics, with `distortion` where the images are not rectified; or the name of a file with them).
TF frames may be told as `base_frame`, `gripper_frame`, `camera_frame`, `root_frame` and `T_root_camera`.
Samples with `point_camera` and `point_base` are places of the gripper's tip. An npz holds arrays of these names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from PIL import Image

from geometry import FloatArray, InputError, PinholeCamera
from perception.calibration.board import Board, find_board
from perception.calibration.pose_samples import PoseSamples
from perception.calibration.pose_text import point_from_text, pose_from_text
from perception.calibration.solvers import opencv
from perception.calibration.tip_fit import TipSamples

_ARRAYS = ("T_base_gripper", "T_camera_board", "point_camera", "point_base")


class SampleFrames(NamedTuple):
    """Names of TF frames, where the file tells them; empty where it does not."""

    base: str = ""
    """The robot's base."""
    gripper: str = ""
    """What `T_base_gripper` is the pose of."""
    camera: str = ""
    """The images' optical frame."""
    root: str = ""
    """The root of the camera driver's own frames."""
    T_root_camera: FloatArray | None = None
    """(4, 4) pose of the images' frame in that root."""


class ReadSamples(NamedTuple):
    """What a file holds."""

    samples: PoseSamples | TipSamples
    """Ready to calibrate with."""
    skipped: tuple[str, ...]
    """Images without a board that could be used, and why."""
    corner_rms_px: float
    """Root mean square over images of their corners' error; NaN where there were none."""
    frames: SampleFrames = SampleFrames()
    """What the file says of TF."""


def read_samples(path: str | Path, *, setup: str | None = None) -> ReadSamples:
    """Read recorded samples.

    Args:
        path: of the file; images and intrinsics are looked for beside it.
        setup: `eye-in-hand` or `eye-to-hand`, where the file does not say it, or not rightly.
    Raises:
        InputError: if the file is missing or not as described.
    """
    path = Path(path)
    content = _npz(path) if path.suffix.lower() == ".npz" else _text(path)
    return _read(path, content, setup)._replace(frames=_frames(path, content))


def _read(path: Path, content: Mapping[str, Any], setup: str | None) -> ReadSamples:
    samples = content.get("samples")
    if not isinstance(samples, list) or not all(isinstance(sample, Mapping) for sample in samples):
        raise InputError(str(path), expected="a list `samples` of mappings", got=f"the fields {sorted(content)}")
    names = tuple(str(sample.get("name", sample.get("image", number + 1))) for number, sample in enumerate(samples))
    wheres = [f"{path}, sample {name}" for name in names]
    pairs = list(zip(samples, wheres, strict=True))
    if samples and "point_base" in samples[0]:
        seen, known = (
            np.array([point_from_text(sample.get(key), f"{where}: {key}") for sample, where in pairs]).reshape(-1, 3)
            for key in ("point_camera", "point_base")
        )
        if (setup or content.get("setup", "eye-to-hand")) != "eye-to-hand":
            raise InputError(str(path), expected="eye-to-hand with points of the tip", got="eye-in-hand")
        return ReadSamples(TipSamples(names=names, points_camera=seen, points_base=known), (), float("nan"))
    setup = setup or content.get("setup")
    if setup is None:
        raise InputError(str(path), expected="a setup", got="none", remedy="give --setup eye-in-hand or eye-to-hand")
    gripper = [pose_from_text(sample.get("T_base_gripper"), f"{where}: T_base_gripper") for sample, where in pairs]
    if samples and "image" in samples[0]:
        return _from_images(path, content, str(setup), names, np.array(gripper), [str(s.get("image")) for s in samples])
    board = [pose_from_text(sample.get("T_camera_board"), f"{where}: T_camera_board") for sample, where in pairs]
    poses = [np.array(each).reshape(-1, 4, 4) for each in (gripper, board)]
    return ReadSamples(
        PoseSamples(setup=str(setup), names=names, T_base_gripper=poses[0], T_camera_board=poses[1]), (), float("nan")
    )


def _frames(path: Path, content: Mapping[str, Any]) -> SampleFrames:
    base, gripper, camera, root = (
        str(content.get(f"{name}_frame", "")) for name in ("base", "gripper", "camera", "root")
    )
    T = content.get("T_root_camera")
    T_root_camera = None if T is None else pose_from_text(T, f"{path}: T_root_camera")
    return SampleFrames(base, gripper, camera, root, T_root_camera)


def _from_images(
    path: Path, content: Mapping[str, Any], setup: str, names: tuple[str, ...], T_base_gripper: FloatArray,
    images: list[str],
) -> ReadSamples:  # fmt: skip
    board, (camera, distortion) = _board(path, content.get("board")), _camera(path, content.get("camera"))
    cv2 = opencv()
    kept, poses, skipped, squares = [], [], [], []
    for number, image in enumerate(images):
        view = find_board(cv2, _gray(path.parent / image), board, camera, distortion)
        if view.T_camera_board is None:
            skipped.append(f"{names[number]}: {view.problem}")
            continue
        kept.append(number)
        poses.append(view.T_camera_board)
        squares.append(view.rms_px**2)
    if not kept:
        raise InputError(
            str(path), expected=f"a {board.kind} of {board.columns} x {board.rows} squares in the images",
            got=f"none in {len(images)}",
            remedy="compare the board's fields with the print; columns and rows count squares",
        )  # fmt: skip
    samples = PoseSamples(
        setup=setup,
        names=tuple(names[number] for number in kept),
        T_base_gripper=T_base_gripper[kept],
        T_camera_board=np.array(poses),
    )
    return ReadSamples(samples, tuple(skipped), float(np.sqrt(np.mean(squares))))


def _text(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise InputError(str(path), expected="a readable file", got=error.strerror or str(error)) from None
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(str(path), expected="JSON, YAML or npz", got=str(error).splitlines()[0]) from None
    if not isinstance(content, Mapping):
        raise InputError(str(path), expected="a mapping with `samples`", got=type(content).__name__)
    return dict(content)


def _npz(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError) as error:
        raise InputError(str(path), expected="a readable npz", got=str(error).splitlines()[0]) from None
    known = [name for name in _ARRAYS if name in arrays]
    if not known or len({len(arrays[name]) for name in known}) != 1:
        got = f"{ {name: array.shape for name, array in arrays.items()} }"
        raise InputError(str(path), expected=f"arrays of one length, some of {', '.join(_ARRAYS)}", got=got)
    samples = [{name: arrays[name][row] for name in known} for row in range(len(arrays[known[0]]))]
    return {"samples": samples, **({"setup": str(arrays["setup"])} if "setup" in arrays else {})}


def _board(path: Path, value: Any) -> Board:
    known = {field.name for field in fields(Board)}
    if not isinstance(value, Mapping) or not set(value) <= known or not {"kind", "columns", "rows"} <= set(value):
        raise InputError(f"{path}: board", expected=f"a mapping with {', '.join(sorted(known))}", got=f"{value}")
    try:
        return Board(**value)
    except TypeError as error:
        raise InputError(f"{path}: board", expected="numbers and text", got=str(error)) from None


def _camera(path: Path, value: Any) -> tuple[PinholeCamera, FloatArray]:
    if isinstance(value, str):
        value = _text(path.parent / value)
    if not isinstance(value, Mapping):
        raise InputError(f"{path}: camera", expected="intrinsics, or the name of a file with them", got=f"{value}")
    distortion = value.get("distortion", value.get("d", value.get("D", ())))
    if isinstance(value.get("distortion_coefficients"), Mapping):
        distortion = value["distortion_coefficients"].get("data", ())
    return PinholeCamera.from_mapping(value, where=f"{path}: camera"), np.asarray(distortion, dtype=np.float64)


def _gray(path: Path) -> Any:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("L"))
    except (OSError, ValueError) as error:
        raise InputError(str(path), expected="a readable image", got=str(error)) from None
