"""Shapes of obstacles for collision checks: copies of bodies, and observed points as voxels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.world import Body, World
from geometry import FloatArray, InputError

_FACES = np.array(  # the corners of each cube face, as a loop
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)
_OUTWARD = np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]])
_CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
_LARGEST_MESH = 100_000


def copy_body(body: Body, world: World) -> int:
    """Id of a fixed copy in `world` of a body of another world, where it stands now.

    Copies the collision shapes of the base link; a mesh becomes its convex hull.
    """
    source, target = body.world.bullet, world.bullet
    position, quat_xyzw = source.getBasePositionAndOrientation(body.uid)
    shapes = [_copy_shape(data, target) for data in source.getCollisionShapeData(body.uid, -1)]
    if not shapes:
        raise InputError("copy_body", expected="a body with a collision shape", got=body.name)
    merged = {key: [shape[key] for shape in shapes] for key in shapes[0]}
    shape = target.createCollisionShapeArray(
        shapeTypes=merged["type"],
        halfExtents=merged["half"],
        radii=merged["radius"],
        lengths=merged["length"],
        fileNames=merged["file"],
        meshScales=merged["scale"],
        collisionFramePositions=merged["position"],
        collisionFrameOrientations=merged["quat_xyzw"],
    )
    return int(target.createMultiBody(0.0, shape, -1, position, quat_xyzw))


def add_voxels(world: World, points_world: ArrayLike, voxel_m: float) -> int | None:
    """Id of a fixed body made of the cubes that hold at least one point; None where there is no finite point.

    Args:
        world: where to put it.
        points_world: (n, 3) metres; points that are not finite are left out.
        voxel_m: edge of a cube.
    """
    points = np.asarray(points_world, dtype=np.float64).reshape(-1, 3)
    if not voxel_m > 0.0:
        raise InputError("add_voxels", expected="voxel_m > 0", got=f"{voxel_m}")
    cells = np.unique(np.floor(points[np.isfinite(points).all(axis=1)] / voxel_m).astype(np.int64), axis=0)
    if not len(cells):
        return None
    vertices, triangles = _cube_surface(cells)
    if len(vertices) > _LARGEST_MESH:
        raise InputError(
            "add_voxels",
            expected=f"a surface of at most {_LARGEST_MESH} corners",
            got=f"{len(vertices)} from {len(cells)} voxels",
            remedy="crop the cloud or use larger voxels",
        )
    bullet = world.bullet
    shape = bullet.createCollisionShape(
        bullet.GEOM_MESH,
        vertices=(voxel_m * vertices).tolist(),
        indices=triangles.ravel().tolist(),
        flags=bullet.GEOM_FORCE_CONCAVE_TRIMESH,
    )
    return int(bullet.createMultiBody(0.0, shape))


def _cube_surface(cells: NDArray[np.int64]) -> tuple[FloatArray, NDArray[np.int64]]:
    """Corners (v, 3) in voxels and triangles (t, 3) of the faces that no neighbouring cell covers."""
    low = cells.min(axis=0) - 1
    size = cells.max(axis=0) - low + 2
    keys = np.ravel_multi_index(tuple((cells - low).T), tuple(size))
    quads = []
    for face, outward in zip(_FACES, _OUTWARD, strict=True):
        neighbours = np.ravel_multi_index(tuple((cells + outward - low).T), tuple(size))
        open_cells = cells[~np.isin(neighbours, keys)]
        quads.append(open_cells[:, None] + _CORNERS[face])
    corners, index = np.unique(np.concatenate(quads).reshape(-1, 3), axis=0, return_inverse=True)
    quad = index.reshape(-1, 4)
    return corners.astype(np.float64), np.concatenate([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]])


def _copy_shape(data: tuple[Any, ...], bullet: Any) -> dict[str, Any]:
    """One shape of `getCollisionShapeData` as arguments of `createCollisionShapeArray`."""
    kind, size = data[2], data[3]
    return {
        "type": kind,
        "half": [0.5 * x for x in size] if kind == bullet.GEOM_BOX else [0.0] * 3,
        "radius": size[0] if kind == bullet.GEOM_SPHERE else size[1],
        "length": size[0],
        "file": data[4].decode(),
        "scale": list(size),
        "position": data[5],
        "quat_xyzw": data[6],
    }
