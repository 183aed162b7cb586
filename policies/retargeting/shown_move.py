"""One thing carried by a hand, told relative to the thing and to where it went: what can be done again elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray
from perception.pose import PoseFrame
from policies.programs.handling import Handling, handlings_of, motions_by_thing
from policies.programs.motions import settled
from policies.programs.standing import ASSUMED_SIZE_M
from policies.programs.watched_bench import WatchedBench, watch_bench
from policies.retargeting.gripper_motion import RetargetConfig, retarget

Contact = Literal["thing", "fingers"]
"""What tells when the hand takes hold: the thing, which begins to move, or the opening of the fingers."""
_REACH_S = 1.5
"""What belongs to the reach, before the grasp."""
_AROUND_S = 2.0
"""Before and after a thing's motion the hand opens and closes for that thing."""
_NEAR_M = 0.10
"""A hand that comes from no further away makes no reach that is worth doing again."""
_OWN_M = 0.10
"""The last part of a reach, which belongs to the thing: done as it was shown."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ShownMove:
    """The way of a gripper that takes a thing and brings it somewhere, as shown once."""

    reach_m: FloatArray
    """(R, 3) the gripper on its way to the grasp, relative to the middle of the thing where it stands."""
    carry_m: FloatArray
    """(C, 3) the middle of the thing on its way, relative to where it stood."""
    width_m: float
    """Gap between the jaws at the grasp."""
    rate_hz: float
    """Of both."""

    @property
    def grip_m(self) -> FloatArray:
        """(3,) the gripper at the grasp, relative to the middle of the thing."""
        grip: FloatArray = self.reach_m[-1]
        return grip

    def elsewhere(self, hand_m: FloatArray, thing_m: FloatArray, goal_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The gripper's way in another scene.

        The last 10 cm of the reach stay as they were relative to the thing, and the carry begins at the thing and ends
        at the goal. In between, the shift from shown to new grows with the share of the way that is done.

        Source: Mandlekar et al., "MimicGen", CoRL 2023 (motion relative to things; here the shift is spread over the
        way instead of joined by straight lines).

        Args:
            hand_m: (3,) where the gripper is.
            thing_m: (3,) where the thing stands.
            goal_m: (3,) where its middle shall come.
        Returns:
            (R, 3) to the grasp and (C, 3) from there, the gripper in the world.
        """
        shift = hand_m - thing_m - self.reach_m[0]
        reach = thing_m + self.reach_m + (1.0 - _share(self.reach_m, _OWN_M))[:, None] * shift
        missing = goal_m - thing_m - self.carry_m[-1]
        carry = thing_m + self.carry_m + _share(self.carry_m, 0.0)[:, None] * missing
        return reach, carry + self.grip_m


def shown_moves(
    frames: Sequence[PoseFrame], *, contact: Contact = "thing", config: RetargetConfig | None = None
) -> list[ShownMove]:
    """Every thing that was taken and carried somewhere by a hand, in order of time; none is an empty list.

    With `contact` "thing" the thing tells the moment and the place of the grasp: it begins to move, and the way of the
    carry is its own. The hand tells how it comes, how high it grips and how wide. Its place across the thing is not
    taken from the hand but set to the thing's middle (see `_grip`). "fingers" trusts the fingers in everything: it is
    what a gripper would do that moves as the hand did.

    Args:
        frames: with hands of 21 points and poses of things, in metres in the world.
        contact: what tells the grasp.
        config: of the fingertips.

    Raises:
        InputError: where frames cannot be followed (see `watch_bench`), or thumb and index finger of a hand that
            carries something are hardly seen.
    """
    bench = watch_bench(frames)
    motions = motions_by_thing(bench)
    bench = settled(bench, motions)
    found = [
        _by_thing(stretch) if contact == "thing" else _by_fingers(stretch)
        for handling in handlings_of(bench, motions)
        if handling.kind == "carried" and handling.hand is not None
        for stretch in [_stretch(bench, handling, handling.hand.points_m, config)]
    ]
    return [move for move in found if move is not None]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stretch:
    """The part of a recording in which one thing is carried; T rows."""

    thing_m: FloatArray
    """(T, 3) its middle."""
    size_m: tuple[float, float, float]
    hand_m: FloatArray
    """(T, 3) middle between the tips."""
    width_m: FloatArray
    closed: NDArray[np.bool_]
    first: int
    """Last row at which the thing rests before it is carried..."""
    last: int
    """...and the first one at which it rests again."""
    frame_s: float


