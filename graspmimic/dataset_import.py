"""`graspmimic dataset import`: demonstrations out of files of LeRobot or robomimic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder


@dataclass(frozen=True, kw_only=True)
class DatasetImport:
    """Read demonstrations of other programs into a set that `train imitation` takes.

    SOURCE is the folder of a LeRobotDataset (v3.0, v2.1 or v2.0) or a robomimic file; which of them, is seen from
    what lies there. An import that was stopped goes on where it was when it is started again.
    """

    source: Annotated[Path, tyro.conf.Positional]
    """What to read."""
    mask: str = ""
    """robomimic: only the demos that mask/NAME lists, such as train."""
    seed: int = 0
    """Nothing is drawn."""
    output: Path = Path("output/dataset-import")
    """Folder of the set."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def run(self, console: Console) -> dict[str, Any]:
        """Read and copy."""
        from policies.demonstrations import DemonstrationSet
        from policies.demonstrations.formats import foreign_format, import_episodes, open_foreign

        kind = foreign_format(self.source)
        found = open_foreign(self.source, mask=self.mask)
        prepare_folder(self.output)
        with Progress(console=console, transient=True) as bars:
            bar = bars.add_task(f"reading {escape(str(self.source))}", total=len(found))
            copied = import_episodes(found, self.output, on_episode=lambda n: bars.update(bar, completed=n))
        demonstrations = DemonstrationSet.open(self.output)
        assumed = sum(told.provenance.get("success") == "assumed" for told in demonstrations.summaries)
        left_out = getattr(found, "left_out", ())
        console.print(
            f"{escape(str(self.output))}: {len(demonstrations)} episodes of {kind}, {demonstrations.steps} steps at "
            f"{demonstrations.info.rate_hz:g} Hz, {', '.join(demonstrations.info.observation_shapes)}"
        )
        if assumed:
            console.print(f"{assumed} episodes do not say whether they succeeded; they are taken as successes.")
        if left_out:
            console.print(f"left out: {escape(', '.join(left_out))}")
        return {
            "format": kind,
            "episodes": len(demonstrations),
            "copied": copied,
            "steps": demonstrations.steps,
            "success": demonstrations.success,
            "success_assumed": assumed,
        }
