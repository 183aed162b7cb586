"""A person shows a task: a script of moves becomes keypoints of a hand and a body, and poses of things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from envs.demonstrator.demonstration import Demonstration
from envs.demonstrator.hand_model import wrist_of
from envs.demonstrator.hand_path import RATE_HZ
from envs.demonstrator.handing import ShownTaker, hand_to
from envs.demonstrator.person import Person, draw_person
from envs.demonstrator.placing import put
from envs.demonstrator.pouring import pour_out
from envs.demonstrator.pushing import push_to
from envs.demonstrator.showing import Showing
from envs.workbench import BenchScene, HandTo, Layout, Move, Outcome, Pick, PourOut, PushTo, Put, Thing
from geometry import InputError


def demonstrate(
    things: Sequence[Thing],
    layout: Layout,
    script: Sequence[Move],
    rng: np.random.Generator,
    *,
    taker_m: ArrayLike | None = None,
    balls: Mapping[str, int] | None = None,
    person: Person | None = None,
) -> Demonstration:
    """Show a script once.

    Args:
        things: what is on the bench.
        layout: where it stands.
        script: what the person does, in order.
        rng: draws the person, and the scatter of all moves.
        taker_m: (3,) where a second person's hand waits.
        balls: by the name of an open thing, how many balls lie in it; who pours spills none.
        person: who shows it; None: somebody.

    Raises:
        InputError: for an empty script, one that speaks of what is not there, or things out of reach.
    """
    _check(things, layout, script)
    who = draw_person(rng) if person is None else person
    showing = Showing(who, tuple(things), layout, rng)
    taker = None if taker_m is None else ShownTaker(np.asarray(taker_m, dtype=np.float64))
    for move in script:
        _show(showing, move, taker)
        showing.pause(0.25)
    showing.go_home()
    return _written(showing, tuple(things), taker, _outcome(showing, script, balls or {}))


def demonstrate_scene(scene: BenchScene, rng: np.random.Generator, *, person: Person | None = None) -> Demonstration:
    """Show the task of a scene once."""
    return demonstrate(
        scene.things, scene.layout, scene.script, rng, taker_m=scene.taker_m, balls=scene.balls, person=person
    )


def _show(showing: Showing, move: Move, taker: ShownTaker | None) -> None:
    if isinstance(move, Pick):
        showing.pick(move.object)
    elif isinstance(move, Put):
        put(showing, move)
    elif isinstance(move, PourOut):
        pour_out(showing, move)
    elif isinstance(move, PushTo):
        push_to(showing, move)
    else:
        hand_to(showing, move, taker)


def _outcome(showing: Showing, script: Sequence[Move], balls: Mapping[str, int]) -> Outcome:
    inside = dict(balls)
    for move in script:
        if isinstance(move, PourOut):
            inside[move.to] = inside.get(move.to, 0) + inside.pop(move.object, 0)
    taken = tuple(move.object for move in script if isinstance(move, HandTo))
    layout = {name: T.copy() for name, T in showing.path.T_world_things.items()}
    return Outcome(layout=layout, balls_in=inside, taken=taken)


def _written(showing: Showing, things: tuple[Thing, ...], taker: ShownTaker | None, outcome: Outcome) -> Demonstration:
    time_s, T_world_grasp, aperture, poses = showing.path.finished()
    hand = showing.person.hand.points(T_world_grasp, aperture)
    taker_hand, taker_body = (None, None) if taker is None else taker.hand_and_body(time_s)
    return Demonstration(
        time_s=time_s,
        body_m=showing.person.body.points(wrist_of(hand), RATE_HZ),
        hand_m=hand,
        things=things,
        T_world_things=np.stack([poses[thing.name] for thing in things], axis=1),
        segments=tuple(showing.segments),
        grasps=tuple(showing.grasps),
        outcome=outcome,
        taker_body_m=taker_body,
        taker_hand_m=taker_hand,
    )


def _check(things: Sequence[Thing], layout: Layout, script: Sequence[Move]) -> None:
    names = [thing.name for thing in things]
    if len(set(names)) < len(names) or set(names) != set(layout):
        raise InputError("demonstrate", expected=f"a pose for each of {names}", got=f"{sorted(layout)}")
    if not script:
        raise InputError("demonstrate", expected="a script of at least one move", got="none")
    strange = sorted({move.object for move in script} - set(names))
    if strange:
        raise InputError("demonstrate", expected=f"things out of {', '.join(names)}", got=", ".join(strange))
