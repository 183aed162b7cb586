"""Landmark models for MediaPipe's tasks, packed from what MediaPipe's own Python package brought along.

Up to 0.10.21 the package (Apache-2.0) held the networks as `.tflite` files for an interface that has since been
removed. A `.task` file is a plain zip of two of them. Only the body landmarks lack the metadata that tasks ask for.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from geometry import InputError
from perception.pose.images.landmarks.landmark_models import HAND_FILE, POSE_FILE, LandmarkModels
from perception.pose.images.landmarks.tflite_metadata import has_metadata, with_image_normalization

SOURCE_VERSION = "0.10.21"
"""The last MediaPipe whose package holds the networks."""
_ALIGNMENT = 64
_ZIP_HEADER, _EXTRA_ID = 30, b"\x35\xd9"
_LANDMARK_MEAN, _LANDMARK_STD = 0.0, 255.0
_NOTICE = """The networks in hand.task and pose.task are MediaPipe's, taken from its Python package {version}.
Copyright The MediaPipe Authors, licensed under the Apache License 2.0 (below).
Changed: packed into two archives; metadata on the normalisation of the image added to the body landmarks.

"""


class Network(NamedTuple):
    """One network: its place in the package, its name in the archive, and its checksum in the package."""

    member: str
    name: str
    sha256: str


NETWORKS: dict[str, tuple[Network, ...]] = {
    HAND_FILE: (
        Network(
            "mediapipe/modules/palm_detection/palm_detection_full.tflite",
            "hand_detector.tflite",
            "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
        ),
        Network(
            "mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
            "hand_landmarks_detector.tflite",
            "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
        ),
    ),
    POSE_FILE: (
        Network(
            "mediapipe/modules/pose_detection/pose_detection.tflite",
            "pose_detector.tflite",
            "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        ),
        Network(
            "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
            "pose_landmarks_detector.tflite",
            "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        ),
    ),
}
"""What goes into each archive."""


def pack_landmark_models(
    wheel: str | Path, folder: str | Path, *, networks: dict[str, tuple[Network, ...]] | None = None
) -> LandmarkModels:
    """Write hand.task, pose.task, their licence and a record of what they were made from.

    Args:
        wheel: MediaPipe's package of `SOURCE_VERSION`, of any platform.
        folder: where they go; made if it is not there.
        networks: what to pack; None: `NETWORKS`.

    Returns:
        The files.

    Raises:
        InputError: if the wheel is damaged, is of another version, or holds other networks than expected.
    """
    from perception.figures import output_file  # here, for its package brings in matplotlib

    wheel, folder = Path(wheel), Path(folder)
    parts, licence = _read_wheel(wheel, NETWORKS if networks is None else networks)
    for archive, files in parts.items():
        with output_file(folder / archive) as draft:
            _write_archive(draft, files)
    with output_file(folder / "LICENSE") as draft:
        draft.write_text(_NOTICE.format(version=SOURCE_VERSION) + licence, encoding="utf-8")
    record = {
        "source": f"mediapipe {SOURCE_VERSION}, {wheel.name}",
        "licence": "Apache-2.0",
        "files": {
            archive: {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
            for archive, files in parts.items()
        },
    }
    with output_file(folder / "models.json") as draft:
        draft.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return LandmarkModels(hand=folder / HAND_FILE, pose=folder / POSE_FILE)


def _read_wheel(wheel: Path, networks: dict[str, tuple[Network, ...]]) -> tuple[dict[str, dict[str, bytes]], str]:
    """Bytes of every network by archive and name, ready for tasks; and the licence."""
    remedy = f"give the wheel of mediapipe {SOURCE_VERSION}, whole"
    try:
        with zipfile.ZipFile(wheel) as package:
            names = set(package.namelist())
            missing = [part.member for parts in networks.values() for part in parts if part.member not in names]
            if missing:
                raise InputError(str(wheel), expected=f"{missing[0]} in it", got="no such file", remedy=remedy)
            found = {
                archive: {part.name: _ready(package.read(part.member), part, wheel) for part in parts}
                for archive, parts in networks.items()
            }
            licences = [name for name in sorted(names) if name.endswith(".dist-info/LICENSE")]
            return found, package.read(licences[0]).decode("utf-8") if licences else ""
    except OSError as error:
        raise InputError(str(wheel), expected="a readable wheel", got=error.strerror or str(error)) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise InputError(str(wheel), expected="an undamaged wheel", got=str(error), remedy=remedy) from None


def _ready(model: bytes, part: Network, wheel: Path) -> bytes:
    checksum = hashlib.sha256(model).hexdigest()
    if checksum != part.sha256:
        raise InputError(
            f"{wheel}: {part.member}",
            expected=f"the network of mediapipe {SOURCE_VERSION} (sha256 {part.sha256[:12]}...)",
            got=f"another (sha256 {checksum[:12]}...)",
        )
    return model if has_metadata(model) else with_image_normalization(model, mean=_LANDMARK_MEAN, std=_LANDMARK_STD)


def _write_archive(path: Path, files: dict[str, bytes]) -> None:
    """A zip without compression whose files begin at multiples of 64 bytes, so that weights can be used in place."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            assert archive.fp is not None
            begin = archive.fp.tell() + _ZIP_HEADER + len(name) + 4
            padding = -begin % _ALIGNMENT
            entry.extra = _EXTRA_ID + padding.to_bytes(2, "little") + bytes(padding)
            archive.writestr(entry, data)
