"""`graspmimic dataset export`: demonstrations as files of LeRobot or robomimic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from geometry import InputError
from graspmimic.options import OptionalFile

if TYPE_CHECKING:
    from policies.demonstrations import DemonstrationSet
    from policies.demonstrations.formats import Exported


@dataclass(frozen=True, kw_only=True)
class DatasetExport:
    """Write a set of demonstrations for other programs.

    lerobot: a LeRobotDataset v3.0, a folder that LeRobot opens by `LeRobotDataset(name, root=FOLDER)`; needs
    `pip install 'graspmimic[lerobot]'`. robomimic: one HDF5 file; needs `pip install 'graspmimic[robomimic]'`.
    Neither LeRobot nor robomimic itself is needed. What is written is there whole or not at all.
    """

    source: Annotated[Path, tyro.conf.Positional]
    """Folder of the set, such as `graspmimic collect` writes."""
    format: Literal["lerobot", "robomimic"] = "lerobot"
    """Of what is written."""
    only_success: bool = False
    """Leave out episodes in which the task was not done at the end."""
    videos: bool = False
    """lerobot: colour images as MP4, which is small and loses something, instead of PNG."""
    valid_share: float = 0.1
    """robomimic: share of the episodes in mask/valid."""
    seed: int = 0
    """Of the draw of mask/valid."""
    output: Path = Path("output/dataset-export")
    """lerobot: the new folder. robomimic: the file (.hdf5), or a folder for demonstrations.hdf5."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.valid_share < 1.0:
            raise InputError("--valid-share", expected="a share in [0, 1)", got=f"{self.valid_share}")
        if self.videos and self.format != "lerobot":
            raise InputError("--videos", expected="--format lerobot", got=f"--format {self.format}")
        if self.seed < 0:
            raise InputError("--seed", expected="0 or above", got=f"{self.seed}")

    def run(self, console: Console) -> dict[str, Any]:
        """Write them."""
        from policies.demonstrations import DemonstrationSet

        demonstrations = DemonstrationSet.open(self.source)
        of = len(demonstrations)
        if self.only_success:
            done = [n for n, told in zip(demonstrations.numbers, demonstrations.summaries, strict=True) if told.success]
            demonstrations = demonstrations.select(done)
        where = self._place()
        with Progress(console=console, transient=True) as bars:
            bar = bars.add_task(f"writing {escape(str(where))}", total=len(demonstrations))
            written = self._write(demonstrations, where, lambda n: bars.update(bar, completed=n))
        console.print(
            f"{escape(str(where))}: {written.episodes} of {of} episodes, {written.frames} frames, "
            f"{', '.join(written.features)}"
        )
        return {"episodes": written.episodes, "frames": written.frames, "left_out": of - written.episodes,
                "written": str(where)}  # fmt: skip

    def _place(self) -> Path:
        """Where it goes."""
        if self.format == "robomimic" and self.output.suffix not in (".hdf5", ".h5"):
            return self.output / "demonstrations.hdf5"
        return self.output

    def _write(self, demonstrations: DemonstrationSet, where: Path, on_episode: Any) -> Exported:
        import numpy as np

        from policies.demonstrations.formats import LeRobotExport, RobomimicExport, export_lerobot, export_robomimic

        if self.format == "lerobot":
            return export_lerobot(demonstrations, where, LeRobotExport(videos=self.videos), on_episode=on_episode)
        if where.exists():
            raise InputError("--output", expected="a new file", got=f"{where}, which is there", remedy="name another")
        settings = RobomimicExport(valid_share=self.valid_share)
        rng = np.random.default_rng(self.seed)
        return export_robomimic(demonstrations, where, settings, rng=rng, on_episode=on_episode)
