"""One thing carried by a hand, told relative to the thing and to where it went: what can be done again elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from geometry import FloatArray
from perception.pose import PoseFrame
from policies.programs.handling import Handling, handlings_of, motions_by_thing
from policies.programs.motions import settled
from policies.programs.watched_bench import WatchedBench, watch_bench
from policies.retargeting.gripper_motion import GripperMotion, RetargetConfig, retarget

Contact = Literal["thing", "fingers"]
"""What tells when the hand takes hold: the thing, which begins to move, or the opening of the fingers."""
_REACH_S = 1.5
_NEAR_M = 0.10
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

        What is near the thing stays as it was relative to the thing, what is near the goal relative to the goal; in
        between, the shift from shown to new grows with the share of the way that is done.

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
    """Every thing that was taken and carried somewhere, in order of time.

    Args:
        frames: with hands of 21 points and poses of things, in metres in the world.
        contact: "thing" takes the moment and the place of the grasp from the thing: it begins to move, and what is
            held keeps its place in the hand, so the grip is the mean over all that time, and the way is the thing's
            own. "fingers" trusts the fingers: it is what a gripper would do that moves as the hand did.
        config: of the fingertips.

    Raises:
        InputError: where frames cannot be followed (see `watch_bench`).
    """
    bench = watch_bench(frames)
    motions = motions_by_thing(bench)
    bench = settled(bench, motions)
    moves = []
    for handling in handlings_of(bench, motions):
        if handling.kind != "carried" or handling.hand is None:
            continue
        motion = retarget(bench.time_s, handling.hand.points_m, config)
        move = _by_thing(bench, handling, motion) if contact == "thing" else _by_fingers(bench, handling, motion)
        if move is not None:
            moves.append(move)
    return moves


def _by_thing(bench: WatchedBench, handling: Handling, motion: GripperMotion) -> ShownMove:
    first, last = handling.motion.first, handling.motion.last
    thing, hand = handling.thing.middles_m, motion.T_world_grasp[:, :3, 3]
    margin = (last - first) // 6
    held = slice(first + margin, max(last - margin, first + margin + 1))
    grip = np.median(hand[held] - thing[held], axis=0)
    reach = hand[_reach_begin(bench, hand, thing, first) : first + 1] - thing[first]
    # the hand's offset shows in the grasp, whose place the thing has told: it is taken off the whole reach
    return ShownMove(
        reach_m=reach + (_inside(grip, handling) - reach[-1]),
        carry_m=thing[first : last + 1] - thing[first],
        width_m=float(np.median(motion.width_m[held])),
        rate_hz=1.0 / bench.frame_s,
    )


def _inside(grip_m: FloatArray, handling: Handling) -> FloatArray:
    """Where tips that close on opposite faces can have their middle: over the thing's own, at the height shown."""
    half = 0.5 * np.array(handling.thing.size_m or (0.05, 0.05, 0.05))
    return np.array([0.0, 0.0, float(np.clip(grip_m[2], -half[2], 0.5 * half[2]))])


def _by_fingers(bench: WatchedBench, handling: Handling, motion: GripperMotion) -> ShownMove | None:
    """As the fingers closed and opened around the time that the thing moved; None where they never closed."""
    closed = np.flatnonzero(motion.closed)
    middle = (handling.motion.first + handling.motion.last) // 2
    if not motion.closed[middle]:
        return None
    opened = np.flatnonzero(~motion.closed)
    before, after = opened[opened < middle], opened[opened > middle]
    first = int(before[-1]) + 1 if len(before) else int(closed[0])
    last = int(after[0]) if len(after) else len(motion.closed) - 1
    thing, hand = handling.thing.middles_m, motion.T_world_grasp[:, :3, 3]
    rest = thing[max(0, min(first, handling.motion.first))]
    return ShownMove(
        reach_m=hand[_reach_begin(bench, hand, thing, first) : first + 1] - rest,
        carry_m=hand[first : last + 1] - hand[first],
        width_m=float(np.median(motion.width_m[first : last + 1])),
        rate_hz=1.0 / bench.frame_s,
    )


def _reach_begin(bench: WatchedBench, hand: FloatArray, thing: FloatArray, first: int) -> int:
    """Row at which the hand sets out for the thing: the last one at which it was far from it, not too long ago."""
    earliest = max(0, first - bench.rows(_REACH_S))
    far = np.flatnonzero(np.linalg.norm(hand[earliest:first] - thing[first], axis=1) > _NEAR_M)
    return earliest if len(far) else max(earliest, first - 1)


def _share(way_m: FloatArray, own_m: float) -> FloatArray:
    """(T,) how much of a way is done, by its length, up to the last `own_m` of it."""
    done = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(way_m, axis=0), axis=1))])
    if done[-1] <= 0.0:
        return np.linspace(0.0, 1.0, len(way_m))
    return np.asarray(np.minimum(done / max(done[-1] - own_m, 0.5 * done[-1]), 1.0))
