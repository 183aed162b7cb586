"""Images against bytes written by hand, read with the `rosbags` package's definitions."""

from __future__ import annotations

import struct
from array import array
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from geometry import InputError
from ros_nodes.messages.images import (
    depth_from_image,
    image_from_depth,
    image_from_mask,
    image_from_rgb,
    mask_from_image,
    rgb_from_image,
)
from tests.ros_nodes.cdr import STORE, Cdr
from tests.ros_nodes.lines import lines_run


def written(height: int, width: int, encoding: str, big: int, step: int, data: bytes) -> Cdr:
    cdr = Cdr().header(12, 340_000_000, "camera").put("II", height, width).text(encoding)
    return cdr.put("BI", big, step).octets(data)


@pytest.fixture(params=["rosbags", "rclpy"])
def read(request: pytest.FixtureRequest) -> Any:
    """Makes a message of a hand-written image, with both readers."""

    def reader(*fields: Any) -> Any:
        data = written(*fields).data
        if request.param == "rclpy":
            return deserialize_message(data, Image)
        return STORE.deserialize_cdr(data, "sensor_msgs/msg/Image")

    return reader


@pytest.mark.parametrize("encoding", ["16UC1", "mono16"])
@pytest.mark.parametrize(("big", "order"), [(0, "<"), (1, ">")])
def test_depth_in_millimetres(read: Any, encoding: str, big: int, order: str) -> None:
    data = struct.pack(order + "6H", 0, 1, 1000, 2500, 65535, 256)
    depth_m = depth_from_image(read(2, 3, encoding, big, 6, data))
    assert depth_m.dtype == np.float32 and depth_m.shape == (2, 3)
    np.testing.assert_allclose(depth_m, [[0.0, 0.001, 1.0], [2.5, 65.535, 0.256]], rtol=1e-6)


@pytest.mark.parametrize("step", [4, 5, 7, 64])
def test_rows_longer_than_their_pixels(read: Any, step: int) -> None:
    rows = [struct.pack("<2H", 100, 200), struct.pack("<2H", 300, 400)]
    padded = rows[0] + b"\xff" * (step - 4) + rows[1] + b"\xff" * (step - 4)
    np.testing.assert_allclose(depth_from_image(read(2, 2, "16UC1", 0, step, padded)), [[0.1, 0.2], [0.3, 0.4]])
    unpadded_last = padded[: step + 4]
    np.testing.assert_allclose(depth_from_image(read(2, 2, "16UC1", 0, step, unpadded_last)), [[0.1, 0.2], [0.3, 0.4]])


@pytest.mark.parametrize(("big", "order"), [(0, "<"), (1, ">")])
def test_depth_in_metres_and_what_is_no_return(read: Any, big: int, order: str) -> None:
    data = struct.pack(order + "6f", 0.75, float("nan"), float("inf"), -1.0, 0.0, 3.25)
    depth_m = depth_from_image(read(2, 3, "32FC1", big, 12, data))
    assert depth_m.dtype.isnative
    np.testing.assert_array_equal(depth_m, [[0.75, 0.0, 0.0], [0.0, 0.0, 3.25]])


@pytest.mark.parametrize(
    ("encoding", "pixel"),
    [
        ("rgb8", b"\x01\x02\x03"),
        ("bgr8", b"\x03\x02\x01"),
        ("rgba8", b"\x01\x02\x03\xff"),
        ("bgra8", b"\x03\x02\x01\xff"),
    ],
)
def test_colours_in_their_order(read: Any, encoding: str, pixel: bytes) -> None:
    other = bytes(10 * value % 256 for value in pixel)
    step = 2 * len(pixel) + 1
    rgb = rgb_from_image(read(1, 2, encoding, 0, step, pixel + other + b"\x99"))
    np.testing.assert_array_equal(rgb, [[[1, 2, 3], [10, 20, 30]]])
    assert rgb.flags.c_contiguous and rgb.flags.writeable and rgb.dtype == np.uint8


def test_grey_is_colour_too(read: Any) -> None:
    np.testing.assert_array_equal(
        rgb_from_image(read(2, 1, "mono8", 0, 1, b"\x07\xc8")), [[[7, 7, 7]], [[200, 200, 200]]]
    )


