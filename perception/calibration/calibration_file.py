"""A calibration as a JSON file, for programs."""

from __future__ import annotations

import json
import math
from pathlib import Path

from geometry import FloatArray, to_pos_quat
from perception.calibration.calibration import Calibration


def save_calibration(
    path: str | Path, found: Calibration, *, T_parent_child: FloatArray, parent_frame: str, child_frame: str
) -> None:
    """Write a calibration whole: the pose as `launch_yaml` has it, what it was found from, every sample's residual.

    Args:
        path: of the JSON file.
        found: the calibration.
        T_parent_child: (4, 4) what is published: the camera's optical frame, or the root of its driver's frames.
        parent_frame: TF frame.
        child_frame: TF frame.
    """
    position, quat_xyzw = to_pos_quat(T_parent_child)
    rows = zip(
        found.names, found.residual_mm.tolist(), found.residual_deg.tolist(), found.is_outlier.tolist(), strict=True
    )
    content = {
        "setup": found.setup,
        "camera_transform": {
            "parent_frame": parent_frame,
            "child_frame": child_frame,
            "xyz_m": position.tolist(),
            "quat_xyzw": quat_xyzw.tolist(),
        },
        "T_parent_camera": found.T_parent_camera.tolist(),
        "T_other_board": None if found.T_other_board is None else found.T_other_board.tolist(),
        "rms_mm": found.rms_mm,
        "rms_deg": _finite(found.rms_deg),
        "spread_mm": [_finite(value) for value in found.spread_mm.tolist()],
        "spread_deg": [_finite(value) for value in found.spread_deg.tolist()],
        "rotation_deg": [_finite(value) for value in found.rotation_deg.tolist()],
        "advice": list(found.advice),
        "solvers": [
            {"name": name, "T_parent_camera": None if T is None else T.tolist(), "rms_mm": _finite(mm),
             "rms_deg": _finite(deg)}
            for name, T, mm, deg in found.solvers
        ],
        "samples": [
            {"name": name, "residual_mm": mm, "residual_deg": _finite(deg), "left_out": out}
            for name, mm, deg, out in rows
        ],
    }  # fmt: skip
    Path(path).write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
