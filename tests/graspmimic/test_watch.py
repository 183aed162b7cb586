"""The command: whole files whatever happens, and what is written is what was told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from geometry import InputError
from graspmimic import watch_source
from graspmimic.watch import Watch
from graspmimic.watch_pictures import packed, unpacked
from graspmimic.watch_scenes import Scene, carrying_scene
from graspmimic.watch_scores import Counts, watch_scores
from graspmimic.watch_source import HumanoidSource, SourceOptions, limited, open_source
from perception.pose import KeypointSource, PoseFrame, Skeleton
from perception.pose.recordings import save_recording

QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return carrying_scene(100, noise_m=0.002)


@pytest.fixture(scope="module")
def recording(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("watch") / "scene.npz"
    save_recording(path, scene.frames)
    return path


def segments_of(folder: Path) -> list[dict[str, object]]:
    return list(json.loads((folder / "timeline.json").read_text())["segments"])


def test_a_recording_becomes_a_timeline_with_reasons(recording: Path, scene: Scene, tmp_path: Path) -> None:
    results = Watch(source=str(recording), video=False, output=tmp_path / "out").run(QUIET)
    segments = segments_of(tmp_path / "out")
    steps = [each["label"] for each in segments if each["object"] == "cube" and not each["doubt"]]
    assert steps[:4] == ["reach", "lift", "carry", "place"]
    assert all(each["reasons"] for each in segments)
    assert results["segments"] == len(segments) and results["frames"] == len(scene.frames)
    with Image.open(tmp_path / "out" / "timeline.png") as picture:
        assert picture.width > 500
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["timeline.json", "timeline.png"]


def test_rules_of_ones_own(recording: Path, tmp_path: Path) -> None:
    rules = tmp_path / "mine.yaml"
    rules.write_text("behaviors:\n  rescue: (hand:hold AND thing:rise) for 0.1 s\n")
    Watch(source=str(recording), rules=rules, video=False, output=tmp_path / "out").run(QUIET)
    assert [each["label"] for each in segments_of(tmp_path / "out")] == ["rescue"]


class Interrupted:
    """A source whose user presses Ctrl-C after some frames."""

    rate_hz = 30.0

    def __init__(self, frames: tuple[PoseFrame, ...]) -> None:
        self._frames = frames
        self.closed = False

    @property
    def skeleton(self) -> Skeleton:
        return self._frames[0].skeleton

    def __iter__(self) -> Iterator[PoseFrame]:
        yield from self._frames
        raise KeyboardInterrupt

    def close(self) -> None:
        self.closed = True


def test_ctrl_c_leaves_whole_files(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Interrupted(scene.frames[:72])
    monkeypatch.setattr(watch_source, "open_source", lambda name, options: source)
    results = Watch(source="camera", output=tmp_path / "out").run(QUIET)
    assert results["frames"] == 72 and source.closed
    assert [each["label"] for each in segments_of(tmp_path / "out") if each["object"] == "cube"] == ["reach"]
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["timeline.json", "timeline.png", "watch.mp4"]
    import imageio.v3

    assert len(list(imageio.v3.imiter(tmp_path / "out" / "watch.mp4"))) == 72


def test_watching_stops_after_the_time_that_was_asked_for(recording: Path, tmp_path: Path) -> None:
    results = Watch(source=str(recording), duration_s=1.0, video=False, output=tmp_path / "out").run(QUIET)
    assert results["frames"] == 31


def test_a_recording_that_is_cut_off_is_one_line(recording: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.npz"
    cut.write_bytes(recording.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"cut\.npz"):
        Watch(source=str(cut), video=False, output=tmp_path / "out").run(QUIET)
    assert not (tmp_path / "out" / "timeline.json").exists()


def test_a_video_that_is_cut_off_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import imageio.v3

    monkeypatch.setattr(watch_source, "_network", lambda images, options: list(images))
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    imageio.v3.imwrite(whole, np.zeros((30, 64, 64, 3), dtype=np.uint8), fps=30)
    assert len(open_source(str(whole), SourceOptions())) == 30  # type: ignore[arg-type]
    cut.write_bytes(whole.read_bytes()[:600])
    with pytest.raises(InputError, match=r"cut\.mp4"):
        open_source(str(cut), SourceOptions())


@pytest.mark.parametrize("name", ["nothing_here.mp4", "nothing_here.npz", "humanoid:fly"])
def test_a_source_that_is_none(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        Watch(source=name, output=tmp_path / "out").run(QUIET)


def test_options_that_cannot_be() -> None:
    for wrong in ({"max_persons": 0}, {"least_confidence": 1.5}):
        with pytest.raises(InputError, match="options"):
            Watch(source="camera", **wrong)


def test_frames_up_to_some_seconds() -> None:
    frames = iter(carrying_scene(1).frames)
    assert [frame.time_s for frame in limited(frames, 0.1)] == pytest.approx([0.0, 1 / 30, 2 / 30, 0.1])


def test_the_humanoid_moves_through_the_world_under_a_camera_that_follows() -> None:
    source: KeypointSource = HumanoidSource(("walk",))
    frames = [frame for frame, _ in zip(source, range(3), strict=False)]
    assert all(frame.rgb is not None and frame.reference == "world" for frame in frames)
    heights = [
        float(np.nanmax(person.keypoints_m[:, 2]))
        for frame in frames
        for person in frame.persons
        if person.keypoints_m is not None
    ]
    assert heights and all(1.3 < height < 1.8 for height in heights)


def test_pictures_are_kept_small_and_come_back() -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, 640)[None, :, None], (480, 640, 3)).astype(np.uint8)
    picture = packed(ramp)
    assert len(picture) < ramp.nbytes / 20
    assert np.abs(unpacked(picture).astype(int) - ramp).max() <= 6


def test_counts_make_f1() -> None:
    assert Counts(found=3, missed=1, false=1).f1 == pytest.approx(0.75)
    assert np.isnan(Counts().f1)


@pytest.mark.slow
def test_scores_of_scenes_without_noise() -> None:
    scores = watch_scores([300], noises_m=(0.0,))
    assert scores["offline_0cm_stride_accuracy"] > 0.85
    assert scores["offline_0cm_in_order"] == 1.0
    assert scores["live_0cm_step_late_ms"] > scores["offline_0cm_step_late_ms"]
