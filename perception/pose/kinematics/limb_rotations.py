"""Swings and twists of joints that carry one bone each, for any number of joints and moments at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.pose.kinematics.body_shape import PARENTS, BodyShape
from perception.pose.kinematics.joint_limits import HINGES, STRETCH_RAD, cone_of, into_cone, into_hinge
from perception.pose.kinematics.swing_twist import (
    compose,
    cross,
    cross_matrix,
    swing_between,
    turn_about,
    twist_of,
    unit,
)
from perception.pose.skeletons import BODY18


@dataclass(frozen=True, kw_only=True)
class IkSettings:
    """How keypoints become joint rotations."""

    adaptive: bool = True
    """Whether each bone starts where the bones before it really end; else between its own keypoints."""
    limits: bool = True
    """Whether rotations stay within what a body can do."""
    noise_m: float = 0.01
    """Standard deviation of a keypoint's coordinate: how far a nearly straight limb's plane is to be trusted."""
    twist_spread_rad: float = 0.6
    """Standard deviation of people's thigh and upper arm twists about the rest pose."""

    def __post_init__(self) -> None:
        if not (0.0 <= self.noise_m < 1.0 and 0.0 < self.twist_spread_rad <= np.pi):
            raise InputError(
                "IkSettings",
                expected="noise_m from 0 to 1 and twist_spread_rad above 0, to pi",
                got=f"{self.noise_m} and {self.twist_spread_rad}",
            )


class Walk(NamedTuple):
    """What the walk along the tree has found so far; rows are those of `BODY18`."""

    points: FloatArray
    """(T, 18, 3) keypoints, NaN where unseen."""
    places: FloatArray
    """(T, 18, 3) joints as rebuilt."""
    world: FloatArray
    """(T, 18, 3, 3) rotations in the keypoints' reference."""
    local: FloatArray
    """(T, 18, 3, 3) rotations in the parents' frames."""
    known: NDArray[np.bool_]
    """(T, 18) whether the joint's own keypoints told the rotation."""
    bridged: NDArray[np.bool_]
    """(T, 18) whether those two bones on did, together with how the limb was held before."""


