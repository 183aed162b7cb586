"""Clouds: what Open3D and trimesh write is read back; what is cut off is refused."""

from __future__ import annotations

import numpy as np
import pytest

from geometry import InputError
from perception.frames import read_cloud

o3d = pytest.importorskip("open3d")


@pytest.fixture(scope="module")
def cloud():
    rng = np.random.default_rng(0)
    return rng.uniform(0.1, 1.0, (300, 3)), rng.integers(0, 256, (300, 3)).astype(np.uint8)


def write(path, points, colors=None, **options):
    made = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points))
    if colors is not None:
        made.colors = o3d.utility.Vector3dVector(colors / 255.0)
    assert o3d.io.write_point_cloud(str(path), made, **options)


FORMATS = [
    ("ply", {"write_ascii": True}),
    ("ply", {}),
    ("pcd", {"write_ascii": True}),
    ("pcd", {}),
    ("pcd", {"compressed": True}),
]


@pytest.mark.parametrize("suffix, options", FORMATS)
def test_what_open3d_writes(tmp_path, cloud, suffix, options):
    points, colors = cloud
    path = tmp_path / f"c.{suffix}"
    write(path, points, colors, **options)
    read = read_cloud(path)
    np.testing.assert_allclose(read.points, points, atol=1e-6)
    np.testing.assert_array_equal(read.colors, colors)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.95])
@pytest.mark.parametrize("suffix, options", FORMATS)
def test_cut_files_are_refused(tmp_path, cloud, suffix, options, share):
    path = tmp_path / f"c.{suffix}"
    write(path, cloud[0], **options)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match="truncated|cannot be read"):
        read_cloud(path)


def test_mesh_of_trimesh_gives_its_vertices(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    box = trimesh.creation.box((0.1, 0.2, 0.3))
    for encoding in ("ascii", "binary"):
        (tmp_path / "m.ply").write_bytes(trimesh.exchange.ply.export_ply(box, encoding=encoding))
        np.testing.assert_allclose(read_cloud(tmp_path / "m.ply").points, box.vertices, atol=1e-6)


def test_big_endian_ply(tmp_path):
    header = b"ply\nformat binary_big_endian 1.0\nelement vertex 2\nproperty float x\nproperty float y\n"
    header += b"property float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\nend_header\n"
    record = np.dtype([("p", ">f4", 3), ("c", "u1", 3)])
    rows = np.array([((1, 2, 3), (10, 20, 30)), ((4, 5, 6), (40, 50, 60))], dtype=record)
    (tmp_path / "c.ply").write_bytes(header + rows.tobytes())
    read = read_cloud(tmp_path / "c.ply")
    np.testing.assert_array_equal(read.points, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(read.colors, [[10, 20, 30], [40, 50, 60]])


def test_points_without_return_are_dropped(tmp_path):
    np.savez(tmp_path / "c.npz", points=[[np.nan, 0, 1], [0, 0, 0], [0, 0, 1], [0, np.inf, 1]])
    np.testing.assert_array_equal(read_cloud(tmp_path / "c.npz").points, [[0, 0, 1]])


def test_array_with_colours_as_fractions(tmp_path):
    np.save(tmp_path / "c.npy", [[0.1, 0.2, 0.9, 1.0, 0.0, 0.5]])
    np.testing.assert_array_equal(read_cloud(tmp_path / "c.npy").colors, [[255, 0, 127]])
