"""What training makes small: wrong frames, wrong clips, and beliefs that flicker."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax

from perception.behavior.network.model import Beliefs

UNLABELLED = -1
FLICKER_CUT = 4.0
"""Differences of log-probabilities beyond this are true changes and cost no more (Farha and Gall 2019, tau)."""


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weights of the losses; 0 leaves one out."""

    frame: float = 1.0
    """Cross-entropy of labelled frames."""
    clip: float = 1.0
    """Cross-entropy of labelled clips as known at each of their frames, so that they are recognised early."""
    flicker: float = 0.15
    """Truncated mean squared difference of log-probabilities from frame to frame."""
    label_smoothing: float = 0.05
    """Share of belief that other classes keep: labels are wrong by some frames at every border."""


def behavior_loss(
    beliefs: Beliefs,
    frame_labels: Tensor,
    clip_labels: Tensor,
    present: Tensor,
    weights: LossWeights,
    class_weights: Tensor | None = None,
) -> dict[str, Tensor]:
    """Each loss, already weighted; their sum is what is made small.

    Args:
        beliefs: of B clips of T frames.
        frame_labels: (B, T), -1 unlabelled.
        clip_labels: (B,), -1 unlabelled.
        present: (B, T) bool, False for padding.
        weights: of the losses.
        class_weights: (C,) of the frames' classes; None for all alike.
    """
    losses = {}
    frames = torch.where(present, frame_labels, UNLABELLED)
    if weights.frame and bool((frames != UNLABELLED).any()):
        losses["frame"] = weights.frame * cross_entropy(
            beliefs.frame_logits.transpose(1, 2),
            frames,
            weight=class_weights,
            ignore_index=UNLABELLED,
            label_smoothing=weights.label_smoothing,
        )
        losses["flicker"] = weights.flicker * flicker(beliefs.frame_logits, present)
    clips = torch.where(present, clip_labels[:, None], UNLABELLED)
    if weights.clip and bool((clips != UNLABELLED).any()):
        losses["clip"] = weights.clip * cross_entropy(
            beliefs.clip_logits.transpose(1, 2), clips, ignore_index=UNLABELLED, label_smoothing=weights.label_smoothing
        )
    return losses


def flicker(logits: Tensor, present: Tensor) -> Tensor:
    """Truncated mean squared difference of log-probabilities between neighbours in time.

    The earlier frame is held fixed, so that the later one moves towards it (Farha and Gall 2019, eq. 10 to 12).

    Args:
        logits: (B, T, C).
        present: (B, T) bool.
    """
    log_p = log_softmax(logits, dim=2)
    steps = (log_p[:, 1:] - log_p[:, :-1].detach()).abs().clamp(max=FLICKER_CUT) ** 2
    both = present[:, 1:] & present[:, :-1]
    return (steps.mean(dim=2) * both).sum() / both.sum().clamp_min(1)
