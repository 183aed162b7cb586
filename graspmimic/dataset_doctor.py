"""`graspmimic dataset doctor`: what in a set of demonstrations would ruin training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graspmimic.options import OptionalFile

if TYPE_CHECKING:
    from policies.demonstrations import Finding


@dataclass(frozen=True, kw_only=True)
class DatasetDoctor:
    """Examine a set of demonstrations before it is trained on.

    SOURCE is a set of graspmimic's own, the folder of a LeRobotDataset, or a robomimic file. Looked for are constant,
    nearly constant and clipped actions, values far out or beyond their bounds, idle frames, actions beside the wrong
    frame, timestamps off the grid, copies, odd lengths, failures, dead cameras, and files that cannot be read.
    Findings do not change the exit status.
    """

    source: Annotated[Path, tyro.conf.Positional]
    """What to examine."""
    mask: str = ""
    """robomimic: only the demos that mask/NAME lists, such as train."""
    seed: int = 0
    """Nothing is drawn."""
    output: Path = Path("output/dataset-doctor")
    """Nothing is written there."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def run(self, console: Console) -> dict[str, Any]:
        """Examine, and print what was found."""
        findings, episodes, steps = self._examined()
        errors = sum(finding.severity == "error" for finding in findings)
        if findings:
            console.print(_table(findings))
        console.print(
            f"{escape(str(self.source))}: {episodes} episodes, {steps} steps; {errors} errors, "
            f"{len(findings) - errors} warnings"
        )
        return {
            "episodes": episodes,
            "steps": steps,
            "errors": errors,
            "warnings": len(findings) - errors,
            "findings": [finding._asdict() for finding in findings],
        }

    def _examined(self) -> tuple[list[Finding], int, int]:
        """Findings, episodes, steps."""
        from policies.demonstrations import DemonstrationSet, examine, examine_times, foreign_times
        from policies.demonstrations.formats import foreign_format, open_foreign

        if (self.source / "dataset.json").exists():
            own = DemonstrationSet.open(self.source)
            return examine(own, names=[str(number) for number in own.numbers]), len(own), own.steps
        if foreign_format(self.source) != "lerobot":
            found = open_foreign(self.source, mask=self.mask)
            return examine(found), len(found), sum(len(found[index]) for index in range(len(found)))
        rate_hz, times = foreign_times(self.source)
        findings = examine_times(times, rate_hz)
        if not findings:  # the reader takes no other times, so nothing else could be said
            findings = examine(open_foreign(self.source, mask=self.mask))
        return findings, len(times), sum(map(len, times))


def _table(findings: list[Finding]) -> Table:
    table = Table("", "what", "", "where", "remedy", show_lines=True)
    colors = {"error": "red", "warning": "yellow"}
    for each in findings:
        cells = map(escape, (each.check, each.what, each.where, each.remedy))
        table.add_row(f"[{colors[each.severity]}]{each.severity}[/]", *cells)
    return table
