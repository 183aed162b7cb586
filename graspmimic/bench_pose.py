"""`graspmimic bench pose`: tracking and inverse kinematics against simulated people, and what watching costs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress

from geometry import FloatArray, InputError
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder

if TYPE_CHECKING:
    from graspmimic.pose_crowds import CrowdScores
    from graspmimic.pose_rotations import MotionErrors


@dataclass(frozen=True, kw_only=True)
class BenchPose:
    """Measure what happens between a detector's keypoints, joint rotations and behaviours.

    Tracking: humanoids walk and run through one place before a virtual camera, cross, hide each other, and are
    missed now and then; our tracker and one that goes by the overlap of boxes alone get the same detections.
    Inverse kinematics: all of pybullet_data's motion clips at 30 Hz with noisy keypoints, against their true
    rotations. Latency: one person before a depth camera, without and with a thing in the hand, from keypoints to
    behaviours on one core, without the network that finds keypoints.
    """

    people: tuple[int, ...] = (2, 5, 20)
    """People in the crowds."""
    seeds: int = 5
    """Crowds of each size, and noises of each clip."""
    duration_s: float = 10.0
    """Length of each crowd's recording, at 30 Hz."""
    timed_people: int = 33
    """People of the crowd on which the tracker's time is taken, all of them detected in every frame."""
    frames: int = 300
    """Frames on which the latency is taken."""
    seed: int = 0
    """First of the seeds; the others count up."""
    output: Path = Path("output/bench-pose")
    """Folder for bench-pose.png."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        counts = (*self.people, self.seeds, self.timed_people)
        if not self.people or min(counts) < 1 or self.duration_s < 1.0 or self.frames < 40 or self.seed < 0:
            raise InputError(
                "options",
                expected="--people, --seeds, --timed-people of at least 1, --duration-s of at least 1, --frames of at "
                "least 40, --seed >= 0",
                got=f"people={self.people}, seeds={self.seeds}, timed_people={self.timed_people}, "
                f"duration_s={self.duration_s}, frames={self.frames}, seed={self.seed}",
            )

    def run(self, console: Console) -> dict[str, Any]:
        """Measure everything and return the flat results."""
        from graspmimic.pose_report import draw_bench, flat_results, latency_table, rotation_table, tracking_table
        from perception.figures import output_file

        prepare_folder(self.output)
        console.print(self)
        with Progress(console=console, transient=True) as progress:
            crowds = self._crowds(progress)
            errors = self._errors(progress)
            costs = self._costs(progress)
        for table in (tracking_table(crowds), rotation_table(errors), latency_table(costs)):
            console.print(table)
        picture = self.output / "bench-pose.png"
        with output_file(picture) as draft:
            draw_bench(crowds, errors).savefig(draft, dpi=110, format="png")
        console.print(f"Picture: {picture}")
        return flat_results(crowds, errors, costs)

    def _seeds(self) -> range:
        return range(self.seed, self.seed + self.seeds)

    def _crowds(self, progress: Progress) -> list[CrowdScores]:
        from graspmimic.pose_crowds import score_crowds

        bar = progress.add_task("Crowds", total=len(self.people) * self.seeds)
        return [
            scores
            for people in self.people
            for scores in score_crowds(people, self._seeds(), self.duration_s, lambda: progress.advance(bar))
        ]

    def _errors(self, progress: Progress) -> list[MotionErrors]:
        from graspmimic.pose_rotations import NOISE_CM, VARIANTS, measure_clip_errors

        bar = progress.add_task("Clips", total=len(VARIANTS) * len(NOISE_CM))
        return measure_clip_errors(self._seeds(), done=lambda: progress.advance(bar))

    def _costs(self, progress: Progress) -> dict[str, FloatArray]:
        from graspmimic.pose_crowds import time_tracker
        from graspmimic.pose_latency import filmed_person, one_core, time_watching

        bar = progress.add_task("Latency", total=3)
        costs: dict[str, FloatArray] = {}
        for ending, with_object in (("", False), ("_with_object", True)):
            found = time_watching(filmed_person(self.seed, self.frames, with_object=with_object))
            costs |= {f"latency_{stage}{ending}": values for stage, values in found.items()}
            progress.advance(bar)
        with one_core():
            many = time_tracker(self.timed_people, self.seed)
        progress.advance(bar)
        return costs | {f"track_{self.timed_people}_people": many}
