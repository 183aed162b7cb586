"""How far found states are from true labels when each state may be called by one label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment

from geometry import InputError


def frame_hamming(found: Sequence[ArrayLike], truth: Sequence[ArrayLike]) -> float:
    """Share of frames that are wrong under the best one-to-one naming of states, one for all recordings.

    States left over when there are more of them than labels are wrong everywhere, and so are labels left over.

    Args:
        found: (T,) number of the state at each frame, for each recording.
        truth: (T,) number of the label; frames with -1 are left out.
    Source: Fox et al., Annals of Applied Statistics 8(3), 2014, section 6.
    """
    states, labels = (np.concatenate([np.asarray(each, dtype=int) for each in side]) for side in (found, truth))
    if states.shape != labels.shape:
        raise InputError("frame_hamming", expected="as many states as labels", got=f"{states.shape}, {labels.shape}")
    states, labels = states[labels >= 0], labels[labels >= 0]
    if not len(labels):
        raise InputError("frame_hamming", expected="labelled frames", got="none")
    together = np.zeros((states.max() + 1, labels.max() + 1))
    np.add.at(together, (states, labels), 1.0)
    return float(1.0 - together[linear_sum_assignment(-together)].sum() / len(labels))
