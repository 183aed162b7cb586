"""What happens between the fingers: where they would touch, how squarely, and how much they hold.

The closing volume of each grasp is read from the occupancy on a small grid. In each line of the grid
along the closing direction the outermost solid voxels are where the fingers would meet something; a
finger is flat and stops at the first of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, GripperSpec
from perception.grasping.occupancy import Occupancy

_SOLID = 0.45
_STEP_Y_M = 0.003
_STEP_Z_M = 0.005
_CONTACT_M = 0.005
_NEAR_M = 0.006


class Closing(NamedTuple):
    """G closings. Lengths in metres; lateral positions are those along the closing direction."""

    low: FloatArray
    """(G,) lateral position where the finger at -y stops; NaN if nothing is between the fingers."""
    high: FloatArray
    """(G,) the same at +y."""
    contact_lines: FloatArray
    """(G,) the smaller share, of both fingers, of grid lines that touch it."""
    escape: FloatArray
    """(G,) slope with which the held thing widens beyond the fingertips: above 0 it is squeezed out."""
    wedge: FloatArray
    """(G,) slope with which it widens along the hand's x: it is squeezed out sideways."""
    slant: FloatArray
    """(G,) slope of parallel sides against the fingers: it turns until it lies flat."""
    opposition: FloatArray
    """(G,) cosine between the closing direction and the line through both contact patches."""
    engaged_m: FloatArray
    """(G,) how far the solid reaches from the fingertips towards the palm."""
    contact_depth_m: FloatArray
    """(G,) mean distance of the contact patches from the fingertips, of both fingers the smaller."""
    seen_share: FloatArray
    """(G,) share of the solid between the fingers that stands on seen surface."""

    @property
    def width_m(self) -> FloatArray:
        """(G,) gap between the fingers once they touch."""
        return self.high - self.low

    @property
    def holds(self) -> NDArray[np.bool_]:
        """(G,) whether anything is between the fingers."""
        return np.isfinite(self.low)

    def of(self, chosen: NDArray[np.bool_]) -> Closing:
        """The chosen closings."""
        return Closing(*(column[chosen] for column in self))


def simulate_closing(poses: FloatArray, occupancy: Occupancy, gripper: GripperSpec) -> Closing:
    """Close the fully open fingers at each pose (G, 4, 4), `T_table_grasp`, on the occupancy."""
    y, rows = _grid(gripper)
    grid = np.stack([np.repeat(rows[:, 0], len(y)), np.tile(y, len(rows)), np.repeat(rows[:, 1], len(y))], axis=1)
    shape = (len(poses), len(rows), len(y))
    value = occupancy.around(poses, grid).reshape(shape)
    solid: NDArray[np.bool_] = value > _SOLID
    touched = np.any(solid, axis=2)
    first = np.where(touched, y[np.argmax(solid, axis=2)], np.inf) - 0.5 * _STEP_Y_M
    last = np.where(touched, y[len(y) - 1 - np.argmax(solid[:, :, ::-1], axis=2)], -np.inf) + 0.5 * _STEP_Y_M
    low, high = first.min(axis=1), last.max(axis=1)
    something = touched.any(axis=1)
    on_low, on_high = first < low[:, None] + _CONTACT_M, last > high[:, None] - _CONTACT_M
    share = np.minimum(on_low.mean(axis=1), on_high.mean(axis=1))
    weight = np.maximum(value.sum(axis=(1, 2)), 1e-6)
    seen = occupancy.around(poses, grid, occupancy.seen).sum(axis=1) / weight
    top = np.where(touched, rows[None, :, 1], 0.0).min(axis=1)
    slopes = np.stack([_side_slope(first, rows), _side_slope(-last, rows)])
    return Closing(
        low=np.where(something, low, np.nan),
        high=np.where(something, high, np.nan),
        contact_lines=np.where(something, share, 0.0),
        escape=0.5 * (slopes[0, :, 1] + slopes[1, :, 1]),
        wedge=0.5 * np.abs(slopes[0, :, 0] + slopes[1, :, 0]),
        slant=0.5 * np.linalg.norm(slopes[0] - slopes[1], axis=1),
        opposition=_opposition(on_low, on_high, rows, np.where(something, high - low, 0.0)),
        engaged_m=np.where(something, -top, 0.0),
        contact_depth_m=np.minimum(*(-_patch_centre(on, rows)[:, 1] for on in (on_low, on_high))),
        seen_share=np.minimum(seen, 1.0),
    )


def _grid(gripper: GripperSpec) -> tuple[FloatArray, FloatArray]:
    """Lateral positions (Y,), and the (x, z) (R, 2) of the lines along them."""
    half = 0.5 * gripper.max_width_m
    y = np.arange(-half + 0.5 * _STEP_Y_M, half, _STEP_Y_M)
    x = np.linspace(-0.42, 0.42, 4) * gripper.finger_breadth_m
    z = -np.arange(0.5 * _STEP_Z_M, gripper.finger_depth_m, _STEP_Z_M)
    return y, np.stack(np.meshgrid(x, z, indexing="ij"), axis=-1).reshape(-1, 2)


def _side_slope(side: FloatArray, rows: FloatArray) -> FloatArray:
    """(G, 2) slope along x and along -z of the gap between a finger's face and what it touches.

    From a plane fitted to the gap over the face, in which lines near the contact weigh most:
    w = exp(-gap / 6 mm). Along -z: above 0 the gap widens towards the palm.
    """
    basis = np.concatenate([np.ones((len(rows), 1)), rows * (1.0, -1.0)], axis=1)
    reached = np.isfinite(side)
    lead = np.where(reached, side, np.inf).min(axis=1, keepdims=True)
    gap = np.where(reached, side - np.where(np.isfinite(lead), lead, 0.0), 0.0)
    weight = np.where(reached, np.exp(-gap / _NEAR_M), 0.0)
    normal = np.einsum("gr,ra,rb->gab", weight, basis, basis, optimize=True) + np.diag([1e-6, 2e-5, 2e-5])
    right = np.einsum("gr,ra->ga", weight * gap, basis)
    return np.linalg.solve(normal, right[..., None])[:, 1:, 0]


def _opposition(
    on_low: NDArray[np.bool_], on_high: NDArray[np.bool_], rows: FloatArray, width: FloatArray
) -> FloatArray:
    """Cosine between the closing direction and the line from the one contact patch to the other."""
    sideways = np.linalg.norm(_patch_centre(on_low, rows) - _patch_centre(on_high, rows), axis=1)
    return np.asarray(width / np.maximum(np.hypot(width, sideways), 1e-9))


def _patch_centre(on: NDArray[np.bool_], rows: FloatArray) -> FloatArray:
    """(G, 2) mean (x, z) of the touched lines."""
    return np.einsum("gr,ra->ga", on, rows) / np.maximum(on.sum(axis=1), 1)[:, None]
