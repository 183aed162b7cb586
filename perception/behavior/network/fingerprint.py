"""Numbers by which a stopped run knows its data and its start again: one changed label is another run."""

from __future__ import annotations

import zlib

import numpy as np
from torch import nn

from perception.behavior.sets import BehaviorSet


def data_sum(data: BehaviorSet) -> int:
    """CRC-32 of all that is learned from."""
    names = (data.names, data.subjects, data.joints, data.label_names)
    total = zlib.crc32("\n".join(word for column in names for word in column.tolist()).encode())
    for array in (data.keypoints, data.time_s, data.offsets, data.clip_labels, data.frame_labels):
        total = zlib.crc32(b"" if array is None else np.ascontiguousarray(array).tobytes(), total)
    return total


def weights_sum(network: nn.Module) -> int:
    """CRC-32 of a network's weights."""
    total = 0
    for value in network.state_dict().values():
        total = zlib.crc32(value.detach().cpu().contiguous().numpy().tobytes(), total)
    return total
