"""Depth images, colour, masks and intrinsics: files written by other libraries come back as they were."""

from __future__ import annotations

import json

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from geometry import InputError
from perception.frames import read_color, read_depth, read_intrinsics, read_mask

DEPTH_M = np.linspace(0.4, 1.2, 12).reshape(3, 4)


def test_png_counts_millimetres(tmp_path):
    Image.fromarray(np.array([[500, 0], [1500, 65535]], dtype=np.uint16)).save(tmp_path / "d.png")
    depth = read_depth(tmp_path / "d.png")
    np.testing.assert_allclose(depth.depth_m, [[0.5, 0.0], [1.5, 65.535]], rtol=1e-6)
    assert depth.depth_m.dtype == np.float32
    assert (depth.depth_scale, depth.guessed) == (1000.0, True)


def test_png_that_would_be_ten_metres_away_counts_tenths(tmp_path):
    iio.imwrite(tmp_path / "d.png", np.full((3, 3), 9640, dtype=np.uint16))
    depth = read_depth(tmp_path / "d.png")
    assert depth.depth_m[0, 0] == pytest.approx(0.964) and depth.depth_scale == 10000.0


def test_stated_scale_is_no_guess(tmp_path):
    iio.imwrite(tmp_path / "d.png", np.full((3, 3), 4000, dtype=np.uint16))
    depth = read_depth(tmp_path / "d.png", depth_scale=4000.0)
    assert depth.depth_m[0, 0] == pytest.approx(1.0) and not depth.guessed


@pytest.mark.parametrize("write", ["npy", "npz", "tif"])
def test_float_files_hold_metres(tmp_path, write):
    path = tmp_path / f"d.{write}"
    if write == "npy":
        np.save(path, DEPTH_M)
    elif write == "npz":
        np.savez(path, other=np.zeros(2), depth=DEPTH_M.astype(np.float16))
    else:
        iio.imwrite(path, DEPTH_M.astype(np.float32))
    depth = read_depth(path)
    np.testing.assert_allclose(depth.depth_m, DEPTH_M, atol=1e-3)
    assert (depth.depth_scale, depth.guessed) == (1.0, False)


@pytest.mark.parametrize("channel", ["Z", "Y", "only"])
def test_exr(tmp_path, channel):
    openexr = pytest.importorskip("OpenEXR")
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    openexr.File(header, {channel: DEPTH_M.astype(np.float32)}).write(str(tmp_path / "d.exr"))
    np.testing.assert_allclose(read_depth(tmp_path / "d.exr").depth_m, DEPTH_M, rtol=1e-6)


def test_what_marks_no_return_becomes_zero(tmp_path):
    np.save(tmp_path / "d.npy", np.array([[np.nan, np.inf, -np.inf], [-1.0, 0.0, 0.7]]))
    np.testing.assert_allclose(read_depth(tmp_path / "d.npy").depth_m, [[0, 0, 0], [0, 0, 0.7]], rtol=1e-6)


def test_one_channel_axis_is_dropped(tmp_path):
    np.save(tmp_path / "d.npy", DEPTH_M[..., None])
    assert read_depth(tmp_path / "d.npy").depth_m.shape == (3, 4)


def test_colour_of_grey_alpha_and_sixteen_bits(tmp_path):
    grey = np.array([[0, 128], [200, 255]], dtype=np.uint8)
    iio.imwrite(tmp_path / "grey.png", grey)
    iio.imwrite(tmp_path / "alpha.png", np.dstack([grey, grey // 2, grey // 3, grey]))
    np.testing.assert_array_equal(read_color(tmp_path / "grey.png"), np.dstack([grey] * 3))
    np.testing.assert_array_equal(read_color(tmp_path / "alpha.png"), np.dstack([grey, grey // 2, grey // 3]))


def test_mask_is_true_above_zero(tmp_path):
    iio.imwrite(tmp_path / "m.png", np.array([[0, 1], [255, 0]], dtype=np.uint8))
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png"), [[False, True], [True, False]])


CAMERA_INFO = """image_width: 640
image_height: 480
camera_name: head
camera_matrix:
  rows: 3
  cols: 3
  data: [600.0, 0.0, 320.5, 0.0, 601.0, 240.5, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
"""
TOPIC_ECHO = """header:
  frame_id: camera
height: 480
width: 640
k: [600.0, 0.0, 320.5, 0.0, 601.0, 240.5, 0.0, 0.0, 1.0]
---
"""
PLAIN = "xres: 640  # columns\nyres: 480\nfx: 600\nfy: 601\ncx: 320.5\ncy: 240.5\n"


@pytest.mark.parametrize("text", [CAMERA_INFO, TOPIC_ECHO, PLAIN])
def test_yaml_layouts(tmp_path, text):
    (tmp_path / "camera.yaml").write_text(text)
    camera = read_intrinsics(tmp_path / "camera.yaml").camera
    assert (camera.width, camera.height) == (640, 480)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (600.0, 601.0, 320.5, 240.5)


def test_json_with_depth_scale(tmp_path):
    fields = {"width": 4, "height": 3, "fx": 5, "fy": 6, "cx": 2, "cy": 1, "scale": 1000.0}
    (tmp_path / "camera.json").write_text(json.dumps(fields))
    assert read_intrinsics(tmp_path / "camera.json").depth_scale == 1000.0


def test_pickle_is_never_loaded(tmp_path):
    np.save(tmp_path / "d.npy", np.array([{"depth": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="pickled objects are never loaded"):
        read_depth(tmp_path / "d.npy")