@pytest.mark.parametrize(
    ("encoding", "big", "data"),
    [
        ("mono8", 0, b"\x00\x01\xff"),
        ("8UC1", 0, b"\x00\x02\x03"),
        ("mono16", 1, b"\x00\x00\x01\x00\x00\x01"),
        ("16UC1", 0, b"\x00\x00\x01\x00\x00\x01"),
    ],
)
def test_masks(read: Any, encoding: str, big: int, data: bytes) -> None:
    mask = mask_from_image(read(1, 3, encoding, big, len(data), data))
    assert mask.dtype == bool and mask.tolist() == [[False, True, True]]


@pytest.mark.parametrize("kind", [bytes, lambda data: array("B", data), lambda data: np.frombuffer(data, np.uint8)])
def test_every_kind_of_buffer(kind: Any) -> None:
    data = kind(struct.pack("<2H", 500, 1500))
    message = SimpleNamespace(height=1, width=2, encoding="16UC1", is_bigendian=0, step=4, data=data)
    np.testing.assert_allclose(depth_from_image(message), [[0.5, 1.5]])


def header() -> Header:
    message = Header(frame_id="camera")
    message.stamp.sec, message.stamp.nanosec = 12, 340_000_000
    return message


def test_what_is_sent_are_the_bytes_written_by_hand() -> None:
    depth_m = np.array([[0.5, np.nan, 70.0], [0.0004, 1.2346, -1.0]])
    sent = image_from_depth(depth_m, header())
    assert written(2, 3, "16UC1", 0, 6, struct.pack("<6H", 500, 0, 0, 0, 1235, 0)).matches(sent)
    sent = image_from_depth(depth_m, header(), "32FC1")
    floats = struct.pack("<6f", 0.5, 0.0, 70.0, 0.0004, 1.2346, 0.0)
    assert written(2, 3, "32FC1", 0, 12, floats).matches(sent)
    rgb = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert written(2, 2, "rgb8", 0, 6, bytes(range(12))).matches(image_from_rgb(rgb, header()))
    mask = image_from_mask([[True, False]], header())
    assert written(1, 2, "mono8", 0, 2, b"\xff\x00").matches(mask)


def test_a_picture_that_is_a_view_of_another_is_sent_as_it_looks() -> None:
    rgb = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    shown = rgb[::-2, 1:3, ::-1]
    np.testing.assert_array_equal(rgb_from_image(image_from_rgb(shown, header())), shown)


def test_no_line_is_run_for_each_pixel_or_row() -> None:
    depth_m, rgb = np.ones((2000, 3)), np.zeros((2000, 3, 3), np.uint8)
    assert 10 < lines_run(lambda: depth_from_image(image_from_depth(depth_m, header()))) < 500
    assert 10 < lines_run(lambda: rgb_from_image(image_from_rgb(rgb, header()))) < 500


def image(**fields: Any) -> Any:
    known = {"height": 2, "width": 2, "encoding": "16UC1", "is_bigendian": 0, "step": 4, "data": bytes(8)}
    return SimpleNamespace(**{**known, **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"encoding": "rgb8"}, "expected 16UC1, mono16, 32FC1, got 'rgb8'; take the depth topic"),
        ({"encoding": ""}, "got ''"),
        ({"step": 3}, "step: expected at least 4 bytes for 2 pixels a row, got 3"),
        ({"data": bytes(7)}, "expected 8 bytes or more for 2 rows of 4, got 7"),
        ({"data": b""}, "got 0"),
        ({"height": 0}, "height and width above 0, got 0 x 2"),
        ({"width": 0, "step": 0}, "got 2 x 0"),
        ({"encoding": "32FC1"}, "at least 8 bytes"),
    ],
)
def test_bad_images_are_told_in_one_line(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        depth_from_image(image(**fields))
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: rgb_from_image(image()), "rgb8, bgr8, rgba8, bgra8, mono8, got '16UC1'"),
        (lambda: mask_from_image(image(encoding="32FC1", step=8)), "mono8, 8UC1, mono16, 16UC1"),
        (lambda: image_from_depth(np.zeros((2, 2, 1)), header()), "(2, 2, 1)"),
        (lambda: image_from_depth(np.zeros((0, 2)), header()), "not empty"),
        (lambda: image_from_depth(np.zeros((2, 2)), header(), "8UC1"), "'16UC1' or '32FC1'"),  # type: ignore[arg-type]
        (lambda: image_from_rgb(np.zeros((2, 2, 3)), header()), "float64"),
        (lambda: image_from_rgb(np.zeros((2, 2), np.uint8), header()), "(H, W, 3) uint8"),
    ],
)
def test_other_bad_pictures(make: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert said in str(caught.value)
