"""The names that rules and part-state predicates share: parts of the body, what they do, and objects.

A predicate is "part:state": "hand:pour-into", "object:cup". HAKE's 76 states are taken over as data, in the order of
its annotation vectors, its wording joined by hyphens ("foot: stand on" is "foot:stand-on"). To them come states that
geometry can tell and HAKE's photographs could not. A part that there are two of may be told by its side,
"right_hand:hold"; without a side it means either.

Source: Part_State_76.txt, hico_obj_list.txt and hico_verb_list.txt of github.com/DirtyHarryLYL/HAKE (MIT);
Li et al., "PaStaNet: Toward Human Activity Knowledge Engine", CVPR 2020.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_HAKE = {
    "foot": "stand-on tread-on walk-with walk-to run-with run-to dribble kick jump-down jump-with walk-away "
    "no-interaction",
    "leg": "walk-with walk-to run-with run-to jump-with is-close-with straddle jump-down walk-away no-interaction",
    "hip": "sit-on sit-in sit-beside be-close-with no-interaction",
    "hand": "hold carry reach-for touch put-on twist wear throw throw-out write-on point-with point-to "
    "use-something-to-point-to press squeeze scratch pinch gesture-to push pull pull-with-something wash "
    "wash-with-something hold-in-both-hands lift raise-over-head feed cut-with-something catch-with-something "
    "pour-into no-interaction",
    "arm": "shoulder-carry be-close-to hug swing no-interaction",
    "head": "eat inspect talk-with-something talk-to be-close-with kiss put-something-over-head lick blow drink-with "
    "smell wear no-interaction",
}
_OURS = {
    "hand": "release open close move still full wave near-thing near-other-hand near-person near-head",
    "arm": "extend raise punch",
    "leg": "walk run jump stand bend",
    "hip": "sit bend",
    "thing": "move still rise sink tilt supported",
    "body": "still move turn rise sink",
}
_SIDED = ("foot", "leg", "hand", "arm")

HAKE_STATES = tuple(f"{part}:{state}" for part, states in _HAKE.items() for state in states.split())
"""The 76 part states, in the order of HAKE's image-level vectors."""

ADDED_STATES = tuple(f"{part}:{state}" for part, states in _OURS.items() for state in states.split())
"""What geometry tells besides: motion of the body and of the thing at hand ("thing"), and letting go."""

HICO_OBJECTS = tuple(
    "airplane apple backpack banana baseball_bat baseball_glove bear bed bench bicycle bird boat book bottle bowl "
    "broccoli bus cake car carrot cat cell_phone chair clock couch cow cup dining_table dog donut elephant "
    "fire_hydrant fork frisbee giraffe hair_drier handbag horse hot_dog keyboard kite knife laptop microwave "
    "motorcycle mouse orange oven parking_meter person pizza potted_plant refrigerator remote sandwich scissors sheep "
    "sink skateboard skis snowboard spoon sports_ball stop_sign suitcase surfboard teddy_bear tennis_racket tie "
    "toaster toilet toothbrush traffic_light train truck tv umbrella vase wine_glass zebra".split()
)
"""The 80 object classes of HICO (those of COCO), in its order."""


def predicate_names(objects: Iterable[str] = HICO_OBJECTS) -> tuple[str, ...]:
    """All predicates that a rule may name.

    Args:
        objects: classes that "object:NAME" may tell.
    Returns:
        names, each once: HAKE's states, ours, those of one side, and the objects.
    """
    states = dict.fromkeys((*HAKE_STATES, *ADDED_STATES))
    sided = [f"{side}_{name}" for side in ("right", "left") for name in states if name.split(":")[0] in _SIDED]
    return (*states, *sided, *(f"object:{name}" for name in dict.fromkeys(objects)))


@lru_cache(maxsize=4096)
def sides_of(name: str) -> tuple[str, ...]:
    """The same predicate told of the right and of the left part; empty where it has no sides or tells one already."""
    return tuple(f"{side}_{name}" for side in ("right", "left")) if name.split(":")[0] in _SIDED else ()
