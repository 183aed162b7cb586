"""What a detector hands to the policy: grasps, their scores, and whatever else it can say of each."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from envs.clutter import Observation
from geometry import FloatArray, InputError


class PickProposals(NamedTuple):
    """N grasps, best first."""

    poses: FloatArray
    """(N, 4, 4) `T_world_grasp`."""
    widths_m: FloatArray
    """(N,) openings."""
    scores: FloatArray
    """(N,) in [0, 1], the higher the better; best of all, probabilities of success."""
    features: NDArray[np.float32]
    """(N, F) what else the detector knows of each grasp, each column of the order of 1."""


class Proposer(Protocol):
    """A detector as the environment sees it. To send the environment to another process it must pickle."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """F names, one for each column of `PickProposals.features`, the same for ever."""

    def __call__(self, observation: Observation) -> PickProposals:
        """Propose grasps; draws from `observation.rng` only, and remembers nothing."""


def best_of(proposals: PickProposals, count: int, feature_count: int) -> PickProposals:
    """The first `count` proposals, checked: other people's detectors come in here.

    Raises:
        InputError: for arrays of other shapes, numbers that are not finite, or poses that are not rigid.
    """
    poses = np.asarray(proposals.poses, dtype=np.float64)
    n = len(poses) if poses.ndim else 0
    columns = (
        ("poses", poses, (n, 4, 4)),
        ("widths_m", np.asarray(proposals.widths_m, dtype=np.float64), (n,)),
        ("scores", np.asarray(proposals.scores, dtype=np.float64), (n,)),
        ("features", np.asarray(proposals.features, dtype=np.float32), (n, feature_count)),
    )
    for name, values, shape in columns:
        if values.shape != shape:
            raise InputError(f"proposer: {name}", expected=f"shape {shape}", got=f"{values.shape}")
        if not np.all(np.isfinite(values)):
            raise InputError(f"proposer: {name}", expected="finite numbers", got="NaN or infinity")
    rotation = poses[:, :3, :3]
    rigid = np.allclose(rotation @ rotation.transpose(0, 2, 1), np.eye(3), atol=1e-3)
    if not (rigid and np.all(np.linalg.det(rotation) > 0.0) and np.allclose(poses[:, 3], (0, 0, 0, 1))):
        raise InputError("proposer: poses", expected="rigid transforms (N, 4, 4)", got="another matrix")
    if np.any(np.diff(columns[2][1]) > 0.0):
        raise InputError("proposer: scores", expected="best first", got="a better one behind a worse")
    return PickProposals(poses[:count], columns[1][1][:count], columns[2][1][:count], columns[3][1][:count])
