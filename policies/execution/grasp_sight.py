"""The shipped grasp detector as the robot at the bench asks it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.workbench import BenchView
from perception.grasping import GraspDetector, Grasps
from policies.execution.grasp_choice import Detect

_MOST = 60


def detect_with(detector: GraspDetector | None = None) -> Detect:
    """Grasps on the pixels of one thing.

    Args:
        detector: None takes the weights of the package.
    """
    own = GraspDetector.from_pretrained() if detector is None else detector

    def detect(view: BenchView, pixels: NDArray[np.bool_]) -> Grasps:
        return own.detect_view(view, target=pixels, top_k=_MOST) if pixels.any() else Grasps()

    return detect