class Limbs:
    """Some joints at one depth of the tree, each with the one bone it carries.

    Args:
        joints: names in `BODY18`.
        children: the far ends of their bones.
        shape: the person's.
        settings: how to solve.
    """

    def __init__(self, joints: tuple[str, ...], children: tuple[str, ...], shape: BodyShape, settings: IkSettings):
        self.rows = [BODY18.index(joint) for joint in joints]
        self.ends = [BODY18.index(child) for child in children]
        self.parents = [PARENTS[row] for row in self.rows]
        self.offsets = shape.offsets_m[self.rows]
        self.bones = shape.offsets_m[self.ends]
        self._offsets_m = shape.offsets_m
        self.rest = unit(self.bones)
        self._about = cross_matrix(self.rest)
        self.settings = settings
        hinged = [child.rpartition("_")[2] for child in children]
        sides = np.array([HINGES[name].forward if name in HINGES else True for name in hinged])
        self.has_hinge = np.array([name in HINGES for name in hinged])
        self.planes = _planes(self.rest, sides)
        limbs = [joint.rpartition("_")[2] for joint in joints]
        self._limit = _Hinges(self.rest, limbs) if set(limbs) <= set(HINGES) else _Cones(joints)

    def place(self, walk: Walk) -> None:
        """Put these joints where their parents carry them."""
        turned = (walk.world[:, self.parents] @ self.offsets[..., None])[..., 0]
        walk.places[:, self.rows] = walk.places[:, self.parents] + turned

    def directions(self, walk: Walk) -> FloatArray:
        """(T, n, 3) unit vectors of the bones in the frames of the joints' parents, within limits; NaN = unseen."""
        start = walk.places[:, self.rows]
        if not self.settings.adaptive:
            own = walk.points[:, self.rows]
            start = np.where(np.isfinite(own), own, start)
        towards = unit(walk.points[:, self.ends] - start)
        d = (np.swapaxes(walk.world[:, self.parents], -1, -2) @ towards[..., None])[..., 0]
        if not self.settings.limits:
            return d
        limited = self._limit.directions(d)
        return limited if isinstance(self._limit, _Hinges) else np.where(walk.known[:, :1, None], limited, d)

    def swings(self, directions: FloatArray) -> FloatArray:
        """(T, n, 3, 3) shortest rotations that bring the bones into these directions."""
        return swing_between(self.rest, directions)

    def hinge_twists(self, walk: Walk, swings: FloatArray, below: list[int]) -> FloatArray:
        """(T, n) twists that lay the bones below (far ends in rows `below`) into their hinges' planes of bending."""
        frames = walk.world[:, self.parents] @ swings
        far = walk.places[:, self.rows] + (frames @ self.bones[..., None])[..., 0]
        if not self.settings.adaptive:
            seen = walk.points[:, self.ends]
            far = np.where(np.isfinite(seen), seen, far)
        reach = walk.points[:, below] - far
        squared = np.maximum((reach * reach).sum(axis=-1), 1e-12)
        g = (np.swapaxes(frames, -1, -2) @ reach[..., None])[..., 0]
        ahead, beside = (g * self.planes[:, 1]).sum(axis=-1), (g * self.planes[:, 2]).sum(axis=-1)
        # Noise alone bends a straight limb: of (length sin bend)^2 it makes up 4 s^2 in the mean.
        noise = 2.0 * self.settings.noise_m**2 / squared
        sine = np.maximum((ahead * ahead + beside * beside) / squared - 2.0 * noise, 0.0)
        trust = self.settings.twist_spread_rad**2 * sine
        twist = np.arctan2(beside, ahead)
        # A limb that leans a little the wrong way is stretched too far; it did not turn its plane about.
        stretched = (np.abs(twist) > 0.5 * np.pi) & (sine < np.sin(STRETCH_RAD) ** 2)
        twist = np.where(stretched, twist - np.copysign(np.pi, twist), twist) * trust / np.maximum(trust + noise, 1e-12)
        return np.where(np.isfinite(twist) & self.has_hinge, twist, 0.0)

    def bridge(self, walk: Walk, directions: FloatArray, below: list[int], held: FloatArray) -> FloatArray:
        """Directions (T, n, 3), those with an unseen far end taken from the keypoint one bone further (rows `below`).

        Two bones of lengths l, m that reach over a distance r leave the joint between them a circle; the bone's angle
        to the line has cos = (l^2 + r^2 - m^2) / (2 l r). The point of the circle nearest to the last seen direction
        is taken.
        """
        seen = np.isfinite(directions[..., 0])
        line = walk.points[:, below] - walk.places[:, self.rows]
        lost = ~seen & np.isfinite(line[..., 0]) & self.has_hinge
        walk.bridged[:, self.rows] = lost
        if not lost.any():
            return directions
        before = hold(directions, seen, (held[self.rows] @ self.rest[..., None])[..., 0])
        w = (np.swapaxes(walk.world[:, self.parents], -1, -2) @ line[..., None])[..., 0]
        reach = np.maximum(np.linalg.norm(w, axis=-1, keepdims=True), 1e-6)
        w, own, other = w / reach, self._length(self.ends), self._length(below)
        cosine = np.clip((own**2 + reach**2 - other**2) / (2.0 * own * reach), -1.0, 1.0)
        across = unit(before - (before * w).sum(axis=-1, keepdims=True) * w)
        found = cosine * w + np.sqrt(1.0 - cosine**2) * np.nan_to_num(across)
        return np.where(lost[..., None], unit(found), directions)

    def _length(self, rows: list[int]) -> FloatArray:
        return np.linalg.norm(self._offsets_m[rows], axis=-1, keepdims=True)

    def turn(self, walk: Walk, swings: FloatArray, twists: FloatArray | None, held: FloatArray) -> None:
        """Give the joints these swings and twists, and those without a swing what they held (18, 3, 3) before."""
        rotations = swings
        if twists is not None:
            twists = self._limit.twists(twists) if self.settings.limits else twists
            rotations = swings @ turn_about(self._about, twists)
        bridged = walk.bridged[:, self.rows]
        walk.known[:, self.rows] = known = np.isfinite(swings[..., 0, 0]) & ~bridged
        kept = hold(rotations, known, held[self.rows])
        self.set(walk, np.where(bridged[..., None, None], rotations, kept) if bridged.any() else kept)

    def set(self, walk: Walk, rotations: FloatArray) -> None:
        """Give the joints rotations (T, n, 3, 3) under their parents."""
        walk.local[:, self.rows] = rotations
        walk.world[:, self.rows] = walk.world[:, self.parents] @ rotations

    def limited(self, rotations: FloatArray) -> FloatArray:
        """Rotations (T, n, 3, 3), their swings and twists brought within limits."""
        d = (rotations @ self.rest[..., None])[..., 0]
        twists = self._limit.twists(twist_of(rotations, self.rest))
        return compose(self.rest, self._limit.directions(d), twists)


