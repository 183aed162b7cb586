"""`graspmimic teach`: a person shows a task once; the robot understands it and does it elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from geometry import InputError, PinholeCamera
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder

if TYPE_CHECKING:
    import numpy as np

    from envs.workbench import BenchScene
    from perception.behavior.watching import Timeline
    from perception.pose import PoseFrame
    from policies.programs import ShownTask, TaskProgram

SIMULATED = "simulated"
_SCENE = 1000


@dataclass(frozen=True, kw_only=True)
class Teach:
    """Watch one demonstration, write the task as a program, and let a simulated robot do it in new scenes.

    SOURCE is what `watch` takes: a recording of keypoints with poses of things (.npz), a folder of RGB-D frames, a
    video or a camera (camera:0 with --duration-s); or simulated:TASK for a simulated person with synthetic keypoints,
    TASK one of place_on, place_in, place_beside, stack, sort_by_size, pour, push_to_line, hand_over, two_step,
    four_step; or a program.json of an earlier run, which is done again.
    """

    source: tyro.conf.Positional[str] = "simulated:place_on"
    """What shows the task."""
    noise_cm: float = 1.0
    """simulated: mean error of the keypoints."""
    scenes: int = 3
    """New scenes in which the robot does the task; 0 only understands."""
    planned_grasps: bool = False
    """Plan grasps from the things' boxes instead of asking the grasp detector."""
    duration_s: float | None = None
    """Seconds of a camera or video; None takes all of it."""
    rate_hz: float | None = None
    """Frames a second, where the source does not tell."""
    camera: OptionalFile = None
    """Intrinsics (JSON) of images."""
    video: bool = True
    """Film the first execution."""
    seed: int = 0
    """Of the simulated person, and of the new scenes."""
    output: Path = Path("output/teach")
    """Folder for program.json, program.txt, program.png, timeline.json and execution.mp4."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.scenes < 0 or self.seed < 0 or not 0.0 <= self.noise_cm < 100.0:
            raise InputError("options", expected="--scenes, --seed and --noise-cm not below 0", got=f"{self}")
        for name, value in (("--duration-s", self.duration_s), ("--rate-hz", self.rate_hz)):
            if value is not None and not 0.0 < value < float("inf"):
                raise InputError(name, expected="a number above 0", got=f"{value}")

    def run(self, console: Console) -> dict[str, Any]:
        """Watch, understand, do."""
        from policies.programs import check, describe, save_program

        prepare_folder(self.output)
        program = self._understood(console)
        if program is None:
            return {"understood": False, "steps": 0, "scenes": 0, "successes": 0}
        save_program(program, self.output / "program.json")
        lines = describe(program)
        _write_text(self.output / "program.txt", "\n".join(lines) + "\n")
        for line in (*lines, *(f"doubt: {note}" for note in program.notes), *(f"? {each}" for each in check(program))):
            console.print(escape(line))
        done = [self._do(program, number, console) for number in range(self.scenes)]
        console.print(f"{escape(str(self.output))}: program.json, program.txt, program.png")
        return {
            "understood": True,
            "steps": len(program.steps),
            "problems": len(check(program)),
            "scenes": self.scenes,
            "successes": sum(done),
        }

    @property
    def _task(self) -> str | None:
        """The simulated task; None for another source."""
        kind, _, task = self.source.partition(":")
        if kind != SIMULATED or Path(self.source).exists():
            return None
        from envs.workbench import TASKS

        if task not in TASKS:
            raise InputError("source", expected=f"{SIMULATED}: with one of {', '.join(TASKS)}", got=self.source)
        return task

    def _understood(self, console: Console) -> TaskProgram | None:
        from policies.programs import load_program

        if Path(self.source).suffix.lower() == ".json" and not self.source.endswith("_keypoints.json"):
            return load_program(self.source)
        from perception.behavior.watching import watch_recording
        from policies.programs import program_from_recording
        from policies.programs.reaching_frames import in_pixels_alone, program_of_frames

        frames = self._frames(console)
        if not frames:
            raise InputError(self.source, expected="at least one frame", got="none")
        timeline = watch_recording(frames)
        if in_pixels_alone(frames):
            shown = program_of_frames(frames)
        else:
            shown = program_from_recording(frames, timeline=timeline)
        timeline.save(self.output / "timeline.json")
        self._draw(shown, timeline)
        if shown.program is None:
            console.print(f"No program: {escape(shown.reason)}")
        return shown.program

    def _frames(self, console: Console) -> list[PoseFrame]:
        if self._task is not None:
            from policies.programs.match_study import shown_example

            return list(shown_example(self._task, self.seed, 0.01 * self.noise_cm).frames)
        from graspmimic.watch_source import SourceOptions, limited, open_source

        camera = None if self.camera is None else PinholeCamera.from_json(self.camera)
        source = open_source(self.source, SourceOptions(rate_hz=self.rate_hz, camera=camera, seed=self.seed))
        try:
            with Progress(console=console, transient=True) as bars:
                watched = limited(iter(source), self.duration_s)
                return list(bars.track(watched, description=f"watching {escape(self.source)}"))
        finally:
            source.close()

    def _draw(self, shown: ShownTask, timeline: Timeline) -> None:
        from perception.figures import output_file
        from policies.programs.program_figure import program_figure

        figure = program_figure(shown, timeline=timeline, title=self.source)
        with output_file(self.output / "program.png") as draft:
            figure.savefig(draft, dpi=130, format="png")

    def _scene(self, program: TaskProgram, rng: np.random.Generator) -> BenchScene:
        """The simulated task's own scene, or one that is made for the program."""
        from envs.workbench import TASKS
        from policies.execution import rehearsal_scene

        return rehearsal_scene(program, rng) if self._task is None else TASKS[self._task].draw(rng)

    def _do(self, program: TaskProgram, number: int, console: Console) -> bool:
        """One execution in a new scene; whether everything is then truly as it should be."""
        import numpy as np

        from policies.execution import benchable, detect_with, do_at

        seed = [_SCENE + self.seed, number]
        program = program if self._task else benchable(program)
        scene = self._scene(program, np.random.default_rng(seed))
        film = self.output / "execution.mp4" if self.video and number == 0 else None
        detect = None if self.planned_grasps else detect_with()
        result, met = do_at(scene, program, seed=seed, detect=detect, film=film)
        success = met if scene.goals else result.completed
        _write_text(self.output / f"execution_{number}.txt", result.text() + "\n")
        console.print(f"scene {number}: {'done' if success else 'failed'}, {result.robot_s:.0f} s of the robot's time")
        if not success:
            failed = [each for each in result.steps if each.status == "failed"]
            console.print(escape("; ".join(each.why for each in failed) or "; ".join(result.notes)))
        return success


def _write_text(path: Path, text: str) -> None:
    from perception.figures import output_file

    with output_file(path) as draft:
        draft.write_text(text, encoding="utf-8")
