"""The folder that samples are recorded into: images, and samples.json as `graspmimic calibrate` reads it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geometry import FloatArray, InputError, to_pos_quat
from perception.calibration import Board

_FILE = "samples.json"


class SampleFolder:
    """Adds samples, one by one; samples.json is whole at every moment.

    Args:
        folder: made if need be; samples of the same setup and board that are there already are kept.
        setup: `eye-in-hand` or `eye-to-hand`.
        board: what is in the images.
        frames: names of TF frames, by `base_frame`, `gripper_frame`.
    Raises:
        InputError: if nothing can be written there, or samples of another setup or board are there.
    """

    def __init__(self, folder: str | Path, setup: str, board: Board, frames: dict[str, str]) -> None:
        self.folder = Path(folder).expanduser()
        self._content: dict[str, Any] = {"setup": setup, "board": asdict(board), **frames}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = self.folder / _FILE
            before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        except (OSError, ValueError) as error:
            raise InputError("parameter folder", expected="a folder for samples", got=f"{folder}: {error}") from None
        other = [key for key, value in self._content.items() if before and before.get(key) != value]
        if other:
            got = f"samples with another {', '.join(other)} in {self.folder}"
            raise InputError("parameter folder", expected="a new folder", got=got)
        self._content.update({key: value for key, value in before.items() if key != "samples"})
        self._samples: list[dict[str, Any]] = list(before.get("samples", []))

    def __len__(self) -> int:
        return len(self._samples)

    def add(self, rgb: NDArray[np.uint8], T_base_gripper: FloatArray, facts: dict[str, Any]) -> str:
        """Store a sample; its name.

        Args:
            rgb: (H, W, 3) image.
            T_base_gripper: (4, 4).
            facts: about the camera, the same for all samples: `camera`, `camera_frame`, `root_frame`, `T_root_camera`.
        Raises:
            InputError: if it cannot be written, or the camera is not that of the samples before.
        """
        other = [key for key, value in facts.items() if key in self._content and not _same(self._content[key], value)]
        if self._samples and other:
            got = f"another {', '.join(other)} than in the samples before"
            raise InputError("sample", expected="the same camera throughout", got=got, remedy="use a new folder")
        taken = {sample["image"] for sample in self._samples}
        name = next(name for number in range(1, len(taken) + 2) if (name := f"{number:03d}.png") not in taken)
        position, quat_xyzw = to_pos_quat(T_base_gripper)
        try:
            Image.fromarray(rgb).save(self.folder / name)
            self._write(
                {**self._content, **facts},
                [*self._samples, {"T_base_gripper": [*position.tolist(), *quat_xyzw.tolist()], "image": name}],
            )
        except OSError as error:
            raise InputError(str(self.folder), expected="a folder that can be written to", got=f"{error}") from None
        return name.removesuffix(".png")

    def undo(self) -> str:
        """Forget the last sample; its name, or an empty string where there is none."""
        if not self._samples:
            return ""
        name = str(self._samples[-1]["image"])
        self._write(self._content, self._samples[:-1])
        (self.folder / name).unlink(missing_ok=True)
        return name.removesuffix(".png")

    def _write(self, content: dict[str, Any], samples: list[dict[str, Any]]) -> None:
        draft = self.folder / f".{_FILE}.{os.getpid()}"
        draft.write_text(json.dumps({**content, "samples": samples}, indent=1) + "\n", encoding="utf-8")
        draft.replace(self.folder / _FILE)
        self._content, self._samples = content, samples


def _same(one: Any, other: Any) -> bool:
    """Whether two facts are the same; numbers need not be so to the last digit."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    try:
        return bool(np.allclose(one, other, atol=1e-4))
    except (TypeError, ValueError):
        return bool(one == other)
