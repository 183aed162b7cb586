"""`graspmimic demo`: a simulated Panda looks at a pile of objects and clears it."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from envs.cell import RobotCell
from envs.clutter import DIALECT_A, Observation, PrivilegedPlanner, RankedGrasps
from envs.objects import ObjectSet
from geometry import InputError
from graspmimic.object_sets import load_with_progress
from graspmimic.options import OptionalFile, ViewOption
from graspmimic.planners import make_planner
from graspmimic.report import prepare_folder
from perception.figures import grasp_figure, output_file
from policies import ClearConfig, ClearResult, PickResult, Watcher, clear_table
from policies.film import Film
from policies.pictures import picture_of
from policies.stream import CellStream

_PERSISTENCE = ClearConfig(max_consecutive_failures=4, max_looks_without_grasp=2)


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Watch a simulated Panda look at a pile through a depth camera, find grasps, and clear it.

    Objects are dropped on a table; a depth camera with a real sensor's faults sees them from one
    side; grasps are found in what it saw; and the arm, within its real speed limits, carries one
    object after the other to a bin. Writes demo.mp4 and demo.png to --output.
    """

    objects: str = "procedural"
    """Object set: procedural, random_urdfs, or a folder of URDFs or meshes."""
    object_scale: float = 1.0
    """Factor on all lengths of the objects; 0.001 for meshes in millimetres."""
    count: int = 8
    """Objects to drop."""
    scene: Literal["pile", "packed", "bin", "tabletop"] = "pile"
    """How the objects lie."""
    planner: str = "antipodal"
    """network, antipodal, topdown, oracle, or MODULE:NAME of your own."""
    weights: OptionalFile = None
    """Weights of --planner network, in place of the package's own."""
    video: bool = True
    """Whether to film; without it the demo takes seconds."""
    view: ViewOption = None
    """Stream cameras, cloud, grasps and robot to Rerun's window, or to a file (extra: view)."""
    seed: int = 0
    """Seed of everything random."""
    output: Path = Path("output/demo")
    """Folder for the video and the picture."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 30:
            raise InputError("--count", expected="1 to 30 objects", got=f"{self.count}")
        if self.seed < 0:
            raise InputError("--seed", expected="at least 0", got=f"{self.seed}")
        if self.view is not None and len(self.view) > 1:
            raise InputError("--view", expected="one file at most", got=f"{len(self.view)}")

    def run(self, console: Console) -> dict[str, Any]:
        """Clear a table and return {objects, cleared, attempts, picks_per_hour} and more."""
        # One thread for the linear algebra: on several, its last bits depend on their number, and so would the story.
        with threadpool_limits(1):
            return self._run(console)

    def _run(self, console: Console) -> dict[str, Any]:
        started_s = time.perf_counter()
        prepare_folder(self.output)
        planner = make_planner(self.planner, weights=self.weights)
        console.print(
            f"Demo: {self.count} objects of {self.objects}, {self.scene}, planner {self.planner}, seed {self.seed}"
        )
        objects = load_with_progress(console, self.objects, self.object_scale)
        with console.status("dropping the objects on the table"):
            cell = self._cell(objects)
        try:
            with _Story(console, cell, self) as story:
                rng = np.random.default_rng([self.seed, 1])
                if isinstance(planner, PrivilegedPlanner):
                    planner.bind(cell.simulation)
                result = clear_table(cell, planner, _PERSISTENCE, rng=rng, watcher=story)
        finally:
            cell.close()
        console.print(_summary(result, time.perf_counter() - started_s))
        if not result.presented:
            console.print("No object came to rest in the workspace; try more of them (--count) or another --seed.")
        for path in story.files:
            console.print(f"  {path}")
        return {
            "objects": result.presented,
            "cleared": result.cleared,
            "attempts": result.attempts,
            "picks_per_hour": result.picks_per_hour,
            "stop": result.stop,
            "robot_s": result.robot_s,
            "computing_s": result.computing_s,
        }

    def _cell(self, objects: ObjectSet) -> RobotCell:
        rules = replace(DIALECT_A, depth_noise="structured light", objects_per_round=self.count)
        return RobotCell(rules, objects, self.scene, np.random.default_rng([self.seed, 0]))


class _Story(Watcher):
    """Tells on the console what happens, films it, and keeps a picture of the first look."""

    def __init__(self, console: Console, cell: RobotCell, options: Demo) -> None:
        self.files: list[Path] = []
        self._console, self._cell, self._options = console, cell, options
        self._looks = 0
        self._open = ExitStack()
        self._film: Film | None = None
        self._stream: CellStream | None = None
        self._status = console.status("looking")

    def __enter__(self) -> _Story:
        options = self._options
        if options.video:
            path = options.output / "demo.mp4"
            self._film = self._open.enter_context(Film(self._cell, path))
            self.files.append(path)
        if options.view is not None:
            self._stream = self._open.enter_context(CellStream(self._cell, options.view[0] if options.view else None))
            self.files += options.view
        self._open.enter_context(self._status)
        return self

    def __exit__(self, *failure: Any) -> None:
        self._open.__exit__(*failure)

    def looked(self, observation: Observation, grasps: RankedGrasps) -> None:
        """Say how many grasps were found, and show them."""
        self._looks += 1
        left = len(self._cell.scene.objects)
        found = f"{len(grasps.poses)} grasps" if len(grasps.poses) else "no grasp"
        self._line = f"look {self._looks:2d}   {left:2d} objects left   {found}"
        self._status.update(f"{self._line}, picking")
        picture = picture_of(observation, grasps)
        if self._film is not None:
            self._film.caption = f"{len(self._cell.placed)} placed, {left} on the table"
            self._film.show_look(picture)
        if self._stream is not None:
            self._stream.show_look(observation, grasps)
        if self._looks == 1:
            path = self._options.output / "demo.png"
            with output_file(path) as draft:
                grasp_figure(picture, title=f"{found} on {left} objects, {self._options.planner} planner").savefig(
                    draft, format="png"
                )
            self.files.insert(0, path)

    def picked(self, result: PickResult, delivered: int) -> None:
        """Say how the pick went."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in result.refused.items())
        what = f"placed {self._cell.placed[-1]}" if delivered else result.outcome
        self._console.print(f"{self._line}   {what}" + (f"   (passed over: {reasons})" if reasons else ""))


def _summary(result: ClearResult, took_s: float) -> Table:
    table = Table(title="Demo", show_header=False)
    table.add_row("objects on the table", str(result.presented))
    table.add_row("in the bin", str(result.cleared))
    table.add_row("pushed off the table", str(result.lost))
    table.add_row("picks tried", str(result.attempts))
    table.add_row("picks per hour", f"{result.picks_per_hour:.0f}")
    table.add_row("robot time, computing time", f"{result.robot_s:.1f} s, {result.computing_s:.1f} s")
    table.add_row("stopped because", result.stop)
    table.add_row("the demo took", f"{took_s:.0f} s")
    return table
