"""The convex pieces of a world, and where they are now as one call per body tells it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.cameras.convex_pieces import convex_pieces
from envs.cameras.triangles import VisualPart, visual_parts
from envs.world import Body, World
from geometry import FloatArray, invert, transform_points

MAX_PIECES = 3
"""Most convex pieces of one visual shape."""
_DIGITS = 6
"""Of metres: Bullet tells where shapes are in single precision, and a piece shall not depend on where it was then."""


@dataclass(frozen=True, eq=False)
class PieceTable:
    """P convex pieces, each fixed in one of S frames of reference: a body's centre of mass or a link's frame."""

    still: int
    """So many of the first pieces are on bases that are fixed in the world until somebody moves them."""
    still_frames: int
    """So many of the first frames of reference are theirs."""
    frame: NDArray[np.intp]
    """(P,) number of the frame of reference."""
    planes: FloatArray
    """(P, F, 4) outward planes as in `ConvexPiece.planes`, padded by at least one (0, 0, 0, -1)."""
    faces: list[int]
    """(P,) how many of the planes are faces."""
    corners: FloatArray
    """(P, 8, 3) metres, corners of a box around the piece."""
    rgb: FloatArray
    """(P, F, 3) colour of each face in [0, 1]."""
    body_uids: NDArray[np.int32]
    """(P,) the piece's body."""


class ConvexWorld:
    """Follows the bodies of a world as convex pieces.

    Args:
        world: what to follow.
        max_faces: most faces of a piece.
    """

    def __init__(self, world: World, max_faces: int) -> None:
        self.world = world
        self.max_faces = max_faces
        self.rebuild()

    def changed(self) -> bool:
        """Whether bodies came or went since `rebuild`."""
        bodies = self.world.bodies.values()
        if self._count != self.world.bullet.getNumBodies() or len(bodies) != len(self._bodies):
            return True
        return any(a is not b for a, b in zip(bodies, self._bodies, strict=True))  # Bullet gives uids again

    def rebuild(self) -> None:
        """Read the shapes and colours of all bodies again."""
        bullet = self.world.bullet
        self._bodies: list[Body] = list(self.world.bodies.values())
        self._count: int = bullet.getNumBodies()
        parts = visual_parts(self.world)
        fixed = {uid for uid in {part.body_uid for part in parts} if bullet.getDynamicsInfo(uid, -1)[0] == 0.0}
        frames = {(part.body_uid, part.link_index) for part in parts}
        order = sorted(frames, key=lambda frame: (frame[1] >= 0, frame[0] not in fixed, *frame))
        self._bases = [uid for uid, link in order if link < 0]
        links: dict[int, list[int]] = {}
        for uid, link in order[len(self._bases) :]:
            links.setdefault(uid, []).append(link)
        self._links = list(links.items())
        rows = {frame: row for row, frame in enumerate(order)}
        still = sum(uid in fixed for uid in self._bases)
        parts.sort(key=lambda part: rows[part.body_uid, part.link_index])
        numbers = [rows[part.body_uid, part.link_index] for part in parts]
        self.table = _table(parts, numbers, self.frames(), still, self.max_faces)

    def frames(self) -> FloatArray:
        """(S, 4, 4) poses of the frames of reference in the world, now."""
        bullet, values = self.world.bullet, []
        for uid in self._bases:
            position, quat_xyzw = bullet.getBasePositionAndOrientation(uid)
            values += position
            values += quat_xyzw
        for uid, links in self._links:
            for state in bullet.getLinkStates(uid, links, computeForwardKinematics=1):
                values += state[4]
                values += state[5]
        return _matrices(np.array(values).reshape(-1, 7))


def _table(
    parts: list[VisualPart], numbers: list[int], frames: FloatArray, still_frames: int, max_faces: int
) -> PieceTable:
    """The pieces of the parts, each part's moved into its frame of reference."""
    planes, corners, rgb, frame, uids = [], [], [], [], []
    for part, number in zip(parts, numbers, strict=True):
        T = np.round(invert(frames[number]) @ part.T_world_part, _DIGITS)
        for piece in convex_pieces(part.surface, MAX_PIECES, max_faces):
            planes.append(piece.planes @ invert(T))
            corners.append(transform_points(T, piece.corners))
            rgb.append(piece.rgb * part.rgba[:3])
            frame.append(number)
            uids.append(part.body_uid)
    faces = [len(plane) for plane in planes]
    padded = np.zeros((len(planes), max(faces, default=0) + 1, 4))
    padded[..., 3] = -1.0
    colors = np.zeros((*padded.shape[:2], 3))
    for row, count in enumerate(faces):
        padded[row, :count] = planes[row]
        colors[row, :count] = rgb[row]
    return PieceTable(
        sum(number < still_frames for number in frame),
        still_frames,
        np.array(frame, np.intp),
        padded,
        faces,
        np.array(corners).reshape(-1, 8, 3),
        colors,
        np.array(uids, np.int32),
    )


def _square_terms() -> FloatArray:
    """(16, 9) from the products q_i q_j of a unit quaternion xyzw to its rotation matrix less the identity."""
    matrix = np.zeros((4, 4, 3, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        matrix[j, j, i, i] = matrix[k, k, i, i] = -2.0
        matrix[i, j, i, j] = matrix[i, j, j, i] = 2.0
        matrix[k, 3, i, j], matrix[k, 3, j, i] = -2.0, 2.0
    return matrix.reshape(16, 9)


_SQUARES = _square_terms()
_IDENTITY = np.eye(4)


def _matrices(poses: FloatArray) -> FloatArray:
    """(S, 4, 4) from rows (S, 7) of position and unit quaternion xyzw; SciPy's Rotation takes ten times as long."""
    quat = poses[:, 3:]
    products = (quat[:, :, None] * quat[:, None, :]).reshape(-1, 16)
    T = np.empty((len(poses), 4, 4))
    T[:] = _IDENTITY
    T[:, :3, :3] += (products @ _SQUARES).reshape(-1, 3, 3)
    T[:, :3, 3] = poses[:, :3]
    return T
