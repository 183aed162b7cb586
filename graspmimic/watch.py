"""`graspmimic watch`: what people in a video, before a camera or in a recording do, when, and why."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from geometry import InputError, PinholeCamera
from graspmimic.options import OptionalFile, OptionalNumber
from graspmimic.report import prepare_folder
from graspmimic.watch_pictures import packed, unpacked

if TYPE_CHECKING:
    from perception.behavior.reasoning import RuleBook
    from perception.behavior.watching import NetworkOpinion, Timeline
    from perception.pose import KeypointSource, PoseFrame


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Say what people do, when, how surely, and why.

    SOURCE is a video, an image, a folder of images, a folder of a depth camera (color/, depth/, intrinsics.json),
    "camera" or "camera:1", recorded keypoints (npz, OpenPose's JSON, DeepLabCut's CSV, BVH, AMC), or "humanoid",
    the simulated person ("humanoid:walk,jump" for other motions). Images need `pip install 'graspmimic[pose]'` and
    `graspmimic setup pose` once, or a network by --pose-onnx.
    """

    source: Annotated[str, tyro.conf.Positional]
    """What to watch."""
    rules: OptionalFile = None
    """YAML file of behaviours as rules; default: the book that comes with graspmimic."""
    model: OptionalFile = None
    """behavior.safetensors of `train behavior`, or the name of a network that comes along (gesture_phases): behaviours
    of its own, and a second opinion on those that the rules know too. Not with --live."""
    live: bool = False
    """Decide as frames arrive, as with a camera; otherwise the whole recording counts for every moment."""
    duration_s: OptionalNumber = None
    """Stop after so many seconds; with a camera, Ctrl-C stops too."""
    pose_onnx: OptionalFile = None
    """RTMPose or RTMW network (ONNX) instead of MediaPipe."""
    max_persons: int = 1
    """Persons that MediaPipe looks for."""
    camera: OptionalFile = None
    """Intrinsics of the images as JSON."""
    rate_hz: OptionalNumber = None
    """Frames a second, where the source does not tell."""
    least_confidence: float = 0.6
    """Segments below it are marked as unsure."""
    video: bool = True
    """Write an annotated video, or picture of a single image."""
    seed: int = 0
    """Of the simulated person's noise."""
    output: Path = Path("output/watch")
    """Folder for timeline.json, timeline.png and watch.mp4."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.max_persons < 1 or not 0.0 <= self.least_confidence <= 1.0:
            raise InputError(
                "options",
                expected="--max-persons of at least 1, --least-confidence in [0, 1]",
                got=f"{self.max_persons}, {self.least_confidence}",
            )
        for name, value in (("--duration-s", self.duration_s), ("--rate-hz", self.rate_hz)):
            if value is not None and not 0.0 < value < float("inf"):
                raise InputError(name, expected="a number above 0", got=f"{value}")
        if self.model is not None and (self.live or self._is_camera):
            raise InputError("--model", expected="a recording", got="a live stream", remedy="record it first")

    def run(self, console: Console) -> dict[str, Any]:
        """Watch, and write what was seen."""
        from perception.behavior.reasoning import RuleBook

        prepare_folder(self.output)
        rules = RuleBook.built_in() if self.rules is None else RuleBook.from_yaml(self.rules)
        source = self._open()
        try:
            watch = self._watch_live if self.live or self._is_camera else self._watch_recorded
            timeline, seconds = watch(console, source, rules)
        finally:
            source.close()
        timeline.save(self.output / "timeline.json")
        self._draw(timeline)
        _show(console, timeline)
        drawn = ["watch.png" if timeline.frames == 1 and watch == self._watch_recorded else "watch.mp4"] * self.video
        console.print(f"{escape(str(self.output))}: {', '.join(['timeline.json', 'timeline.png', *drawn])}")
        return {
            "frames": timeline.frames,
            "persons": len(timeline.persons),
            "segments": len(timeline.segments),
            "unsure": sum(bool(segment.doubt) for segment in timeline.segments),
            "duration_s": timeline.end_s - timeline.start_s,
            "ms_per_frame": 1e3 * seconds / max(timeline.frames, 1),
            "timeline": str(self.output / "timeline.json"),
        }

    @property
    def _is_camera(self) -> bool:
        return self.source.partition(":")[0] in ("camera", "webcam")

    def _network(self) -> NetworkOpinion | None:
        if self.model is None:
            return None
        import torch

        from perception.behavior.network import BehaviorModel
        from perception.behavior.watching import NetworkOpinion

        torch.set_num_threads(1)
        is_name = not self.model.suffix and not self.model.exists()
        return NetworkOpinion((BehaviorModel.from_pretrained if is_name else BehaviorModel.load)(str(self.model)))

    def _open(self) -> KeypointSource:
        from graspmimic.watch_source import SourceOptions, open_source

        camera = None if self.camera is None else PinholeCamera.from_json(self.camera)
        options = SourceOptions(
            pose_onnx=self.pose_onnx, max_persons=self.max_persons, rate_hz=self.rate_hz, camera=camera, seed=self.seed
        )
        return open_source(self.source, options)

    def _frames(self, console: Console, source: KeypointSource) -> Iterator[PoseFrame]:
        from graspmimic.watch_source import limited

        with Progress(console=console, transient=True) as bars:
            bar = bars.add_task(f"watching {escape(self.source)}", total=None)
            for frame in limited(iter(source), self.duration_s):
                bars.advance(bar)
                yield frame

    def _watch_recorded(self, console: Console, source: KeypointSource, rules: RuleBook) -> tuple[Timeline, float]:
        from perception.behavior.watching import WatchSettings, track_frames, watch_recording

        frames, pictures = [], []
        for frame in self._frames(console, source):
            frames.append(replace(frame, rgb=None))
            pictures.append(packed(frame.rgb) if self.video and frame.rgb is not None else b"")
        if not frames:
            raise InputError(f"watch {self.source}", expected="at least one frame", got="none")
        start = time.perf_counter()
        tracked = track_frames(frames)
        settings = WatchSettings(least_confidence=self.least_confidence)
        timeline = watch_recording(tracked, rules=rules, network=self._network(), settings=settings)
        seconds = time.perf_counter() - start
        if self.video:
            self._film(console, tracked, pictures, timeline)
        return timeline, seconds

    def _watch_live(self, console: Console, source: KeypointSource, rules: RuleBook) -> tuple[Timeline, float]:
        from perception.behavior.watching import Watcher, WatchSettings
        from perception.figures import PoseCanvas, VideoWriter

        rate_hz = source.rate_hz or self.rate_hz or 30.0
        settings = WatchSettings(least_confidence=self.least_confidence)
        watcher, seconds = Watcher(rules=rules, settings=settings, rate_hz=rate_hz), 0.0
        with ExitStack() as stack:
            video = stack.enter_context(VideoWriter(self.output / "watch.mp4", rate_hz=rate_hz)) if self.video else None
            canvas: PoseCanvas | None = None
            try:
                for frame in self._frames(console, source):
                    start = time.perf_counter()
                    step = watcher.update(frame)
                    seconds += time.perf_counter() - start
                    for segment in step.settled:
                        console.print(f"{segment.start_s:7.2f} to {segment.end_s:7.2f} s  {segment.layer}: {segment}")
                    if video is not None:
                        canvas = canvas or PoseCanvas([frame])
                        now = {
                            who: [f"{each} {each.confidence:.2f}" for each in some] for who, some in step.doing.items()
                        }
                        video.add(canvas.draw(step.frame, now))
            except KeyboardInterrupt:
                console.print("stopped")
            timeline = watcher.finish()
        return timeline, seconds

    def _film(
        self, console: Console, frames: Sequence[PoseFrame], pictures: Sequence[bytes], timeline: Timeline
    ) -> None:
        from PIL import Image

        from perception.figures import PoseCanvas, VideoWriter, output_file

        first = _with_picture(frames[0], pictures[0])
        canvas = PoseCanvas([first, *frames[1:]])
        if len(frames) == 1:
            captions: dict[int, list[str]] = {}
            for state in timeline.states[:6]:
                captions.setdefault(state.person, []).append(f"{state.state} {state.truth:.2f}")
            with output_file(self.output / "watch.png") as draft:
                Image.fromarray(canvas.draw(first, captions)).save(draft, format="png")
            return
        step_s = (frames[-1].time_s - frames[0].time_s) / (len(frames) - 1)
        with VideoWriter(self.output / "watch.mp4", rate_hz=min(max(1.0 / step_s, 1.0), 120.0)) as video:
            with Progress(console=console, transient=True) as bars:
                for frame, picture in bars.track(list(zip(frames, pictures, strict=True)), description="drawing"):
                    video.add(canvas.draw(_with_picture(frame, picture), _captions(frame, timeline)))

    def _draw(self, timeline: Timeline) -> None:
        from perception.figures import output_file
        from perception.figures.timeline_figure import timeline_figure, truths_figure

        title = f"watch {Path(self.source).name}"
        if timeline.frames == 1:
            several = len(timeline.persons) > 1
            truths = {f"person {each.person}, " * several + each.state: each.truth for each in timeline.states}
            figure = truths_figure(truths, title=title)
        else:
            figure = timeline_figure(timeline.segments, (timeline.start_s, timeline.end_s), title=title)
        with output_file(self.output / "timeline.png") as draft:
            figure.savefig(draft, format="png")


def _with_picture(frame: PoseFrame, picture: bytes) -> PoseFrame:
    return replace(frame, rgb=unpacked(picture)) if picture else frame


def _captions(frame: PoseFrame, timeline: Timeline) -> dict[int, list[str]]:
    return {
        person.id: [f"{each} {each.confidence:.2f}" for each in timeline.at(frame.time_s, person.id)]
        for person in frame.persons
    }


def _show(console: Console, timeline: Timeline) -> None:
    if timeline.states:
        table = Table("person", "part state", "truth", "seen in")
        for state in timeline.states:
            table.add_row(str(state.person), state.state, f"{state.truth:.2f}", state.evidence)
    else:
        table = Table("seconds", "of", "behaviour", "sure", "because")
        for segment in timeline.segments:
            because = segment.doubt or (segment.reasons[0].rule if segment.reasons else "")
            whose = segment.layer if len(timeline.persons) < 2 else f"{segment.person}, {segment.layer}"
            table.add_row(
                f"{segment.start_s:.2f} to {segment.end_s:.2f}", whose, f"{segment}", f"{segment.confidence:.2f}",
                escape(because),
            )  # fmt: skip
    console.print(table)
    if not timeline.persons:
        console.print("Nobody was in view.")