def hold(values: FloatArray, known: NDArray[np.bool_], first: FloatArray) -> FloatArray:
    """Values (T, n, ...) where known (T, n), else the last known before, else `first` (n, ...)."""
    if known.all():
        return values
    spread = (..., *[None] * (values.ndim - 2))
    last = np.maximum.accumulate(np.where(known, np.arange(len(known))[:, None], -1), axis=0)
    kept = values[np.maximum(last, 0), np.arange(known.shape[1])]
    return np.where((last >= 0)[spread], kept, first)


class _Cones:
    """Limits of joints with three degrees of freedom."""

    def __init__(self, joints: tuple[str, ...]) -> None:
        middles, halves, twists = zip(*(cone_of(joint) for joint in joints), strict=True)
        self._middle, self._half, self._twist = np.array(middles), np.array(halves), np.array(twists)

    def directions(self, directions: FloatArray) -> FloatArray:
        return into_cone(directions, self._middle, self._half)

    def twists(self, twists: FloatArray) -> FloatArray:
        return np.clip(twists, -self._twist, self._twist)


class _Hinges:
    """Limits of elbows and knees."""

    def __init__(self, rest: FloatArray, limbs: list[str]) -> None:
        limits = [HINGES[limb] for limb in limbs]
        # The bone below a hinge points at rest as the one above: the plane of bending is the same.
        self._axes = _planes(rest, np.array([limit.forward for limit in limits]))
        self._least, self._most = np.array([limit.bend_rad for limit in limits]).T
        self._sideways = np.array([limit.sideways_rad for limit in limits])
        self._twist = np.array([limit.twist_rad for limit in limits])

    def directions(self, directions: FloatArray) -> FloatArray:
        return into_hinge(directions, self._axes, self._least, self._most, self._sideways)

    def twists(self, twists: FloatArray) -> FloatArray:
        return np.clip(twists, -self._twist, self._twist)


def _planes(rest: FloatArray, forward: NDArray[np.bool_]) -> FloatArray:
    """(n, 3, 3) rows: the bone at rest, where bending moves the bone below it first, and their cross product."""
    ahead = np.where(forward[:, None], 1.0, -1.0) * np.array([1.0, 0.0, 0.0])
    e = ahead - (ahead * rest).sum(axis=-1, keepdims=True) * rest
    e = np.where(np.linalg.norm(e, axis=-1, keepdims=True) > 1e-6, e, np.array([0.0, 1.0, 0.0]))
    return np.stack([rest, unit(e), cross(rest, unit(e))], axis=-2)
