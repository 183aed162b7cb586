"""`graspmimic eval shown`: what becomes of recordings of real people."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from geometry import InputError
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from policies.programs import ShownTask
    from policies.programs.reaching_study import ReachingTrial

_EVERY = 4


@dataclass(frozen=True, kw_only=True)
class EvalShown:
    """Make programs from public recordings of real people, and hold them against what was noted or measured there.

    reaching: Roboskel (a folder with roboskel.npz): hands in pixels that take a cube, one person left out at a time.
    handover: one hand-over of the KTH data set (a folder of CSV files): motion capture, with the forces of the grips.
    assembly: Human_Assembly_Data (arms.npz): arms alone.
    """

    what: Literal["reaching", "handover", "assembly"]
    """Which recordings."""
    data: Path
    """Where they are."""
    output: Path = Path("output/eval-shown")
    """Folder for programs and pictures."""
    seed: int = 0
    """Nothing is drawn."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def run(self, console: Console) -> dict[str, Any]:
        """Understand, measure, draw."""
        if not self.data.exists():
            raise InputError("--data", expected="the recordings", got=f"{self.data}, which does not exist")
        prepare_folder(self.output)
        judges = {"reaching": self._reaching, "handover": self._handover, "assembly": self._assembly}
        results = judges[self.what](console)
        table = Table(self.what, "")
        for name, value in results.items():
            table.add_row(name, f"{value:.4g}" if isinstance(value, float) else f"{value}")
        console.print(table)
        return results

    def _reaching(self, console: Console) -> dict[str, Any]:
        from perception.behavior.sets import read_reach_to_grasp
        from policies.programs.reaching_study import study_reaching, summary

        with Progress(console=console, transient=True) as bars:
            bar = bars.add_task("people", total=1.0)
            recordings = read_reach_to_grasp(self.data)
            trials = study_reaching(recordings, tell=lambda share: bars.update(bar, completed=share))
        self._write(trials)
        self._keep(trials[0].shown, "reaching", f"{trials[0].name}: a hand in pixels; no thing was seen", console)
        return summary(trials)

    def _write(self, trials: list[ReachingTrial]) -> None:
        from perception.figures import output_file

        with output_file(self.output / "reaching.csv") as draft, draft.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["recording", "edge_m", "width_m", "width_own_m", "steps_right", "times_right", "text"])
            for each in trials:
                text = each.shown.program.text if each.shown.program else each.shown.reason
                rows.writerow(
                    [each.name, each.edge_m, each.width_m, each.width_own_m, each.steps_right, each.times_right, text]
                )

    def _handover(self, console: Console) -> dict[str, Any]:
        from perception.behavior.watching import watch_recording
        from perception.pose.recordings import read_grip_forces_n, read_handover
        from policies.programs import Grasp, HandOver, program_from_recording

        recording = read_handover(self.data)
        frames = recording.frames[::_EVERY]
        timeline = watch_recording(frames)
        shown = program_from_recording(frames, timeline=timeline)
        self._keep(shown, "handover", "one person hands a baton to another; motion capture", console, timeline=timeline)
        forces, rate_hz = read_grip_forces_n(self.data), recording.rate_hz or 1.0
        results: dict[str, Any] = {"understood": shown.program is not None}
        results |= _grips(forces, rate_hz)
        for step in () if shown.program is None else shown.program.steps:
            if isinstance(step, Grasp):
                results["told_grasp_s"] = step.end_s
            elif isinstance(step, HandOver):
                results["told_given_s"] = step.end_s
        return results

    def _assembly(self, console: Console) -> dict[str, Any]:
        from perception.figures import output_file
        from perception.pose import track_of_person
        from perception.pose.recordings import read_arm_table
        from policies.programs.fetching_program import program_from_arms

        shown = {name: program_from_arms(track_of_person(each, 0)) for name, each in read_arm_table(self.data).items()}
        first = next(iter(shown))
        self._keep(shown[first], "assembly", f"{first}: two arms, no fingers, no things", console)
        with output_file(self.output / "assembly_trials.png") as draft:
            _fetches(shown).savefig(draft, dpi=110, format="png")
        counts = {name: len(_parts(each)) for name, each in shown.items()}
        understood = sum(each.program is not None for each in shown.values())
        return {"trials": len(shown), "understood": understood} | _repeats(counts)

    def _keep(self, shown: ShownTask, name: str, title: str, console: Console, **drawn: Any) -> None:
        """Write and show one program and its picture."""
        from perception.figures import output_file
        from policies.programs import check, describe, save_program
        from policies.programs.program_figure import program_figure

        with output_file(self.output / f"{name}.png") as draft:
            program_figure(shown, title=title, **drawn).savefig(draft, dpi=130, format="png")
        if shown.program is None:
            console.print(f"No program: {escape(shown.reason)}")
            return
        save_program(shown.program, self.output / f"{name}.json")
        doubts = (f"doubt: {note}" for note in shown.program.notes)
        for line in (*describe(shown.program), *doubts, *(f"? {each}" for each in check(shown.program))):
            console.print(escape(line))


def _grips(forces_n: Any, rate_hz: float) -> dict[str, float]:
    """When the giver's last grip begins and ends, and when the taker's begins, by forces above 2 N."""
    import numpy as np

    holds = forces_n > 2.0
    taken = int(holds[:, 1].argmax())
    gone = taken + int((~holds[taken:, 0]).argmax())
    loose = np.flatnonzero(~holds[:taken, 0])
    begun = int(loose[-1]) + 1 if len(loose) else 0
    return {"giver_grips_s": begun / rate_hz, "taker_grips_s": taken / rate_hz, "giver_lets_go_s": gone / rate_hz}


def _parts(shown: ShownTask) -> list[str]:
    return list(dict.fromkeys(event.thing for event in shown.events))


def _repeats(counts: Mapping[str, int]) -> dict[str, float]:
    """How much the number of parts differs between the same person's trials of one task, and of different tasks."""
    import numpy as np

    same: list[int] = []
    other: list[int] = []
    names = list(counts)
    for row, one in enumerate(names):
        for two in names[row + 1 :]:
            (task, person), (task2, person2) = (name.split("/")[:2] for name in (one, two))
            if person == person2:
                (same if task == task2 else other).append(abs(counts[one] - counts[two]))
    return {
        "parts_least": float(min(counts.values())),
        "parts_most": float(max(counts.values())),
        "difference_same_task": float(np.mean(same)) if same else float("nan"),
        "difference_other_task": float(np.mean(other)) if other else float("nan"),
    }


def _fetches(shown: Mapping[str, ShownTask]) -> Figure:
    """A row for each trial: when which hand was away from its place."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 0.28 * len(shown) + 1.0), layout="constrained")
    axes = figure.add_subplot()
    colors = {"left hand": "#d1583f", "right hand": "#3b74c4"}
    for row, each in enumerate(shown.values()):
        axes.plot([0.0, max((event.end_s for event in each.events), default=0.0)], [row, row], color="#b9c0c8", lw=1.5)
        for event in each.events:
            if event.kind == "carried":
                axes.barh(row, event.end_s - event.start_s, left=event.start_s, height=0.7, color=colors[event.hand])
    axes.set_yticks(range(len(shown)), list(shown), fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("seconds, at 30 frames each; left (red) and right hand (blue) on the way back to their places")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
