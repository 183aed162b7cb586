"""What a robot remembers of one round: which grasps it tried, how they went, and what it saw proposed before.

The detector forgets everything between two looks. A grasp that closed on nothing is proposed again,
with the same confidence; an object that slipped twice looks as easy as ever. These columns tell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.clutter import Execution
from geometry import FloatArray

MEMORY_FEATURES = (
    "attempts",
    "failures",
    "failed_last",
    "near_failure",
    "around_failure",
    "same_as_failure",
    "near_last_failure",
    "near_hit",
    "near_empty",
    "near_closed",
    "near_success",
    "seen_before",
    "earlier_log_odds",
)
"""Names of the columns of `RoundMemory.features`."""

_NEAR_M, _AROUND_M, _SAME_M, _SAME_RAD = 0.03, 0.08, 0.02, 0.4
_SEEN_M, _SEEN_COS = 0.02, np.cos(0.5)
_OUTCOMES = ("hit at pregrasp", "empty", "closed")


class RoundMemory:
    """Attempts and looks of the round that is being played."""

    def __init__(self) -> None:
        self._tried: list[tuple[FloatArray, Execution]] = []
        self._seen_poses: list[FloatArray] = []
        self._seen_log_odds: list[FloatArray] = []

    def note_attempt(self, T_world_grasp: FloatArray, execution: Execution) -> None:
        """Remember a grasp that was tried."""
        self._tried.append((T_world_grasp, execution))

    @property
    def failed_poses(self) -> FloatArray:
        """(T, 4, 4) grasps that were tried in vain."""
        return np.array([T for T, result in self._tried if not result.success]).reshape(-1, 4, 4)

    def note_look(self, poses: FloatArray, log_odds: FloatArray) -> None:
        """Remember what was proposed; the look that is described must not be noted yet."""
        self._seen_poses.append(poses)
        self._seen_log_odds.append(log_odds)

    def features(self, poses: FloatArray) -> NDArray[np.float64]:
        """(N, M) the columns `MEMORY_FEATURES` for each of the poses (N, 4, 4)."""
        failed = [result for _, result in self._tried if not result.success]
        succeeded = np.array([T for T, result in self._tried if result.success]).reshape(-1, 4, 4)
        distance = _distances(poses, self.failed_poses)
        same = np.exp(-distance / _SAME_M - _angles(poses, self.failed_poses) / _SAME_RAD)
        failed_last = bool(self._tried) and not self._tried[-1][1].success
        by_outcome = [[result.outcome == outcome for result in failed] for outcome in _OUTCOMES]
        near = np.exp(-distance / _NEAR_M)
        count = np.ones(len(poses))
        return np.column_stack(
            [
                count * len(self._tried) / 5.0,
                count * len(failed) / 3.0,
                count * failed_last,
                _most(near),
                _most(np.exp(-distance / _AROUND_M)),
                _most(same),
                near[:, -1] if failed_last else 0.0 * count,
                *[_most(near[:, np.array(kind, dtype=bool)]) for kind in by_outcome],
                _most(np.exp(-_distances(poses, succeeded) / _NEAR_M)),
                *self._recalled(poses),
            ]
        )

    def _recalled(self, poses: FloatArray) -> tuple[FloatArray, FloatArray]:
        """How often each pose, or nearly it, was proposed in earlier looks, and the mean log-odds it then had."""
        if not self._seen_poses:
            return np.zeros(len(poses)), np.zeros(len(poses))
        earlier, log_odds = np.concatenate(self._seen_poses), np.concatenate(self._seen_log_odds)
        like = (_distances(poses, earlier) < _SEEN_M) & (np.cos(_angles(poses, earlier)) > _SEEN_COS)
        count = like.sum(axis=1)
        return np.log1p(count), like @ log_odds / np.maximum(count, 1)


def _most(nearness: FloatArray) -> FloatArray:
    return nearness.max(axis=1, initial=0.0)


def _distances(poses: FloatArray, others: FloatArray) -> FloatArray:
    """(N, T) between the origins."""
    return np.linalg.norm(poses[:, None, :3, 3] - others[None, :, :3, 3], axis=-1)


def _angles(poses: FloatArray, others: FloatArray) -> FloatArray:
    """(N, T) of the turn between two grasps; one with its fingers swapped is the same grasp."""
    x, y, z = np.einsum("nij,tij->jnt", poses[:, :3, :3], others[:, :3, :3])
    cosine = 0.5 * (np.maximum(x + y + z, z - x - y) - 1.0)
    return np.arccos(np.clip(cosine, -1.0, 1.0))
