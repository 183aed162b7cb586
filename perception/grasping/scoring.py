"""How promising a grasp is: a few geometric features, weighed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geometry import FloatArray
from perception.grasping.closing import Closing
from perception.grasping.hand_clearance import Clearance
from perception.grasping.occupancy import Occupancy

_OFFSET = 4.8
_PENALTIES = {
    "fingers": 5.0,
    "fingers_mean": 2.5,
    "palm": 1.2,
    "start": 5.0,
    "thin_contact": 2.2,
    "escape": 2.2,
    "wedge": 3.4,
    "slant": 1.5,
    "skewed": 0.7,
    "shallow": 2.8,
    "at_tips": 1.2,
    "narrow": 2.0,
    "wide": 1.5,
    "unbalanced": 0.4,
    "flat": 0.3,
    "guessed": 0.6,
}
_BALANCE_X_M = np.arange(-0.044, 0.045, 0.008)
_BALANCE_Y_M = np.arange(-0.035, 0.036, 0.01)
_BALANCE_Z_M = np.arange(-0.03, 0.03, 0.01)


class GraspFeatures(NamedTuple):
    """G grasps; every feature is about 0 to 1."""

    fingers: FloatArray
    """(G,) largest probability that an open finger meets something."""
    fingers_mean: FloatArray
    """(G,) mean of that probability over the fingers."""
    palm: FloatArray
    """(G,) largest probability that the palm meets something on its way."""
    start: FloatArray
    """(G,) largest probability that the hand meets something before it even sets out."""
    thin_contact: FloatArray
    """(G,) 1 where the fingers would touch in few places, 0 from three tenths of their face."""
    escape: FloatArray
    """(G,) slope with which the held thing is squeezed out beyond the fingertips; 0 where it is drawn in."""
    wedge: FloatArray
    """(G,) slope with which it is squeezed out sideways."""
    slant: FloatArray
    """(G,) slope of parallel sides against the fingers."""
    skewed: FloatArray
    """(G,) 1 - cosine between closing direction and the line through the contacts."""
    shallow: FloatArray
    """(G,) 1 where the fingers hold with their last millimetres, 0 from 25 mm."""
    at_tips: FloatArray
    """(G,) 1 where a finger would touch with its very tip, 0 from 15 mm."""
    narrow: FloatArray
    """(G,) 1 where nothing thick is held, 0 from 20 mm: what is thin is easily missed."""
    wide: FloatArray
    """(G,) 0 to 60 mm, 1 at 80 mm: little room for an error."""
    unbalanced: FloatArray
    """(G,) distance of the held mass from the fingers, along the hand, over 3 cm."""
    flat: FloatArray
    """(G,) 0 for an approach straight down, 1 for a level one."""
    guessed: FloatArray
    """(G,) share of what is held that nobody has seen."""


def grasp_features(poses: FloatArray, closing: Closing, clearance: Clearance, occupancy: Occupancy) -> GraspFeatures:
    """Features of grasps at poses (G, 4, 4), `T_table_grasp`."""
    width = closing.width_m
    return GraspFeatures(
        fingers=clearance.fingers,
        fingers_mean=clearance.fingers_mean,
        palm=clearance.palm,
        start=clearance.start,
        thin_contact=np.clip(1.0 - closing.contact_lines / 0.3, 0.0, 1.0),
        escape=np.clip(closing.escape, 0.0, 1.5),
        wedge=np.minimum(closing.wedge, 1.5),
        slant=np.minimum(closing.slant, 1.5),
        skewed=1.0 - closing.opposition,
        shallow=np.clip(1.0 - closing.engaged_m / 0.025, 0.0, 1.0),
        at_tips=np.clip(1.0 - closing.contact_depth_m / 0.015, 0.0, 1.0),
        narrow=np.clip(1.0 - width / 0.02, 0.0, 1.0),
        wide=np.clip((width - 0.06) / 0.02, 0.0, 1.0),
        unbalanced=np.minimum(np.abs(_mass_offset(poses, occupancy)) / 0.03, 1.5),
        flat=1.0 + poses[:, 2, 2],
        guessed=1.0 - closing.seen_share,
    )


def grasp_scores(features: GraspFeatures) -> FloatArray:
    """(G,) scores between 0 and 1."""
    columns = features._asdict()
    logit = _OFFSET - sum(weight * columns[name] for name, weight in _PENALTIES.items())
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def _mass_offset(poses: FloatArray, occupancy: Occupancy) -> FloatArray:
    """(G,) mean position along x of the solid around the fingers, metres."""
    grid = np.stack(np.meshgrid(_BALANCE_X_M, _BALANCE_Y_M, _BALANCE_Z_M, indexing="ij"), axis=-1).reshape(-1, 3)
    solid = occupancy.around(poses, grid)
    return np.asarray((solid @ grid[:, 0]) / np.maximum(solid.sum(axis=1), 1e-6), dtype=np.float64)
