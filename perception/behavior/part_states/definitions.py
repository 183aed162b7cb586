"""Part states that follow from what their words mean, as soft thresholds in units of the body.

Names are those of the rules' vocabulary: HAKE's (Li et al. 2020) as far as keypoints and objects' places can tell, and
additions of ours. A torso, from hips to neck, is about 0.5 m. Speeds that count as motion stand above what a
centimetre of noise on everything makes of a thing at rest: 0.1 torso a second along an axis, 0.3 at worst. States
that are fitted to data stand in `part_states.json`.
"""

from __future__ import annotations

from perception.behavior.part_states.predicate import Factor, Predicate, above, below

SIDES = ("left", "right")
DEFINED = "defined"


def _state(name: str, *factors: Factor) -> Predicate:
    return Predicate(name=name, factors=factors, origin=DEFINED)


def body_definitions() -> tuple[Predicate, ...]:
    """States of the body alone, over `PERSON_FEATURES`."""
    slow = below("torso_speed", 0.35, 0.06)
    states = [
        _state("body:still", below("torso_speed", 0.2, 0.04)),
        _state("body:move", above("torso_speed", 0.35, 0.06)),
        _state("body:rise", above("torso_rise_speed", 0.8, 0.12)),
        _state("body:sink", below("torso_rise_speed", -0.8, 0.12)),
        _state("body:turn", above("heading_rate", 1.2, 0.2)),
        _state("hip:sit", *(below(f"{side}_{joint}_angle", 2.2, 0.12) for joint in ("hip", "knee") for side in SIDES),
               slow, below("trunk_lean", 0.8, 0.1)),
        _state("hip:bend", above("trunk_lean", 0.7, 0.08)),
        _state("leg:stand", slow, below("trunk_lean", 0.5, 0.07),
               *(above(f"{side}_knee_angle", 2.5, 0.1) for side in SIDES),
               *(below(f"{side}_foot_height", 0.3, 0.04) for side in SIDES)),
        _state("leg:jump", *(above(f"{side}_foot_height", 0.3, 0.04) for side in SIDES), below("trunk_lean", 0.9, 0.1)),
        _state("leg:straddle", above("feet_apart", 1.1, 0.08), slow),
        *(_state(f"{side}_hand:near-other-hand", below("hand_to_hand", 0.35, 0.05)) for side in SIDES),
    ]  # fmt: skip
    return (*states, *(state for side in SIDES for state in _limb_definitions(side)))


def _limb_definitions(side: str) -> tuple[Predicate, ...]:
    speed, over_hips, over_shoulders = f"{side}_hand_speed", f"{side}_wrist_over_hips", f"{side}_wrist_over_shoulders"
    return (
        _state(f"{side}_hand:still", below(speed, 0.25, 0.05)),
        _state(f"{side}_hand:move", above(speed, 0.4, 0.07)),
        _state(f"{side}_hand:near-head", below(f"{side}_hand_to_head", 0.45, 0.05)),
        _state(f"{side}_hand:raise-over-head", above(over_shoulders, 0.45, 0.05)),
        _state(f"{side}_hand:wave", above(over_hips, 0.75, 0.08), above(speed, 0.8, 0.12)),
        _state(f"{side}_hand:gesture-to", above(over_hips, 0.35, 0.05), above(speed, 0.5, 0.08)),
        _state(f"{side}_arm:raise", above(over_shoulders, -0.05, 0.05)),
        _state(f"{side}_leg:bend", below(f"{side}_knee_angle", 2.3, 0.1)),
        _state(f"{side}_arm:extend", above(f"{side}_elbow_angle", 2.6, 0.1)),
        _state(f"{side}_arm:punch", above(speed, 2.5, 0.3), above(over_shoulders, -0.45, 0.06),
               above(f"{side}_elbow_angle", 1.6, 0.15)),
        _state(f"{side}_arm:swing", above(speed, 1.0, 0.15), below(over_shoulders, -0.2, 0.06)),
    )  # fmt: skip


def thing_definitions() -> tuple[Predicate, ...]:
    """States of one object, over `OBJECT_FEATURES`."""
    return (
        _state("thing:still", below("speed", 0.25, 0.05)),
        _state("thing:move", above("speed", 0.35, 0.06)),
        _state("thing:rise", above("rise_speed", 0.2, 0.035)),
        _state("thing:sink", below("rise_speed", -0.2, 0.035)),
        _state("thing:tilt", above("tilt", 0.8, 0.1)),
        _state("thing:supported", below("height", 0.08, 0.015)),
    )


def hold_definitions(side: str) -> tuple[Predicate, ...]:
    """States of one hand and one object, over `OBJECT_FEATURES` beside `PERSON_FEATURES`.

    A hand holds within half a torso: from the wrist, often the only point seen of a hand, to the middle of a thing in
    it are 0.1 to 0.25 m. What it reaches for is no further from it than an arm is long.
    """
    hand, distance, closing = f"{side}_hand", f"{side}_hand_distance", f"{side}_hand_closing_speed"
    near = below(distance, 0.5, 0.04)
    held = (near, below(f"{side}_hand_relative_speed", 0.5, 0.07))
    moves, rests = above("speed", 0.35, 0.06), below("speed", 0.35, 0.06)
    return (
        _state(f"{hand}:near-thing", below(distance, 0.7, 0.05)),
        _state(
            f"{hand}:reach-for",
            above(closing, 0.25, 0.04),
            above(f"{side}_hand_heading", 0.75, 0.06),
            above(distance, 0.3, 0.03),
            below(distance, 1.3, 0.1),
            rests,
        ),
        _state(f"{hand}:touch", near),
        _state(f"{hand}:hold", *held),
        _state(f"{hand}:carry", *held, moves),
        _state(f"{hand}:lift", *held, above("rise_speed", 0.2, 0.035)),
        _state(f"{hand}:put-on", *held, below("rise_speed", -0.2, 0.035)),
        _state(f"{hand}:push", near, moves, below("height", 0.08, 0.015)),
        _state(f"{hand}:pour-into", *held, above("tilt", 0.9, 0.1)),
        _state(f"{hand}:release", below(closing, -0.2, 0.03), below(distance, 0.8, 0.08), rests),
        _state(f"{hand}:throw", below(closing, -1.0, 0.2), above("speed", 2.0, 0.3)),
    )
