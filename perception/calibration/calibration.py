"""What a calibration found, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray


class SolverScore(NamedTuple):
    """One closed-form solver, held against all samples."""

    name: str
    T_parent_camera: FloatArray | None
    """(4, 4), or None where it failed."""
    rms_mm: float
    """Root mean square of the board's displacement, mm."""
    rms_deg: float
    """The same for its turn, degrees."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Where the camera is.

    Residuals are of the board (or the gripper's tip): how far each sample puts it from where all of them put it.
    """

    setup: str
    """`eye-in-hand` or `eye-to-hand`."""
    parent: str
    """`gripper` or `base`: the frame of the camera's pose."""
    T_parent_camera: FloatArray
    """(4, 4) pose of the camera's optical frame."""
    T_other_board: FloatArray | None
    """(4, 4) pose of the board in the base (eye-in-hand) or the gripper; None where there was no board."""
    names: tuple[str, ...]
    """(n,) of the samples."""
    residual_mm: FloatArray
    """(n,) lengths."""
    residual_deg: FloatArray
    """(n,) angles; NaN where there was no board."""
    is_outlier: NDArray[np.bool_]
    """(n,) which samples were left out of the fit."""
    spread_mm: FloatArray
    """(3,) standard error along the parent's axes, from fits with one sample left out each; NaN with too few."""
    spread_deg: FloatArray
    """(3,) the same for turns about these axes."""
    rotation_deg: FloatArray
    """(3,) how far the gripper was turned between samples about its principal axes, root mean square, largest first."""
    solvers: tuple[SolverScore, ...]
    """The closed-form solutions before refinement."""
    advice: tuple[str, ...]
    """What would make it better; empty where nothing is amiss."""
    poses: FloatArray
    """(n, 4, 4) `T_base_gripper` of the samples, for the picture; empty where there were only points."""

    @property
    def rms_mm(self) -> float:
        """Root mean square residual of the samples that were used, mm."""
        return float(np.sqrt(np.mean(self.residual_mm[~self.is_outlier] ** 2)))

    @property
    def rms_deg(self) -> float:
        """The same in degrees."""
        return float(np.sqrt(np.mean(self.residual_deg[~self.is_outlier] ** 2)))

    @property
    def outliers(self) -> list[str]:
        """Names of the samples that were left out."""
        return [name for name, out in zip(self.names, self.is_outlier, strict=True) if out]
