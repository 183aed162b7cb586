"""A SimCC network in an ONNX file, run by onnxruntime (extra [onnx])."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.pose.images.simcc.crop import Crop, normalized
from perception.pose.images.simcc.decoding import decode_simcc

_INSTALL = "`pip install 'graspmimic[onnx]'`"


class SimccNetwork:
    """Keypoints of the person in each box.

    Args:
        path: an ONNX file with one input (N, 3, H, W) and two outputs (N, K, n W) and (N, K, n H).
        threads: of the processor.

    Raises:
        InputError: if onnxruntime is missing, or the file is no such network.
    """

    def __init__(self, path: str | Path, *, threads: int = 1) -> None:
        self.path = Path(path)
        self._session = _open_session(self.path, threads)
        shapes = [entry.shape for entry in self._session.get_inputs()]
        outputs = [entry.name for entry in self._session.get_outputs()]
        fixed = len(shapes) == 1 and len(shapes[0]) == 4 and all(isinstance(n, int) for n in shapes[0][1:])
        if not fixed or shapes[0][1] != 3 or len(outputs) != 2:
            raise InputError(
                str(path),
                expected="one input (N, 3, H, W) of fixed size, and outputs simcc_x and simcc_y",
                got=f"inputs {shapes}, outputs {outputs}",
                remedy="export RTMPose or RTMW by mmdeploy's pose-detection_simcc configuration",
            )
        self.size: tuple[int, int] = (shapes[0][3], shapes[0][2])
        self._input = self._session.get_inputs()[0].name
        self._outputs = ["simcc_x", "simcc_y"] if set(outputs) == {"simcc_x", "simcc_y"} else outputs
        blank = np.zeros((1, 3, self.size[1], self.size[0]), dtype=np.float32)
        self.joints: int = decode_simcc(*self._run(blank), self.size)[1].shape[-1]

    def find(self, rgb: NDArray[np.uint8], boxes_px: Sequence[FloatArray]) -> list[tuple[FloatArray, FloatArray]]:
        """Keypoints (K, 2) in the image and scores (K,) for each box u0, v0, u1, v1."""
        found = []
        for box in boxes_px:
            crop = Crop.around(box, self.size)
            points, scores = decode_simcc(*self._run(normalized(crop.cut(rgb))), self.size)
            found.append((crop.to_image(points[0]), scores[0]))
        return found

    def _run(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        simcc_x, simcc_y = self._session.run(self._outputs, {self._input: batch})
        return simcc_x, simcc_y


def _open_session(path: Path, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            str(path), expected="the package onnxruntime to run it", got=f"{error}", remedy=_INSTALL
        ) from None
    if not path.is_file():
        raise InputError(str(path), expected="an ONNX file", got="no such file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors share no class but Exception
        raise InputError(
            str(path), expected="an ONNX file that onnxruntime can load", got=str(error).splitlines()[0]
        ) from None
