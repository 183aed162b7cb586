"""Points <-> sensor_msgs/PointCloud2."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sensor_msgs.msg import PointCloud2, PointField

from geometry import FloatArray, InputError
from perception.cloud import finite_points
from ros_nodes.messages.buffers import bytes_of, data_from

_FLOAT32, _FLOAT64 = 7, 8  # PointField.FLOAT32, FLOAT64
_KINDS = {_FLOAT32: "f4", _FLOAT64: "f8"}
_AXES = ("x", "y", "z")


def points_from_cloud(msg: Any) -> FloatArray:
    """The finite points of a cloud, organised or not, in the order of its data.

    Returns:
        (N, 3) float64 metres in the message's frame.
    Raises:
        InputError: as `grid_from_cloud`.
    """
    return finite_points(grid_from_cloud(msg).reshape(-1, 3))


def grid_from_cloud(msg: Any) -> FloatArray:
    """All points of a cloud in its rows and columns; an unorganised one is a single row.

    Returns:
        (height, width, 3) float64 metres in the message's frame; NaN or infinite where there is no return.
    Raises:
        InputError: where x, y or z is missing or no float, or the data do not fit the stated size.
    """
    layout = _layout(msg)
    height, width = int(msg.height), int(msg.width)
    if height * width == 0:
        return np.zeros((height, width, 3))
    records = np.ndarray((height, width), layout, _checked_data(msg), strides=(int(msg.row_step), int(msg.point_step)))
    points: FloatArray = np.empty((height, width, 3))
    for column, axis in enumerate(_AXES):
        points[..., column] = records[axis]
    return points


def cloud_from_points(points: ArrayLike, header: Any, rgb: ArrayLike | None = None) -> PointCloud2:
    """Unorganised cloud of points, float32, as RViz shows it.

    Args:
        points: (N, 3) metres in the header's frame.
        header: std_msgs/Header.
        rgb: (N, 3) uint8 colours; packed into the field `rgb`.
    """
    places = np.asarray(points, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 3:
        raise InputError("cloud_from_points: points", expected="(N, 3)", got=f"{places.shape}")
    names = _AXES if rgb is None else (*_AXES, "rgb")
    records: NDArray[Any] = np.zeros((len(places), len(names)), dtype="<f4")
    records[:, :3] = places
    if rgb is not None:
        records[:, 3] = _packed(rgb, len(places))
    return PointCloud2(
        header=header,
        height=1,
        width=len(places),
        fields=[
            PointField(name=name, offset=4 * column, datatype=_FLOAT32, count=1) for column, name in enumerate(names)
        ],
        is_bigendian=False,
        point_step=4 * len(names),
        row_step=4 * len(names) * len(places),
        data=data_from(records),
        is_dense=bool(np.isfinite(places).all()),
    )


def _layout(msg: Any) -> np.dtype[Any]:
    """The record type of one point, with x, y and z where the fields say."""
    order, step = ">" if msg.is_bigendian else "<", int(msg.point_step)
    found = {str(entry.name): entry for entry in msg.fields}
    offsets, formats = [], []
    for axis in _AXES:
        entry = found.get(axis)
        kind = None if entry is None else _KINDS.get(int(entry.datatype))
        if entry is None or kind is None or int(entry.count) > 1:
            got = "none" if entry is None else f"datatype {entry.datatype} with count {entry.count}"
            raise InputError(
                f"PointCloud2: field {axis}",
                expected="x, y and z, each one FLOAT32 (7) or FLOAT64 (8)",
                got=f"{got}; the fields are {list(found)}",
            )
        if int(entry.offset) + int(kind[1]) > step:
            raise InputError(
                f"PointCloud2: field {axis}",
                expected=f"inside the {step} bytes of a point",
                got=f"offset {entry.offset}",
            )
        offsets.append(int(entry.offset))
        formats.append(order + kind)
    return np.dtype({"names": list(_AXES), "formats": formats, "offsets": offsets, "itemsize": step})


def _checked_data(msg: Any) -> NDArray[np.uint8]:
    data, width, row_step = bytes_of(msg.data), int(msg.width), int(msg.row_step)
    row = width * int(msg.point_step)
    if row_step < row and int(msg.height) > 1:
        raise InputError(
            "PointCloud2: row_step", expected=f"at least {row} for {width} points a row", got=f"{row_step}"
        )
    needed = row_step * (int(msg.height) - 1) + row
    if len(data) < needed:
        raise InputError(
            "PointCloud2: data",
            expected=f"{needed} bytes or more for {msg.height} x {width} points of {msg.point_step}",
            got=f"{len(data)}",
            remedy="see that the message arrives whole",
        )
    return data


def _packed(rgb: ArrayLike, count: int) -> NDArray[np.float32]:
    """Colours as ROS packs them: 0x00RRGGBB, read as a float32."""
    colours = np.asarray(rgb)
    if colours.shape != (count, 3) or colours.dtype != np.uint8:
        raise InputError(
            "cloud_from_points: rgb", expected=f"({count}, 3) uint8", got=f"{colours.shape} {colours.dtype}"
        )
    channels = colours.astype(np.uint32)
    return ((channels[:, 0] << 16) | (channels[:, 1] << 8) | channels[:, 2]).view(np.float32)
