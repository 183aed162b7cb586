"""Keypoints to joint rotations with bones of constant length.

The tree is walked from the pelvis outwards; each joint's rotation is found from what hangs on it:

1. Pelvis and chest are rigid parts with several keypoints: the turn that fits them best (`fit_rotation`).
2. Neck, shoulders, hips, elbows, knees, ankles carry one bone. Its direction d in the frame of the joint's parent is
   the swing (`swing_twist`); the twist, which the bone's ends cannot tell, comes from what hangs on its far end:
   elbows and knees are hinges, so the forearm or shank, seen in the swung frame, must lie in the plane of bending,

       phi = atan2(g.(a x e), g.e),   g = (R(parent) S)^T (p(grandchild) - p(child)) / length

   with a the bone at rest and e the way the hinge bends. Where the limb is nearly straight the plane is lost in the
   noise; phi is the mean of this measurement, of variance 2 (s / (length sin bend))^2 for keypoint noise s, and of the
   rest pose's 0 with the variance of people's twists: the Bayes estimate for normal errors.
3. Forearm twist and wrist come from the hand's points where they are there; wrists without hands, head and toes keep
   the rest pose.
4. Directions and twists outside the joint's limits are brought to their edge (`joint_limits`); those of joints on the
   trunk only where the trunk's own turn is told, else they would be limits against a guess.

`adaptive` takes each direction from where the bones so far really end, p(child) - q(joint), instead of between
keypoints, p(child) - p(joint), so that an error made at one joint is made good by the next instead of carried along
to hand and foot; and it places the pelvis by all of its keypoints. That is the idea of the adaptive solution in Li et
al., "HybrIK", CVPR 2021, section 3.3, here derived from the geometry above for bones and limits of our own.
An unseen elbow or knee is put where both its bones reach the wrist or ankle, nearest to where it was seen last; what
else cannot be told in a frame keeps its rotation of the frame before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from geometry import FloatArray, InputError
from perception.pose.kinematics.body_pose import BodyPose
from perception.pose.kinematics.body_shape import BodyShape
from perception.pose.kinematics.hand_frame import hand_rotations
from perception.pose.kinematics.limb_rotations import IkSettings, Limbs, Walk, hold
from perception.pose.kinematics.rigid_fit import fit_pose, fit_rotation
from perception.pose.kinematics.swing_twist import twist_of
from perception.pose.skeletons import BODY18, HAND21


def _both(limb: str) -> tuple[str, str]:
    return f"left_{limb}", f"right_{limb}"


def _rows(*joints: str) -> list[int]:
    return [BODY18.index(joint) for joint in joints]


_SPINE = BODY18.index("spine")
_PELVIS = _rows("pelvis", "spine", *_both("hip"))
_CHEST = _rows("neck", *_both("shoulder"))
_BELOW = _rows("head", *_both("wrist"), *_both("ankle"))
"""Two bones on from neck, shoulders and hips; the head stands where the neck has none."""


def solve_ik(
    keypoints_m: ArrayLike,
    shape: BodyShape,
    *,
    left_hand_m: ArrayLike | None = None,
    right_hand_m: ArrayLike | None = None,
    settings: IkSettings | None = None,
) -> BodyPose:
    """Joint rotations of a person's keypoints over time, all moments at once.

    Args:
        keypoints_m: (T, 18, 3) of `BODY18` in metres, NaN where unseen.
        shape: the person's bones.
        left_hand_m: (T, 21, 3) of `HAND21`, NaN where unseen; for forearm twist and wrist.
        right_hand_m: the same of the right hand.
        settings: how to solve.

    Raises:
        InputError: for other shapes, an infinite number, or if no joint is seen in any frame.
    """
    points = _checked("keypoints_m", keypoints_m, len(BODY18))
    if not np.isfinite(points).all(axis=-1).any():
        raise InputError("solve_ik", expected="a keypoint that is seen in some frame", got="none")
    hands = [_checked("hands", hand, len(HAND21)) for hand in (left_hand_m, right_hand_m) if hand is not None]
    if any(len(hand) != len(points) for hand in hands):
        raise InputError("solve_ik", expected=f"hands of {len(points)} frames", got="another number")
    solver = _Solver(shape, settings or IkSettings())
    start = np.nanmean(points[np.isfinite(points).all(-1).any(-1)][0], axis=0)
    return solver.solve(points, _hand_frames(left_hand_m, right_hand_m, len(points)), start, _at_rest())


class CausalIk:
    """The same frame by frame, for a live source: what a frame does not tell is kept from the frame before.

    Args:
        shape: the person's bones.
        settings: how to solve.
    """

    def __init__(self, shape: BodyShape, settings: IkSettings | None = None) -> None:
        self._solver = _Solver(shape, settings or IkSettings())
        self._root_m, self._local = np.zeros(3), _at_rest()

    def update(
        self, keypoints_m: ArrayLike, left_hand_m: ArrayLike | None = None, right_hand_m: ArrayLike | None = None
    ) -> BodyPose:
        """The pose at one moment (T = 1) of keypoints (18, 3) and hands (21, 3).

        Raises:
            InputError: for another shape or an infinite number.
        """
        points = _checked("keypoints_m", np.asarray(keypoints_m, dtype=float)[None], len(BODY18))
        hands = [None if hand is None else np.asarray(hand, dtype=float)[None] for hand in (left_hand_m, right_hand_m)]
        for hand in hands:
            if hand is not None:
                _checked("hands", hand, len(HAND21))
        pose = self._solver.solve(points, _hand_frames(hands[0], hands[1], 1), self._root_m, self._local)
        self._root_m, self._local = pose.root_m[0], self._solver.told
        return pose


class _Solver:
    """The walk along the tree for one shape; `told` are the last rotations that joints' own keypoints told."""

    def __init__(self, shape: BodyShape, settings: IkSettings) -> None:
        self._shape, self._settings = shape, settings
        swung = ("neck", *_both("shoulder"), *_both("hip"))
        hinged = (*_both("elbow"), *_both("knee"))
        self._trunk = Limbs(("spine",), ("neck",), shape, settings)
        self._swung = Limbs(swung, ("head", *hinged), shape, settings)
        self._hinged = Limbs(hinged, (*_both("wrist"), *_both("ankle")), shape, settings)
        self._ankles = Limbs(_both("ankle"), _both("toe"), shape, settings)
        self._wrists = Limbs(_both("wrist"), _both("wrist"), shape, settings)
        self._ends = _rows("head", *_both("toe"))
        self._carriers = _rows("neck", *_both("ankle"))
        self.told = _at_rest()

    def solve(self, points: FloatArray, hands: FloatArray | None, root_m: FloatArray, held: FloatArray) -> BodyPose:
        count = len(points)
        still = np.broadcast_to(np.eye(3), (count, len(BODY18), 3, 3))
        known, bridged = np.ones((count, len(BODY18)), dtype=bool), np.zeros((count, len(BODY18)), dtype=bool)
        walk = Walk(points, np.empty((count, len(BODY18), 3)), still.copy(), still.copy(), known, bridged)
        self._pelvis(walk, root_m, held)
        self._chest(walk, held)
        self._swung.place(walk)
        directions = self._swung.bridge(walk, self._swung.directions(walk), _BELOW, held)
        swings = self._swung.swings(directions)
        self._swung.turn(walk, swings, self._swung.hinge_twists(walk, swings, _BELOW), held)
        self._hinged.place(walk)
        self._forearms(walk, hands, held)
        self._ankles.place(walk)
        self._ankles.turn(walk, self._ankles.swings(self._ankles.directions(walk)), None, held)
        self._hands(walk, hands, held)
        bones = self._shape.offsets_m[self._ends][..., None]
        walk.places[:, self._ends] = walk.places[:, self._carriers] + (walk.world[:, self._carriers] @ bones)[..., 0]
        self.told = np.where(walk.known[-1, :, None, None], walk.local[-1], held)
        return BodyPose(
            root_m=walk.places[:, 0].copy(),
            quats_xyzw=Rotation.from_matrix(walk.local.reshape(-1, 3, 3)).as_quat().reshape(count, -1, 4),
            residual_m=np.sqrt(((walk.places - points) ** 2).sum(axis=-1)),
            filled=~(walk.known | walk.bridged),
        )

    def _pelvis(self, walk: Walk, root_m: FloatArray, held: FloatArray) -> None:
        """By hips and spine; where they do not tell, by the whole trunk as if it were stiff; else as before."""
        points, template = walk.points[:, _PELVIS], self._shape.offsets_m[_PELVIS]
        R, t, known = fit_pose(template, points)
        if not self._settings.adaptive:
            own = fit_rotation(template[1:], points[:, 1:] - points[:, :1])
            R = np.where(own[1][:, None, None], own[0], R)
            t = np.where(np.isfinite(points[:, 0]), points[:, 0], t)
        if not known.all():
            R, t, known = self._stiff_trunk(walk, R, t, known, held)
        walk.known[:, 0] = known
        walk.places[:, 0] = hold(t[:, None], np.isfinite(t[:, :1]), root_m[None])[:, 0]
        walk.world[:, 0] = walk.local[:, 0] = R

    def _stiff_trunk(
        self, walk: Walk, R: FloatArray, t: FloatArray, known: NDArray[np.bool_], held: FloatArray
    ) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
        """Turn and place (NaN: unknown) of the pelvis with hips or spine unseen; and whether the turn is known."""
        offsets = self._shape.offsets_m
        template = np.concatenate([offsets[_PELVIS], offsets[_SPINE] + offsets[_CHEST]])
        points = walk.points[:, _PELVIS + _CHEST]
        whole_R, _, whole = fit_pose(template, points)
        R = np.where(known[:, None, None], R, whole_R)
        told = known | whole
        R = hold(R[:, None], told[:, None], held[:1])[:, 0]
        if not told.all():
            R = np.where(told[:, None, None], R, fit_pose(template, points, near=R)[0])
        by_all = points - template @ np.swapaxes(R, -1, -2)
        seen = np.isfinite(by_all).all(axis=-1, keepdims=True)
        count = seen.sum(axis=1)
        mean = np.where(seen, by_all, 0.0).sum(axis=1) / np.where(count > 0, count, np.nan)
        return R, np.where(known[:, None], t, mean), told

    def _chest(self, walk: Walk, held: FloatArray) -> None:
        self._trunk.place(walk)
        start = walk.places[:, _SPINE]
        if not self._settings.adaptive:
            start = np.where(np.isfinite(walk.points[:, _SPINE]), walk.points[:, _SPINE], start)
        R, known = fit_rotation(self._shape.offsets_m[_CHEST], walk.points[:, _CHEST] - start[:, None])
        local = (np.swapaxes(walk.world[:, 0], -1, -2) @ R)[:, None]
        if self._settings.limits:
            local = np.where(walk.known[:, :1, None, None], self._trunk.limited(local), local)
        walk.known[:, _SPINE] = known
        self._trunk.set(walk, hold(local, known[:, None], held[_SPINE : _SPINE + 1]))

    def _forearms(self, walk: Walk, hands: FloatArray | None, held: FloatArray) -> None:
        """Elbows and knees; the forearm's twist is what the hand is turned against it."""
        swings = self._hinged.swings(self._hinged.directions(walk))
        self._hinged.turn(walk, swings, None, held)
        if hands is not None:
            twists, arms = np.zeros((len(walk.points), 4)), self._hinged.rows[:2]
            against = np.swapaxes(walk.world[:, arms], -1, -2) @ hands
            measured = twist_of(against, self._hinged.rest[:2])
            twists[:, :2] = np.where(np.isfinite(measured), measured, 0.0)
            self._hinged.turn(walk, swings, twists, held)

    def _hands(self, walk: Walk, hands: FloatArray | None, held: FloatArray) -> None:
        self._wrists.place(walk)
        rotations = walk.local[:, self._wrists.rows]
        if hands is not None:
            rotations = np.swapaxes(walk.world[:, self._wrists.parents], -1, -2) @ hands
            if self._settings.limits:
                rotations = self._wrists.limited(rotations)
            known = np.isfinite(rotations[..., 0, 0])
            walk.known[:, self._wrists.rows] = known
            rotations = hold(rotations, known, held[self._wrists.rows])
        self._wrists.set(walk, rotations)


def _at_rest() -> FloatArray:
    return np.tile(np.eye(3), (len(BODY18), 1, 1))


def _hand_frames(left: ArrayLike | None, right: ArrayLike | None, count: int) -> FloatArray | None:
    """(T, 2, 3, 3) left and right hand's rotations; None without hands."""
    if left is None and right is None:
        return None
    unseen = np.full((count, 3, 3), np.nan)
    given = (unseen if hand is None else hand_rotations(np.asarray(hand, dtype=float)) for hand in (left, right))
    return np.stack(list(given), axis=1)


def _checked(name: str, points: ArrayLike, rows: int) -> FloatArray:
    array = np.asarray(points, dtype=float)
    if array.ndim != 3 or array.shape[1:] != (rows, 3) or not len(array) or np.isinf(array).any():
        raise InputError(
            "solve_ik",
            expected=f"{name} of shape (frames, {rows}, 3) with finite numbers, NaN where unseen",
            got="an infinite number" if np.isinf(array).any() else f"{array.shape}",
        )
    return np.where(np.isfinite(array).all(axis=-1, keepdims=True), array, np.nan)
