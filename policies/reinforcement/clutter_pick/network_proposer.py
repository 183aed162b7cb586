"""The learned detector as ClutterPick's proposer: its best grasps, and a second opinion on each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor

from envs.clutter import Observation
from envs.clutter_pick import PickProposals
from geometry import InputError, transform
from perception.grasping import GraspDetector, Grasps
from perception.grasping.network import prepare

_MOVES = 4
_CHECKED = 400  # all of them: the more objects there is a grasp for, the more there is to choose from
_SHIFT_M, _TURN_RAD = np.array([0.003, 0.005, 0.005]), 0.1
_LEAST = 1e-4
_COM_M, _OFFSET_M = 0.02, 0.005


@dataclass(frozen=True, kw_only=True)
class NetworkProposer:
    """Proposes what `GraspDetector` does, in its order and with its probabilities; a process loads the weights itself.

    The detector's evaluator is asked again about each proposal: in the four mirror images of what the hand
    meets, and at four small moves of the hand. Where these opinions differ the detector is unsure.
    """

    weights: Path | None = None
    """NAME.safetensors of the detector; None takes those of the package."""
    top_k: int = 32
    """Most proposals."""
    threads: int = 1
    """Threads of the network; on one, results do not depend on how many there are."""

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.threads < 1:
            raise InputError("NetworkProposer", expected="top_k and threads of at least 1", got=f"{self}")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What the evaluator says on being asked again."""
        return (
            *("mirrored_log_odds", "mirrored_spread", "moved_log_odds", "moved_worst", "quality"),
            *("com_distance", "contact_offset", "contact_width"),
        )

    def __call__(self, observation: Observation) -> PickProposals:
        """Propose grasps in the world, best first."""
        torch.set_num_threads(self.threads)
        detector = _detector(self.weights)
        grasps = detector.detect_view(observation, top_k=self.top_k)
        return PickProposals(
            grasps.poses, grasps.widths_m, grasps.scores, _second_opinion(detector, observation, grasps)
        )


@cache
def _detector(weights: Path | None) -> GraspDetector:
    detector = GraspDetector.from_pretrained(weights)
    detector.ranking = replace(detector.ranking, checked=_CHECKED)
    return detector


def _second_opinion(detector: GraspDetector, observation: Observation, grasps: Grasps) -> NDArray[np.float32]:
    """(N, 8) the columns `NetworkProposer.feature_names`."""
    count = len(grasps)
    if not count:
        return np.zeros((0, 8), dtype=np.float32)
    network = detector.network
    with torch.inference_mode():
        prepared = prepare(observation)
        maps = network.backbone(*prepared.view)
        T_table_world = np.linalg.inv(prepared.T_world_table)
        poses = torch.from_numpy(T_table_world @ grasps.poses).float()
        around = (poses[:, None] @ _moves()).flatten(0, 1)
        image = torch.zeros(len(around), dtype=torch.int64)
        volumes = network.evaluator.volumes(poses, image[:count], maps, *prepared.view)
        opinions = []
        for across_y, across_x in ((False, False), (False, True), (True, False), (True, True)):
            flags = [torch.full((count,), flag) for flag in (across_y, across_x)]
            opinions.append(network.evaluator(*volumes.mirrored(*flags)))
        mirrored = torch.stack([_log_odds(network.probability(o.success_logit)) for o in opinions])
        moved = network.evaluator(*network.evaluator.volumes(around, image, maps, *prepared.view))
        nearby = _log_odds(network.probability(moved.success_logit)).view(count, _MOVES)
        columns = [
            mirrored.mean(dim=0),
            mirrored.std(dim=0),
            nearby.mean(dim=1),
            nearby.amin(dim=1),
            torch.stack([o.quality_logit for o in opinions]).mean(dim=0),
            torch.stack([o.com_m.abs() for o in opinions]).mean(dim=0) / _COM_M,
            opinions[0].offset_m.abs() / _OFFSET_M,
            torch.stack([o.width_m for o in opinions]).mean(dim=0) / 0.08,
        ]
    return torch.stack(columns, dim=1).numpy().astype(np.float32)


def _log_odds(probability: Tensor) -> Tensor:
    return probability.clamp(_LEAST, 1.0 - _LEAST).logit()


@cache
def _moves() -> Tensor:
    """(M, 4, 4) `T_grasp_moved`, always the same."""
    rng = np.random.default_rng(0)
    turns = Rotation.from_rotvec(_TURN_RAD * rng.standard_normal((_MOVES, 3)))
    return torch.from_numpy(transform(turns, _SHIFT_M * rng.standard_normal((_MOVES, 3)))).float()
