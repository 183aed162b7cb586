"""The random blobs that come with `pybullet_data`, scaled so that a parallel gripper can take them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pybullet_data

from envs.objects.model import ObjectModel

BROKEN = frozenset({"168"})
"""Folders whose mesh holds NaN coordinates."""

FILL = 0.75
"""Share of the gripper's opening that an object may take, so that a grasp has some play."""


def random_urdf_names() -> list[str]:
    """Names of the usable objects, sorted: 999 of the 1,000."""
    return sorted(p.stem for p in _folder().glob("*/*.urdf") if p.stem not in BROKEN)


def random_urdf(name: str, scale: float, graspable_width_m: float) -> ObjectModel:
    """One object, scaled down until the middle one of its three extents fits into the gripper.

    An object lies on its largest face, mostly with its smallest extent upright; from above a
    gripper then meets the middle extent.
    """
    urdf = _folder() / name / f"{name}.urdf"
    middle = float(np.sort(ObjectModel(name, urdf).mesh().extents)[1])
    return ObjectModel(name, urdf, scale * min(1.0, FILL * graspable_width_m / middle))


def _folder() -> Path:
    return Path(pybullet_data.getDataPath()) / "random_urdfs"
