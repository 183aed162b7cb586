"""Samples of a hand-eye calibration: where the gripper was, and how the camera saw the board.

The chain is the same for both setups. With A = `T_base_gripper` for a camera on the hand and its inverse
for one beside the robot, B = `T_camera_board`, X the camera's pose that is sought and Y the board's:

    A_i X B_i = Y      eye-in-hand: X = T_gripper_camera, Y = T_base_board
                       eye-to-hand: X = T_base_camera,    Y = T_gripper_board
"""

from __future__ import annotations

from dataclasses import dataclass

from geometry import FloatArray, InputError, invert

SETUPS = ("eye-in-hand", "eye-to-hand")
_LEAST_SAMPLES = 3


@dataclass(frozen=True, kw_only=True)
class PoseSamples:
    """N samples, each of one standstill of the robot."""

    setup: str
    """`eye-in-hand`, the camera on the gripper and the board fixed, or `eye-to-hand`, the other way round."""
    names: tuple[str, ...]
    """What to call each sample."""
    T_base_gripper: FloatArray
    """(n, 4, 4) from the robot."""
    T_camera_board: FloatArray
    """(n, 4, 4) from the camera."""

    def __post_init__(self) -> None:
        n = len(self.names)
        if self.setup not in SETUPS:
            raise InputError("setup", expected=" or ".join(SETUPS), got=repr(self.setup))
        if self.T_base_gripper.shape != (n, 4, 4) or self.T_camera_board.shape != (n, 4, 4):
            got = f"{self.T_base_gripper.shape}, {self.T_camera_board.shape}"
            raise InputError("PoseSamples", expected=f"two arrays ({n}, 4, 4)", got=got)
        if n < _LEAST_SAMPLES:
            remedy = "record 15 or more, each with the gripper turned by 20 to 40 degrees"
            raise InputError("samples", expected=f"{_LEAST_SAMPLES} or more", got=f"{n}", remedy=remedy)

    @property
    def parent(self) -> str:
        """Frame that the camera's pose is sought in."""
        return "gripper" if self.setup == "eye-in-hand" else "base"

    @property
    def chain(self) -> FloatArray:
        """(n, 4, 4) A of A X B = Y."""
        return self.T_base_gripper if self.setup == "eye-in-hand" else invert(self.T_base_gripper)
