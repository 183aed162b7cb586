"""`graspmimic demonstrate`: a simulated person shows tasks of the workbench, as recordings, pictures and films."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console

from envs.cameras import StructuredLight
from envs.demonstrator import Demonstration, demonstrate_scene, noisy
from envs.demonstrator.filming import DemonstrationFilm, contact_sheet, write_film
from envs.workbench import TASKS
from geometry import InputError
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder
from perception.figures import output_file
from perception.pose.recordings import save_recording
from policies.programs.shown_frames import shown_frames

ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Demonstrate:
    """Let a simulated person show tasks of the workbench.

    Each task becomes a recording TASK.npz of synthetic keypoints and poses of things, which `watch` and `teach` read.
    """

    task: str = ALL
    """Which task, such as place_on, pour or four_step; all: each of the ten."""
    noise_m: float = 0.01
    """Mean error of the keypoints; 0: none, and nothing else is wrong either."""
    picture: bool = True
    """Draw the demonstrations into demonstrations.png."""
    film: bool = False
    """Film them with a virtual RGB-D camera as well, into folders film_TASK; seconds for each image."""
    film_every: int = 2
    """Film each such frame of 30 a second."""
    seed: int = 0
    """Of the scenes, the person and the errors."""
    output: Path = Path("output/demonstrate")
    """Folder for all that."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.task not in (*TASKS, ALL):
            raise InputError("--task", expected=f"one of {', '.join((*TASKS, ALL))}", got=self.task)
        if not (np.isfinite(self.noise_m) and self.noise_m >= 0.0 and self.film_every >= 1 and self.seed >= 0):
            expected = "--noise-m and --seed of at least 0, --film-every of at least 1"
            raise InputError("options", expected=expected, got=f"{self.noise_m}, {self.seed}, {self.film_every}")

    def run(self, console: Console) -> dict[str, Any]:
        """Show, and return how long each demonstration is."""
        prepare_folder(self.output)
        console.print(self)
        names = tuple(TASKS) if self.task == ALL else (self.task,)
        shown = {name: self._show(name) for name in names}
        for name, demonstration in shown.items():
            console.print(f"{name}: {TASKS[name].text}; {demonstration.time_s[-1]:.1f} s")
            if self.film:
                self._film(name, demonstration)
        if self.picture:
            with console.status("drawing"), output_file(self.output / "demonstrations.png") as draft:
                titles = {f"{name}: {TASKS[name].text}": each for name, each in shown.items()}
                Image.fromarray(contact_sheet(titles)).save(draft)
        return {f"{name}_s": float(each.time_s[-1]) for name, each in shown.items()}

    def _show(self, name: str) -> Demonstration:
        """A demonstration whose recording is written."""
        rng = np.random.default_rng((self.seed, list(TASKS).index(name)))
        demonstration = demonstrate_scene(TASKS[name].draw(rng), rng)
        save_recording(self.output / f"{name}.npz", shown_frames(noisy(demonstration, self.noise_m, rng)))
        return demonstration

    def _film(self, name: str, demonstration: Demonstration) -> None:
        rng = np.random.default_rng(self.seed)
        film = DemonstrationFilm(demonstration, rng, sensor=StructuredLight(), every=self.film_every)
        write_film(self.output / f"film_{name}", film)
