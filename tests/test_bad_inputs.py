"""What people get wrong: each bad input gives one clear line and status 2, or a sensible result.

A line says what is wrong, what was expected and what came. The table below is the list; add to it
whatever a user meets.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

from geometry import InputError, PinholeCamera
from graspmimic.__main__ import main
from perception.frames import scene_from_cloud
from perception.grasping import AntipodalPlanner, DepthView, Grasps, from_graspnet, load_graspnet

SIZE = (240, 320)


@dataclass(frozen=True)
class Desk:
    """A folder with a good frame, to spoil one thing at a time."""

    folder: Path
    depth_mm: np.ndarray

    def file(self, name: str, content: Any) -> Path:
        """Write an array, text or bytes by the suffix of the name."""
        path = self.folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content)
        elif path.suffix == ".npy":
            np.save(path, content, allow_pickle=True)
        else:
            iio.imwrite(path, content)
        return path

    def camera(self, **changes: Any) -> Path:
        """A camera file in which some fields are other than they should be."""
        fields = {"width": 320, "height": 240, "fx": 300.0, "fy": 300.0, "cx": 159.5, "cy": 119.5}
        return self.file("camera.json", json.dumps({**fields, **changes}))

    def detect(self, *, depth: Any = None, camera: Path | None = None, more: tuple[Any, ...] = ()) -> list[str]:
        """Arguments of `detect` on the good frame, or on one with another depth or camera."""
        depth = self.file("depth.png", self.depth_mm) if depth is None else depth
        words = ["detect", "--output", self.folder / "out", "--depth", depth, "--camera", camera or self.camera()]
        return [str(word) for word in [*words, *more]]

    def cloud(self, name: str, content: Any, *more: Any) -> list[str]:
        """Arguments of `detect` on a cloud."""
        words = ["detect", "--cloud", self.file(name, content), *more, "--output", self.folder / "out"]
        return [str(word) for word in words]


@pytest.fixture
def desk(tmp_path, desk_frame):
    return Desk(tmp_path, np.rint(desk_frame.depth_m * 1000).astype(np.uint16))


PLY = "ply\nformat {0} 1.0\nelement vertex {1}\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
PNG_HEADER = b"\x89PNG\r\n\x1a\n"


def truncated_png(desk: Desk) -> Path:
    content = desk.file("whole.png", desk.depth_mm).read_bytes()
    return desk.file("cut.png", content[: len(content) // 2])


def truncated_exr(desk: Desk) -> Path:
    openexr = pytest.importorskip("OpenEXR")
    path = desk.folder / "whole.exr"
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    openexr.File(header, {"Z": desk.depth_mm.astype(np.float32) / 1000}).write(str(path))
    return desk.file("cut.exr", path.read_bytes()[:-5000])


def metres(desk: Desk) -> np.ndarray:
    return desk.depth_mm.astype(np.float32) / 1000


DEPTH_FILES = {
    "missing depth file": (lambda d: d.folder / "none.png", r"none\.png: expected a readable .*[Nn]o such file"),
    "a folder as depth": (lambda d: d.folder, r"expected a depth image as .png.*got no suffix"),
    "a folder named like an image": (
        lambda d: (d.folder / "x.png").mkdir() or d.folder / "x.png",
        r"x\.png: expected a",
    ),
    "corrupt PNG": (
        lambda d: d.file("d.png", PNG_HEADER + b"garbage" * 50),
        r"d\.png: expected a readable depth image",
    ),
    "truncated PNG": (truncated_png, r"cut\.png: expected a readable depth image"),
    "text named PNG": (lambda d: d.file("d.png", "hello"), r"d\.png: expected a readable depth image"),
    "RGB image as depth": (
        lambda d: d.file("d.png", np.zeros((*SIZE, 3), np.uint8)),
        r"expected a depth image of shape \(H, W\), got a colour image of shape \(240, 320, 3\); .*--color",
    ),
    "8-bit preview as depth": (
        lambda d: d.file("d.png", np.full(SIZE, 90, np.uint8)),
        r"expected depth as 16-bit.*got uint8",
    ),
    "JPEG as depth": (lambda d: d.file("d.jpg", np.full(SIZE, 90, np.uint8)), r"got \.jpg; JPEG cannot hold depth"),
    "unknown suffix": (lambda d: d.file("d.raw", b"12"), r"expected a depth image as .png.*got \.raw"),
    "all-zero image": (
        lambda d: d.file("d.png", np.zeros(SIZE, np.uint16)),
        r"at least one pixel with a depth above 0, got 76800",
    ),
    "all NaN": (lambda d: d.file("d.npy", np.full(SIZE, np.nan)), r"at least one pixel with a depth above 0"),
    "all infinite": (lambda d: d.file("d.npy", np.full(SIZE, np.inf)), r"at least one pixel with a depth above 0"),
    "all negative": (lambda d: d.file("d.npy", np.full(SIZE, -1.0)), r"at least one pixel with a depth above 0"),
    "millimetres as metres": (
        lambda d: d.file("d.npy", d.depth_mm.astype(np.float32)),
        r"depths in metres with a median between 0\.02 and 20 m, got a median of \d+.* pass --depth-scale 1000",
    ),
    "three images in one": (lambda d: d.file("d.npy", np.ones((2, *SIZE))), r"shape \(H, W\), got \(2, 240, 320\)"),
    "one row": (lambda d: d.file("d.npy", np.ones(320)), r"shape \(H, W\), got \(320,\)"),
    "empty array": (lambda d: d.file("d.npy", np.ones((0, 320))), r"shape \(H, W\), got \(0, 320\)"),
    "complex numbers": (lambda d: d.file("d.npy", np.ones(SIZE, complex)), r"integers or floats, got complex128"),
    "words": (lambda d: d.file("d.npy", np.full(SIZE, "far")), r"integers or floats, got <U3"),
    "pickled objects": (lambda d: d.file("d.npy", np.array([{}], dtype=object)), r"plain numbers.*never loaded"),
    "empty file": (lambda d: d.file("d.npy", b""), r"d\.npy: expected an undamaged"),
    "text named NPZ": (lambda d: d.file("d.npz", "hello"), r"d\.npz: expected an undamaged"),
    "missing EXR": (lambda d: d.folder / "none.exr", r"none\.exr: expected a readable EXR file, got no such file"),
    "text named EXR": (lambda d: d.file("d.exr", "hello"), r"d\.exr: expected a readable EXR file"),
    "truncated EXR": (truncated_exr, r"cut\.exr: expected a complete EXR file, got one that was cut off"),
    "depth of another size than the camera": (
        lambda d: d.file("d.npy", metres(d)[:, :300]),
        r"expected an image of shape \(240, 320\), as the intrinsics say, got \(240, 300\)",
    ),
}

CAMERAS = {
    "missing camera file": (lambda d: d.folder / "none.json", r"none\.json: expected a readable intrinsics file"),
    "a folder as camera": (lambda d: d.folder, r"expected a readable intrinsics file, got Is a directory"),
    "empty JSON": (lambda d: d.file("c.json", ""), r"c\.json: expected JSON or YAML text"),
    "JSON without fields": (lambda d: d.file("c.json", "{}"), r"expected width, height and either fx, fy, cx, cy or"),
    "JSON list": (lambda d: d.file("c.json", "[1, 2]"), r"expected a mapping of intrinsics, got list"),
    "JSON with NaN": (lambda d: d.camera(fx=float("nan")), r"expected finite intrinsics.*got .*fx=nan"),
    "matrix of eight numbers": (
        lambda d: d.file("c.json", json.dumps({"width": 320, "height": 240, "K": [1.0] * 8})),
        r"a 3x3 matrix K",
    ),
    "negative focal length": (lambda d: d.camera(fx=-300.0), r"fx and fy above 0, got .*fx=-300"),
    "focal length and principal point swapped": (
        lambda d: d.camera(fx=159.5, fy=119.5, cx=1300.0, cy=1300.0),
        r"principal point near the image.*swapped",
    ),
    "width and height swapped": (
        lambda d: d.camera(width=240, height=320),
        r"expected an image of shape \(320, 240\).*got \(240, 320\)",
    ),
    "YAML without K": (lambda d: d.file("c.yaml", "width: 320\nheight: 240\n"), r"a 3x3 matrix K, got the fields"),
    "broken YAML": (lambda d: d.file("c.yaml", "width: [320\n"), r"c\.yaml: expected JSON or YAML text"),
    "binary file as camera": (lambda d: d.file("c.yaml", b"\xff\xfe\x00\x81"), r"c\.yaml: expected JSON or YAML text"),
    "depth scale below 0 in the file": (lambda d: d.camera(depth_scale=-1), r"expected a depth scale above 0"),
}

OPTIONS = {
    "mask of another size": (
        lambda d: ("--mask", d.file("m.png", np.ones((100, 100), np.uint8))),
        r"m\.png: expected an image of the depth image's size \(240, 320\), got \(100, 100\)",
    ),
    "empty mask": (lambda d: ("--mask", d.file("m.png", np.zeros(SIZE, np.uint8))), r"at least one pixel above 0"),
    "missing mask": (lambda d: ("--mask", d.folder / "m.png"), r"m\.png: expected a readable image"),
    "colour of another size": (
        lambda d: ("--color", d.file("c.png", np.zeros((10, 10, 3), np.uint8))),
        r"size \(240, 320\), got \(10, 10\)",
    ),
    "camera by file and by numbers": (
        lambda d: ("--fx", "300"),
        r"--camera: expected a file or --fx --fy --cx --cy, got both",
    ),
    "workspace with min above max": (
        lambda d: ("--workspace", 0.2, -0.2, -1, 1, 0, 2),
        r"--workspace: expected .*each min below its max",
    ),
    "workspace with NaN": (lambda d: ("--workspace", "nan", 1, -1, 1, 0, 2), r"--workspace: expected"),
    "workspace with nothing in it": (
        lambda d: ("--workspace", 5, 6, 5, 6, 5, 6),
        r"at least one pixel with depth within mask, workspace and range",
    ),
    "negative top-k": (lambda d: ("--top-k", -3), r"--top-k: expected at least 1, got -3"),
    "negative seed": (lambda d: ("--seed", -1), r"--seed: expected at least 0, got -1"),
    "depth scale of 0": (lambda d: ("--depth-scale", 0), r"depth_scale: expected units per metre above 0"),
    "depth scale of another camera": (
        lambda d: ("--depth-scale", 1e6),
        r"expected depths in metres .* got a median of .* lower --depth-scale",
    ),
    "range of 0": (lambda d: ("--max-range-m", 0), r"--max-range-m: expected metres, above 0"),
    "everything out of range": (lambda d: ("--max-range-m", 0.1), r"surfaces within 0\.1 m, got the nearest at"),
    "unknown planner": (lambda d: ("--planner", "magic"), r"--planner: expected network, antipodal.* got 'magic'"),
    "planner in no module": (lambda d: ("--planner", "no_such:thing"), r"--planner: expected an importable 'thing'"),
    "planner that needs a simulator": (
        lambda d: ("--planner", "oracle"),
        r"--planner: expected a planner that needs no",
    ),
    "view into another format": (
        lambda d: ("--view", d.folder / "v.txt"),
        r"--view: expected a file name that ends in \.rrd",
    ),
    "viewpoint of an image": (lambda d: ("--viewpoint", 0, 0, 0), r"--viewpoint: expected --cloud beside it"),
    "output where a file stands": (lambda d: ("--output", d.file("f", "x")), r"a folder that can be written to"),
    "JSON where a folder stands": (lambda d: ("--json", d.folder), r"--json: expected a file that can be written"),
}

CLOUDS = {
    "empty cloud": ("c.npy", np.zeros((0, 3)), r"at least one finite point, got an empty cloud"),
    "one point": ("c.npy", np.array([[0.0, 0.0, 1.0]]), r"cloud: expected at least 3 points"),
    "only NaN points": ("c.npy", np.full((9, 3), np.nan), r"at least one finite point, got 9 points, all of them NaN"),
    "points of two numbers": ("c.npy", np.ones((9, 2)), r"points of shape \(N, 3\).*got \(9, 2\)"),
    "points in millimetres": (
        "c.npy",
        np.full((9, 3), 700.0),
        r"expected points in metres.*divide millimetres by 1000",
    ),
    "truncated ASCII PLY": (
        "c.ply",
        PLY.format("ascii", 5) + "1 2 3\n1 2 3\n",
        r"5 points, as its header says, got 2 points .* truncated",
    ),
    "truncated binary PLY": (
        "c.ply",
        PLY.format("binary_little_endian", 5).encode() + bytes(30),
        r"5 points, .* got 2 points .* truncated",
    ),
    "PLY whose header does not end": (
        "c.ply",
        "ply\nformat ascii 1.0\n",
        r"expected a PLY file, .* header does not end",
    ),
    "PLY of nothing": ("c.ply", PLY.format("ascii", 0), r"at least one finite point, got an empty cloud"),
    "text named PLY": ("c.ply", "hello", r"expected a PLY file, got one that cannot be read"),
    "truncated PCD": (
        "c.pcd",
        "FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 3\nHEIGHT 1\nPOINTS 3\nDATA ascii\n1 2 3\n",
        r"3 points, as its header says, got 1 points",
    ),
    "mesh format": ("c.stl", "solid", r"expected a cloud as .ply, .pcd, .npz or .npy, got .stl"),
}


RECORDED_FRAMES = 40


def recording(folder: Path, **changes: Any) -> Path:
    """Recorded keypoints in which something is other than it should be."""
    points = np.random.default_rng(0).normal(size=(RECORDED_FRAMES, 18, 3))
    arrays = {"time_s": np.arange(RECORDED_FRAMES) / 30.0, "skeleton": "body18", "keypoints_m": points, **changes}
    np.savez(folder / "people.npz", **arrays)
    return folder / "people.npz"


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


BEHAVIOR = {
    "nothing to watch": (lambda p: ("watch", p / "none.npz"), r"none\.npz: expected a recording.*got no such file"),
    "an empty folder to watch": (lambda p: ("watch", p), r"expected images .*got a folder without any"),
    "text to watch": (lambda p: ("watch", written(p / "a.txt", "x")), r"a\.txt: expected a camera.*got the suffix"),
    "truncated keypoints": (
        lambda p: ("watch", written(p / "cut.npz", recording(p).read_bytes()[:900])),
        r"cut\.npz: expected an npz file of plain arrays.*cut off",
    ),
    "keypoints out of order": (
        lambda p: ("watch", recording(p, time_s=np.arange(RECORDED_FRAMES)[::-1])),
        r"people\.npz: expected finite times in growing order.*sort the frames",
    ),
    "keypoints of another skeleton": (
        lambda p: ("watch", recording(p, keypoints_m=np.zeros((RECORDED_FRAMES, 17, 3)))),
        r"people\.npz: keypoints_m: expected shape \(40, any, 18, 3\), got \(40, 17, 3\)",
    ),
    "two persons with one number": (
        lambda p: ("watch", recording(p, keypoints_m=np.zeros((RECORDED_FRAMES, 2, 18, 3)), ids=np.array([1, 1]))),
        r"expected each person's id once.*got ids \[1, 1\]",
    ),
    "OpenPose cut off": (
        lambda p: ("watch", written(p / "a_keypoints.json", '{"people": [').parent),
        r"a_keypoints\.json: expected JSON.*cut off",
    ),
    "a film that is none": (
        lambda p: ("watch", written(p / "v.mp4", bytes(99))),
        r"v\.mp4: expected a video that ffmpeg can read",
    ),
    "rules that end too early": (
        lambda p: ("watch", recording(p), "--rules", written(p / "r.yaml", "behaviors: {x: 'hand:hold AND'}")),
        r"r\.yaml: rule x: expected a predicate.*got the end",
    ),
    "rules that are no YAML": (
        lambda p: ("watch", recording(p), "--rules", written(p / "r.yaml", "behaviors: [1")),
        r"r\.yaml: expected YAML.*in line 1",
    ),
    "a motion that the simulated person lacks": (lambda p: ("watch", "humanoid:fly"), r"expected acts out of.*got fly"),
    "nothing to train on": (
        lambda p: ("train", "behavior", "--data", p / "none.npz"),
        r"none\.npz: expected a readable file, got No such file",
    ),
    "keypoints instead of a labelled set": (
        lambda p: ("train", "behavior", "--data", recording(p)),
        r"expected the arrays keypoints, .*got no keypoints, offsets, names, subjects, joints",
    ),
    "no frames to time": (lambda p: ("bench", "pose", "--frames", 0), r"--frames of at least 40.*frames=0"),
    "no package of landmarks": (
        lambda p: ("setup", "pose", "--wheel", p / "none.whl"),
        r"none\.whl: expected a readable wheel",
    ),
}


def expect_one_line(argv: list[str], pattern: str, capsys: pytest.CaptureFixture[str], command: str = "detect") -> None:
    """The command leaves with status 2 and exactly one line that matches."""
    status = main(argv)
    lines = capsys.readouterr().err.splitlines()
    assert status == 2
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"graspmimic {command}: ") and re.search(pattern, lines[0]), lines[0]
    assert " expected " in lines[0] and ", got " in lines[0]


@pytest.mark.parametrize("name", DEPTH_FILES)
def test_bad_depth(desk, capfd, name):
    make, pattern = DEPTH_FILES[name]
    expect_one_line(desk.detect(depth=make(desk)), pattern, capfd)


@pytest.mark.parametrize("name", CAMERAS)
def test_bad_camera(desk, capfd, name):
    make, pattern = CAMERAS[name]
    expect_one_line(desk.detect(camera=make(desk)), pattern, capfd)


@pytest.mark.parametrize("name", OPTIONS)
def test_bad_option(desk, capfd, name):
    make, pattern = OPTIONS[name]
    expect_one_line(desk.detect(more=make(desk)), pattern, capfd)


@pytest.mark.parametrize("name", CLOUDS)
def test_bad_cloud(desk, capfd, name):
    file, content, pattern = CLOUDS[name]
    expect_one_line(desk.cloud(file, content), pattern, capfd)


@pytest.mark.parametrize("name", BEHAVIOR)
def test_bad_recordings_of_people(tmp_path, capfd, name):
    make, pattern = BEHAVIOR[name]
    (tmp_path / "given").mkdir()
    argv = [str(word) for word in make(tmp_path / "given")]
    command = argv[0] if argv[0] == "watch" else " ".join(argv[:2])
    expect_one_line([*argv, "--output", str(tmp_path / "out")], pattern, capfd, command)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_bad_combinations(desk, capfd):
    depth, camera = desk.file("depth.png", desk.depth_mm), desk.camera()
    for argv, pattern in (
        ([], "--depth and --cloud: expected one of the two, got none"),
        (["--depth", depth], "intrinsics: expected --camera FILE.*--fx, --fy, --cx, --cy missing"),
        (["--depth", depth, "--fx", 300, "--fy", 300], "--cx, --cy missing"),
        (["--cloud", desk.file("c.npy", np.ones((5, 3))), "--camera", camera], "--cloud: expected no options of depth"),
    ):
        expect_one_line(["detect", *map(str, argv), "--output", str(desk.folder / "out")], pattern, capfd)


@pytest.mark.parametrize(
    "change, line",
    [
        (("--depth", "none.png"), "none.png: expected a readable depth image"),
        (("--top-k", "-1"), "--top-k: expected at least 1"),
    ],
)
def test_from_the_shell(desk, change, line):
    """As a user meets it: a process of its own, status 2, one line, no traceback."""
    argv = [sys.executable, "-m", "graspmimic", *desk.detect(more=change)]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1 and line in ended.stderr


FUNCTIONS = {
    "grasp rows of wrong columns": (lambda p: from_graspnet(np.zeros((3, 16))), r"\(N, 17\) rows.*got shape \(3, 16\)"),
    "grasp file of wrong columns": (
        lambda p: np.save(p / "g.npy", np.zeros((3, 5))) or load_graspnet(p / "g.npy"),
        r"17.*got shape \(3, 5\)",
    ),
    "missing grasp file": (lambda p: load_graspnet(p / "g.npy"), r"g\.npy: expected a readable \.npy file"),
    "grasp pose with NaN": (
        lambda p: Grasps(np.full((1, 4, 4), np.nan), np.ones(1), np.ones(1)),
        r"poses: expected finite numbers, got NaN",
    ),
    "grasp pose that is no rotation": (
        lambda p: Grasps(2.0 * np.eye(4)[None], np.ones(1), np.ones(1)),
        r"poses: expected rigid transforms",
    ),
    "widths for other grasps": (
        lambda p: Grasps(np.eye(4)[None], np.ones(2), np.ones(1)),
        r"widths_m: expected shape \(1,\), got \(2,\)",
    ),
    "camera pose with NaN": (
        lambda p: plan(T_world_camera=np.full((4, 4), np.nan)),
        r"T_world_camera \(4, 4\), finite",
    ),
    "depth of another size than its camera": (
        lambda p: plan(depth_m=np.ones((5, 5))),
        r"shape \(24, 32\).*got \(5, 5\)",
    ),
    "viewpoint with NaN": (
        lambda p: scene_from_cloud(np.ones((9, 3)), rng(), viewpoint=[np.nan] * 3),
        r"viewpoint: expected",
    ),
    "point cloud in image shape": (
        lambda p: CAMERA.unproject(np.ones((24, 32, 1))),
        r"shape \(24, 32\).*got \(24, 32, 1\)",
    ),
}

CAMERA = PinholeCamera(width=32, height=24, fx=30.0, fy=30.0, cx=15.5, cy=11.5)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def plan(**changes: Any) -> Grasps:
    box = np.array([[-1.0, -1.0, 0.0], [1.0, 1.0, 1.0]])
    view = {"depth_m": np.ones((24, 32)), "T_world_camera": np.eye(4), "workspace": box, "table_z_m": 0.0}
    return AntipodalPlanner()(DepthView(**{"camera": CAMERA, "rng": rng(), **view, **changes}))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_argument(tmp_path, name):
    call, pattern = FUNCTIONS[name]
    with pytest.raises(InputError, match=pattern) as caught:
        call(tmp_path)
    assert "\n" not in str(caught.value)


def test_bad_object_folders(tmp_path):
    from envs.objects import load_objects
    from envs.world import World

    with pytest.raises(InputError, match="none"):
        load_objects(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty"):
        load_objects(tmp_path / "empty")
    folder = tmp_path / "broken"
    folder.mkdir()
    geometry = '<geometry><mesh filename="gone.obj"/></geometry>'
    link = f"<link name='a'><visual>{geometry}</visual><collision>{geometry}</collision></link>"
    (folder / "thing.urdf").write_text(f"<robot name='thing'>{link}</robot>")
    with pytest.raises(InputError, match=r"thing|gone\.obj") as caught, World() as world:
        load_objects(folder)[0].load(world)
    assert "\n" not in str(caught.value)


def result_of(desk: Desk, argv: list[str]) -> dict[str, Any]:
    """Results of a command that must work."""
    assert main([*argv, "--json", str(desk.folder / "result.json")]) == 0
    results: dict[str, Any] = json.loads((desk.folder / "result.json").read_text())["results"]
    return results


def test_holes_of_every_kind_are_no_obstacle(desk):
    depth = metres(desk)
    for row, value in ((20, np.nan), (60, np.inf), (100, -np.inf), (140, -1.0), (180, 0.0)):
        depth[row : row + 2, ::3] = value
    assert result_of(desk, desk.detect(depth=desk.file("d.npy", depth)))["grasps"] > 0


def test_a_single_pixel_is_no_surface(desk, capsys):
    depth = np.zeros(SIZE, np.float32)
    depth[100, 100] = 0.7
    assert main(desk.detect(depth=desk.file("d.npy", depth))) == 2
    assert "got 1 pixel(s) with depth that belong to no surface" in capsys.readouterr().err


def test_a_speck_of_four_pixels_is_no_grasp_but_no_error(desk):
    depth = np.zeros(SIZE, np.float32)
    depth[100:102, 100:102] = 0.7
    results = result_of(desk, desk.detect(depth=desk.file("d.npy", depth)))
    assert (results["grasps"], results["best_score"]) == (0, None) and results["note"]


def test_an_empty_table_is_no_grasp_but_no_error(desk, desk_frame):
    rays = desk_frame.camera.rays() @ desk_frame.T_desk_camera[:3, :3].T
    depth = np.where(rays[..., 2] < -0.1, -desk_frame.T_desk_camera[2, 3] / rays[..., 2], 0.0)
    depth = np.where(depth < 1.2, depth, 0.0).astype(np.float32)
    results = result_of(desk, desk.detect(depth=desk.file("d.npy", depth)))
    assert results["grasps"] == 0 and results["table_found"] and "nothing stands on the table" in results["note"]


def test_a_table_of_pure_noise_ends_well(desk):
    depth = np.random.default_rng(0).uniform(0.4, 1.2, SIZE).astype(np.float32)
    assert result_of(desk, desk.detect(depth=desk.file("d.npy", depth)))["grasps"] >= 0


@pytest.mark.slow
def test_ten_million_points(desk, desk_frame):
    """A desk scanned far too densely is thinned first, and gives grasps."""
    generator = np.random.default_rng(0)
    points = desk_frame.camera.unproject(desk_frame.depth_m)
    points = points[np.isfinite(points[..., 2])].astype(np.float32)
    dense = points[generator.integers(0, len(points), 10_000_000)]
    dense += generator.normal(0.0, 0.0005, dense.shape).astype(np.float32)
    results = result_of(desk, desk.cloud("c.npy", dense))
    assert results["grasps"] > 0
