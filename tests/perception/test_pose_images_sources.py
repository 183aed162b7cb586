"""Images from videos, folders and depth recordings come in order, at their times, as they were written."""

from __future__ import annotations

import json
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from geometry import InputError, PinholeCamera
from perception.figures import VideoWriter
from perception.pose.images import ImageFolder, ImageFrame, RGBDFolder, VideoFile, Webcam, open_images

SIZE = (48, 64)


def grey(value: int) -> np.ndarray:
    return np.full((*SIZE, 3), value, dtype=np.uint8)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    with VideoWriter(path, rate_hz=25.0) as writer:
        for value in range(20, 220, 20):
            writer.add(grey(value))
    return path


def test_a_video_gives_its_images_at_its_rate(video: Path) -> None:
    source = VideoFile(video)
    for _ in range(2):  # a second pass begins anew
        frames = list(source)
        assert [frame.time_s for frame in frames] == pytest.approx(np.arange(10) / 25.0)
        assert [frame.rgb.mean() for frame in frames] == pytest.approx(range(20, 220, 20), abs=3.0)
    assert source.rate_hz == 25.0 and source.continuous and frames[0].rgb.shape == (*SIZE, 3)
    source.close()
    source.close()


def test_a_video_that_is_cut_off_plays_as_far_as_it_goes(tmp_path: Path) -> None:
    """Matroska can be cut anywhere; an MP4 without its end has no index and is refused."""
    whole, rng = tmp_path / "whole.mp4", np.random.default_rng(0)
    with VideoWriter(whole) as writer:
        for _ in range(30):
            writer.add(rng.integers(0, 255, (*SIZE, 3), dtype=np.uint8))
    cut = tmp_path / "cut.mkv"
    iio.imwrite(cut, iio.imread(whole, plugin="FFMPEG"), plugin="FFMPEG", fps=30, ffmpeg_log_level="error")
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    assert 1 <= len(list(VideoFile(cut))) < 30


@pytest.mark.parametrize("content", [b"", b"not a video", None])
def test_what_is_no_video_is_refused(tmp_path: Path, video: Path, content: bytes | None) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(video.read_bytes()[:300] if content is None else content)
    with pytest.raises(InputError, match=r"bad\.mp4"):
        VideoFile(bad)


def test_a_folder_is_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        iio.imwrite(tmp_path / f"frame_{number}.png", grey(number))
    (tmp_path / "notes.txt").write_text("no image")
    film = ImageFolder(tmp_path, rate_hz=10.0)
    assert [int(frame.rgb[0, 0, 0]) for frame in film] == [1, 2, 10]
    assert [frame.time_s for frame in film] == pytest.approx([0.0, 0.1, 0.2])
    assert film.continuous and not ImageFolder(tmp_path).continuous


def test_a_photograph_is_one_image(tmp_path: Path) -> None:
    iio.imwrite(tmp_path / "photo.png", grey(7)[:, :, 0])
    (frame,) = open_images(tmp_path / "photo.png")
    assert frame.time_s == 0.0 and frame.rgb.shape == (*SIZE, 3) and (frame.rgb == 7).all()


def rgbd_folder(folder: Path, *, depths: int = 2) -> Path:
    for name in ("color", "depth"):
        (folder / name).mkdir(parents=True)
    for number in range(2):
        iio.imwrite(folder / "color" / f"{number}.png", grey(number))
    for number in range(depths):
        iio.imwrite(folder / "depth" / f"{number}.png", np.full(SIZE, 1500 + number, dtype=np.uint16))
    camera = {"width": 64, "height": 48, "fx": 60, "fy": 60, "cx": 31.5, "cy": 23.5, "depth_scale": 500}
    (folder / "intrinsics.json").write_text(json.dumps(camera))
    return folder


def test_a_depth_recording_comes_with_depth_and_camera(tmp_path: Path) -> None:
    source = open_images(rgbd_folder(tmp_path / "take"), rate_hz=15.0)
    first, second = source
    assert isinstance(source, RGBDFolder) and isinstance(source.camera, PinholeCamera) and source.camera.fx == 60.0
    assert first.depth_m is not None and first.depth_m == pytest.approx(np.full(SIZE, 3.0))
    assert second.time_s == pytest.approx(1.0 / 15.0) and (second.rgb == 1).all()


def test_a_depth_recording_with_something_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="as many depth images"):
        RGBDFolder(rgbd_folder(tmp_path / "uneven", depths=1))
    bare = rgbd_folder(tmp_path / "bare")
    (bare / "intrinsics.json").unlink()
    with pytest.raises(InputError, match=r"intrinsics\.json"):
        RGBDFolder(bare)
    small = rgbd_folder(tmp_path / "small")
    iio.imwrite(small / "color" / "0.png", np.zeros((24, 32, 3), dtype=np.uint8))
    with pytest.raises(InputError, match="intrinsics"):
        list(RGBDFolder(small))


@pytest.mark.parametrize("name", ["nothing.mp4", "nothing.jpg", "nothing", "camera:99", "empty"])
def test_a_name_that_stands_for_nothing_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=name.removeprefix("camera:")):
        open_images(name if name.startswith("camera") else tmp_path / name)


def test_a_camera_that_is_not_there_is_said_so() -> None:
    with pytest.raises(InputError, match="camera 98.*name a video file"):
        Webcam(98)
    with pytest.raises(InputError, match="0 or more"):
        Webcam(-1)


def test_an_image_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(InputError, match="uint8"):
        ImageFrame(time_s=0.0, rgb=np.zeros((4, 4, 3)))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="register"):
        ImageFrame(time_s=0.0, rgb=grey(0), depth_m=np.zeros((4, 4), dtype=np.float32))
    with pytest.raises(InputError, match="rate_hz"):
        ImageFolder(".", rate_hz=0.0)
