"""Where MediaPipe's landmark models lie on this computer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from geometry import InputError

HAND_FILE, POSE_FILE = "hand.task", "pose.task"
_REMEDY = "run `graspmimic setup pose` once to prepare them"


@dataclass(frozen=True, kw_only=True)
class LandmarkModels:
    """Files of the two landmark models."""

    hand: Path
    """Palm detector and hand landmarks."""
    pose: Path
    """Body detector and body landmarks."""


def landmark_folder() -> Path:
    """The folder of this user's models: graspmimic/pose in $XDG_CACHE_HOME, or in ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "graspmimic" / "pose"


def find_landmark_models(folder: str | Path | None = None) -> LandmarkModels:
    """The models that `graspmimic setup pose` has prepared.

    Args:
        folder: where they lie; None: `landmark_folder()`.

    Raises:
        InputError: if one of them is not there.
    """
    folder = landmark_folder() if folder is None else Path(folder)
    models = LandmarkModels(hand=folder / HAND_FILE, pose=folder / POSE_FILE)
    missing = [file.name for file in (models.hand, models.pose) if not file.is_file()]
    if missing:
        raise InputError(
            f"landmark models in {folder}", expected=" and ".join(missing), got="no such file", remedy=_REMEDY
        )
    return models
