"""Whether the recorded motions can tell where the camera is, and which ones to add."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from geometry import FloatArray, InputError

_ENOUGH_DEG, _HOPELESS_DEG = 15.0, 2.0
_FEW = 10
_NEAR_AXIS = 0.9


class Conditioning(NamedTuple):
    """How much the gripper was turned."""

    rotation_deg: FloatArray
    """(3,) turns between samples about their principal axes, root mean square, largest first."""
    advice: tuple[str, ...]
    """Which motions to add; empty where there are enough."""


def check_motions(T_base_gripper: FloatArray) -> Conditioning:
    """See whether the gripper was turned enough, about at least two axes.

    Turns about one axis only leave the camera's place along it, and a turn about it, unknown.

    Args:
        T_base_gripper: (n, 4, 4).
    Raises:
        InputError: where a calibration would be no more than noise.
    """
    i, j = np.triu_indices(len(T_base_gripper), 1)
    R = T_base_gripper[:, :3, :3]
    turns = Rotation.from_matrix(np.swapaxes(R[i], -1, -2) @ R[j]).as_rotvec(degrees=True)
    squares, axes = np.linalg.eigh(turns.T @ turns / len(turns))
    rms = np.sqrt(np.maximum(squares, 0.0))[::-1]
    strong, weak = axes[:, 2], axes[:, 1]
    if rms[0] < _ENOUGH_DEG:
        what = f"the gripper was hardly turned between samples ({rms[0]:.1f} degrees)"
        remedy = "add poses turned by 20 to 40 degrees, some about its x and some about its y axis"
    elif rms[1] < _ENOUGH_DEG:
        what = (
            f"the gripper was turned nearly only about {_named(strong)} ({rms[0]:.0f} degrees, across it {rms[1]:.1f})"
        )
        remedy = f"add 3 or more poses turned by 20 to 40 degrees about {_named(weak)}"
    else:
        few = f"only {len(R)} samples; 15 or more make the result steadier"
        return Conditioning(rms, (few,) if len(R) < _FEW else ())
    if rms[1] < _HOPELESS_DEG:
        raise InputError("samples", expected="turns of the gripper about two axes", got=what, remedy=remedy)
    return Conditioning(rms, (f"{what}; {remedy}",))


def _named(axis: FloatArray) -> str:
    nearest = int(np.abs(axis).argmax())
    if abs(axis[nearest]) > _NEAR_AXIS:
        return f"its {'xyz'[nearest]} axis"
    direction = axis * np.sign(axis[nearest])
    return f"its axis ({', '.join(f'{value:.2f}' for value in direction.tolist())})"
