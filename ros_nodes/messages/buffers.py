"""A message's `data`: read without a copy, written in one."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray


def bytes_of(data: Any) -> NDArray[np.uint8]:
    """The (n,) bytes of an `array.array`, bytes or a uint8 array, as a view where that can be had."""
    return np.frombuffer(memoryview(data), dtype=np.uint8)


def data_from(values: NDArray[Any]) -> array[int]:
    """The memory of an array, C order, as rclpy takes it without looking at each byte."""
    data = array("B")
    data.frombytes(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
    return data
