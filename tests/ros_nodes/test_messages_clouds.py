"""PointCloud2 against bytes written by hand, read with the `rosbags` package's definitions."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from geometry import InputError
from ros_nodes.messages.clouds import cloud_from_points, points_from_cloud
from tests.ros_nodes.cdr import STORE, Cdr
from tests.ros_nodes.lines import lines_run

INT8, UINT8, UINT16, FLOAT32, FLOAT64 = 1, 2, 4, 7, 8
NAN, INF = float("nan"), float("inf")
Field = tuple[str, int, int, int]
XYZ: list[Field] = [("x", 0, FLOAT32, 1), ("y", 4, FLOAT32, 1), ("z", 8, FLOAT32, 1)]


def written(
    height: int, width: int, fields: list[Field], point_step: int, row_step: int, data: bytes, big: bool = False
) -> Cdr:
    cdr = Cdr().header(1, 2, "camera").put("III", height, width, len(fields))
    for name, offset, datatype, count in fields:
        cdr.text(name).put("IBI", offset, datatype, count)
    return cdr.put("?II", big, point_step, row_step).octets(data).put("?", False)


@pytest.fixture(params=["rosbags", "rclpy"])
def read(request: pytest.FixtureRequest) -> Any:
    def reader(*fields: Any, **more: Any) -> Any:
        data = written(*fields, **more).data
        if request.param == "rclpy":
            return deserialize_message(data, PointCloud2)
        return STORE.deserialize_cdr(data, "sensor_msgs/msg/PointCloud2")

    return reader


def test_three_floats_a_point(read: Any) -> None:
    points = points_from_cloud(read(1, 2, XYZ, 12, 24, struct.pack("<6f", 0.5, -1.0, 2.0, 3.0, 4.0, 5.5)))
    assert points.dtype == np.float64 and points.tolist() == [[0.5, -1.0, 2.0], [3.0, 4.0, 5.5]]


def test_other_fields_around_and_odd_offsets(read: Any) -> None:
    fields = [
        ("ring", 0, UINT16, 1),
        ("z", 3, FLOAT32, 1),
        ("rgb", 7, FLOAT32, 1),
        ("x", 13, FLOAT32, 1),
        ("normal", 1, INT8, 3),
        ("y", 21, FLOAT32, 0),
    ]
    point = b"\xaa" * 3 + struct.pack("<f", 3.0) + b"\xbb" * 6 + struct.pack("<f", 1.0) + b"\xcc" * 4
    point += struct.pack("<f", 2.0) + b"\xdd" * 5
    assert len(point) == 30
    assert points_from_cloud(read(1, 3, fields, 30, 90, point * 3)).tolist() == [[1.0, 2.0, 3.0]] * 3


def test_doubles_and_big_endian_numbers(read: Any) -> None:
    fields = [("x", 0, FLOAT64, 1), ("y", 8, FLOAT32, 1), ("z", 12, FLOAT64, 1)]
    data = struct.pack(">dfd", 0.1, 0.25, -7e-9)
    assert points_from_cloud(read(1, 1, fields, 20, 20, data, big=True)).tolist() == [[0.1, 0.25, -7e-9]]


def test_an_organised_cloud_keeps_its_row_order_and_drops_what_is_not_finite(read: Any) -> None:
    """Two rows of three points, each row with four bytes behind it that are no point."""
    rows = [struct.pack("<9f", 0, 0, 1, 1, 0, 1, NAN, NAN, NAN), struct.pack("<9f", 0, 1, 1, 1, INF, 1, 2, 1, 1)]
    data = rows[0] + b"\xff" * 4 + rows[1] + b"\xff" * 4
    points = points_from_cloud(read(2, 3, XYZ, 12, 40, data))
    assert points.tolist() == [[0, 0, 1], [1, 0, 1], [0, 1, 1], [2, 1, 1]]


def test_an_empty_cloud_is_no_error(read: Any) -> None:
    assert points_from_cloud(read(1, 0, XYZ, 12, 0, b"")).shape == (0, 3)
    assert points_from_cloud(read(0, 0, XYZ, 12, 0, b"")).shape == (0, 3)


def header() -> Header:
    message = Header(frame_id="camera")
    message.stamp.sec, message.stamp.nanosec = 1, 2
    return message


def test_what_is_sent_are_the_bytes_written_by_hand() -> None:
    points = [[0.5, -1.0, 2.0], [3.0, 4.0, 5.5]]
    data = struct.pack("<6f", *points[0], *points[1])
    cdr = written(1, 2, XYZ, 12, 24, data)
    cdr.body[-1] = 1  # is_dense
    assert cdr.matches(cloud_from_points(points, header()))
    coloured = struct.pack("<3fI3fI", *points[0], 0x00FF8001, *points[1], 0x00000203)
    cdr = written(1, 2, [*XYZ, ("rgb", 12, FLOAT32, 1)], 16, 32, coloured)
    cdr.body[-1] = 1
    rgb = np.array([[255, 128, 1], [0, 2, 3]], dtype=np.uint8)
    assert cdr.matches(cloud_from_points(points, header(), rgb))


def test_there_and_back() -> None:
    points = np.random.default_rng(0).normal(size=(50, 3))
    np.testing.assert_allclose(points_from_cloud(cloud_from_points(points, header())), points, atol=1e-6)
    sparse = np.array([[1.0, NAN, 0.0], [1.0, 2.0, 3.0]])
    message = cloud_from_points(sparse, header())
    assert not message.is_dense and points_from_cloud(message).tolist() == [[1.0, 2.0, 3.0]]
    assert points_from_cloud(cloud_from_points(np.zeros((0, 3)), header())).shape == (0, 3)


def test_no_line_is_run_for_each_point() -> None:
    points = np.random.default_rng(0).normal(size=(20_000, 3))
    colours = np.zeros((20_000, 3), np.uint8)
    lines = lines_run(lambda: points_from_cloud(cloud_from_points(points, header(), colours)))
    assert 10 < lines < 1000


def cloud(**given: Any) -> Any:
    fields = [SimpleNamespace(name=n, offset=o, datatype=t, count=c) for n, o, t, c in given.pop("fields", XYZ)]
    known = {"height": 1, "width": 2, "is_bigendian": False, "point_step": 12, "row_step": 24, "data": bytes(24)}
    return SimpleNamespace(fields=fields, **{**known, **given})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fields": XYZ[:2]}, "field z: expected x, y and z, each one FLOAT32 (7) or FLOAT64 (8), got none"),
        ({"fields": []}, "the fields are []"),
        ({"fields": [("x", 0, UINT8, 1), *XYZ[1:]]}, "field x: expected x, y and z"),
        ({"fields": [("x", 0, FLOAT32, 3), *XYZ[1:]]}, "datatype 7 with count 3"),
        ({"fields": [*XYZ[:2], ("z", 9, FLOAT32, 1)]}, "inside the 12 bytes of a point, got offset 9"),
        ({"data": bytes(23)}, "expected 24 bytes or more for 1 x 2 points of 12, got 23"),
        ({"height": 2, "row_step": 12, "data": bytes(48)}, "row_step: expected at least 24 for 2 points a row, got 12"),
    ],
)
def test_bad_clouds_are_told_in_one_line(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        points_from_cloud(cloud(**given))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_bad_points() -> None:
    with pytest.raises(InputError, match=r"points: expected \(N, 3\), got \(4,\)"):
        cloud_from_points([1.0, 2.0, 3.0, 4.0], header())
    with pytest.raises(InputError, match=r"rgb: expected \(1, 3\) uint8"):
        cloud_from_points([[0.0, 0.0, 0.0]], header(), [[1.0, 0.0, 0.0]])