def _stretch(bench: WatchedBench, handling: Handling, points_m: FloatArray, config: RetargetConfig | None) -> _Stretch:
    """The hand's opening is judged within this time alone, since other things have other widths."""
    around, motion = bench.rows(_AROUND_S), handling.motion
    begin = max(0, motion.first - around)
    rows = slice(begin, motion.last + around + 1)
    gripper = retarget(bench.time_s[rows], points_m[rows], config)
    return _Stretch(
        thing_m=handling.thing.middles_m[rows],
        size_m=handling.thing.size_m or ASSUMED_SIZE_M,
        hand_m=gripper.T_world_grasp[:, :3, 3],
        width_m=gripper.width_m,
        closed=gripper.closed,
        first=motion.first - begin,
        last=motion.last - begin,
        frame_s=bench.frame_s,
    )


def _by_thing(stretch: _Stretch) -> ShownMove:
    first, last = stretch.first, stretch.last
    margin = (last - first) // 6
    held = slice(first + margin, max(last - margin, first + margin + 1))
    grip = _grip(stretch, held)
    reach = _reach(stretch, first)
    return ShownMove(
        reach_m=reach + (grip - reach[-1]),  # the keypoints' offset shows at the grasp: it is taken off the whole reach
        carry_m=stretch.thing_m[first : last + 1] - stretch.thing_m[first],
        width_m=float(np.median(stretch.width_m[held])),
        rate_hz=1.0 / stretch.frame_s,
    )


def _grip(stretch: _Stretch, held: slice) -> FloatArray:
    """(3,) the gripper relative to the middle of the thing: over the middle, at the height that the hand had.

    Tips that close on opposite faces have their middle halfway between these faces, so along the closing axis the
    thing's pose tells the grip better than keypoints do. Along the other level axis nothing tells it, and the robot's
    gripper may close along either of the two, so the middle is taken there too: an assumption about how things are
    gripped, not something shown. The height is the hand's median over the time of the grasp, kept between the thing's
    lower face and a quarter of its height below the upper one, where jaws have something to close on.
    """
    half_m = 0.5 * stretch.size_m[2]
    height_m = np.median((stretch.hand_m - stretch.thing_m)[held, 2])
    return np.array([0.0, 0.0, float(np.clip(height_m, -half_m, 0.5 * half_m))])


def _by_fingers(stretch: _Stretch) -> ShownMove | None:
    """As the fingers closed and opened around the time that the thing moved; None where they were not closed then."""
    middle = (stretch.first + stretch.last) // 2
    if not stretch.closed[middle]:
        return None
    opened = np.flatnonzero(~stretch.closed)
    before, after = opened[opened < middle], opened[opened > middle]
    first = int(before[-1]) + 1 if len(before) else 0
    last = int(after[0]) if len(after) else len(stretch.closed) - 1
    return ShownMove(
        reach_m=_reach(stretch, first) + (stretch.thing_m[first] - stretch.thing_m[min(first, stretch.first)]),
        carry_m=stretch.hand_m[first : last + 1] - stretch.hand_m[first],
        width_m=float(np.median(stretch.width_m[first : last + 1])),
        rate_hz=1.0 / stretch.frame_s,
    )


def _reach(stretch: _Stretch, first: int) -> FloatArray:
    """(R, 3) the hand relative to the thing until it holds; short where it did not come from anywhere."""
    begin = max(0, first - max(1, round(_REACH_S / stretch.frame_s)))
    way = stretch.hand_m[begin : first + 1] - stretch.thing_m[first]
    came = bool((np.linalg.norm(way, axis=1) > _NEAR_M).any())
    return way if came else way[-2:]


def _share(way_m: FloatArray, own_m: float) -> FloatArray:
    """(T,) how much of a way is done, by its length, up to the last `own_m` of it; 1 at its end."""
    done = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(way_m, axis=0), axis=1))])
    if done[-1] <= 0.0:
        return np.linspace(1.0 if len(way_m) == 1 else 0.0, 1.0, len(way_m))
    return np.asarray(np.minimum(done / max(done[-1] - own_m, 0.5 * done[-1]), 1.0))
