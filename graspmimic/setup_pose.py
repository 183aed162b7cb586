"""`graspmimic setup pose`: prepare the landmark models that keypoints from images need."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from geometry import InputError
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder
from perception.pose.images.landmarks import SOURCE_VERSION, LandmarkModels, landmark_folder, pack_landmark_models

_BLANK_PX = (240, 320)


@dataclass(frozen=True, kw_only=True)
class SetupPose:
    """Prepare MediaPipe's landmark models of bodies and hands, once for each user.

    They are taken out of the last MediaPipe package that held them (Apache License 2.0), which pip fetches into a
    temporary folder (35 MB) and which is not installed. The MediaPipe that runs them comes with
    `pip install 'graspmimic[pose]'`.
    """

    wheel: OptionalFile = None
    """The package, where it lies on this computer already; default: fetched by pip."""
    seed: int = 0
    """Without effect: nothing here is random."""
    output: Path = field(default_factory=landmark_folder)
    """Folder for the models; other commands look for them in the default one."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def run(self, console: Console) -> dict[str, Any]:
        """Fetch, check, pack, and try the models."""
        prepare_folder(self.output)
        if self.wheel is not None:
            models = pack_landmark_models(self.wheel, self.output)
        else:
            with TemporaryDirectory() as folder, console.status(f"fetching mediapipe {SOURCE_VERSION}"):
                models = pack_landmark_models(_fetch(Path(folder)), self.output)
        tried = _try(models)
        console.print(f"{models.hand}\n{models.pose}")
        console.print(
            "The models load." if tried else "Next: `pip install 'graspmimic[pose]'`, for MediaPipe is not installed."
        )
        return {
            "hand": str(models.hand),
            "pose": str(models.pose),
            "size_mb": sum(file.stat().st_size for file in (models.hand, models.pose)) / 1e6,
            "tried": tried,
        }


def _fetch(folder: Path) -> Path:
    """The package as pip downloads it; the networks are the same in those of all platforms."""
    words = [sys.executable, "-m", "pip", "download", f"mediapipe=={SOURCE_VERSION}", "--no-deps", "--quiet"]
    words += ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp"]
    words += ["--platform=manylinux_2_28_x86_64", "--disable-pip-version-check", f"--dest={folder}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = [line.strip() for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line]
        raise InputError(
            "pip download",
            expected=f"the package mediapipe {SOURCE_VERSION}",
            got=said[-1] if said else f"status {done.returncode}",
            remedy="check the network, or fetch the package elsewhere and pass it by --wheel",
        )
    return wheels[0]


def _try(models: LandmarkModels) -> bool:
    """Run both models on a grey image; False where MediaPipe is not installed."""
    from importlib.util import find_spec

    import numpy as np

    from perception.pose.images.landmarks.mediapipe_tasks import LandmarkTasks

    if find_spec("mediapipe") is None:
        return False
    with LandmarkTasks(models, body=True, hands=True, max_persons=1, follow=False, min_score=0.5) as tasks:
        tasks.find(np.full((*_BLANK_PX, 3), 127, dtype=np.uint8), 0.0)
    return True
