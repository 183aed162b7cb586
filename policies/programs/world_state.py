"""What is true of hand and things at one time, as far as the steps of programs care: told, or seen from poses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from geometry import FloatArray
from policies.programs.standing import BESIDE_M, Sized, covers, gap_m, is_mark, is_open, standing_of
from policies.programs.steps import TABLE

FactKind = Literal[
    "known", "hand empty", "holding", "clear", "free", "standing", "lifted", "on", "in", "beside", "at", "full",
    "poured", "taken", "open",
]  # fmt: skip
_WORDS: Mapping[str, str] = {
    "known": "{0} is there", "hand empty": "the hand is empty", "holding": "{0} is in the hand",
    "clear": "nothing stands on {0}", "free": "nobody has taken {0}", "standing": "{0} stands on something",
    "lifted": "{0} is off what it stood on", "on": "{0} is on {1}", "in": "{0} is in {1}",
    "beside": "{0} is beside {1}", "at": "{0} is at {1}", "full": "{0} has not been poured out",
    "poured": "what was in {0} is in {1}", "taken": "{1} has {0}", "open": "{0} can be filled",
}  # fmt: skip


@dataclass(frozen=True)
class Fact:
    """A statement that is true of a state or not."""

    kind: FactKind
    """What is said."""
    object: str = ""
    """Of which thing."""
    to: str = ""
    """Of which second thing or person."""

    def __str__(self) -> str:
        """Such as "cube is on plate"."""
        return _WORDS[self.kind].format(self.object, self.to)


@dataclass(frozen=True, kw_only=True)
class WorldState:
    """Facts at one time."""

    things: frozenset[str]
    """Names of what is there, persons too; "table" always is."""
    holding: str | None = None
    """What is in the hand."""
    on: Mapping[str, str] = field(default_factory=dict)
    """What each thing stands on, a thing's name or "table"; without what is in the air or in another."""
    inside: Mapping[str, str] = field(default_factory=dict)
    """What each thing lies in."""
    beside: frozenset[frozenset[str]] = frozenset()
    """Pairs that stand side by side, and of a thing and the mark on the table that it covers."""
    taken: Mapping[str, str] = field(default_factory=dict)
    """Who has been given each thing."""
    content: Mapping[str, str] | None = None
    """Into which thing each was poured out; None where nobody looked."""
    closed: frozenset[str] = frozenset()
    """What nothing can be put or poured into."""

    def holds(self, fact: Fact) -> bool | None:
        """Whether a fact is true; None where that is not known."""
        name, to, stands = fact.object, fact.to, {**self.on, **self.inside}
        match fact.kind:
            case "known":
                return name in self.things or name == TABLE
            case "hand empty":
                return self.holding is None
            case "holding":
                return self.holding == name
            case "clear":
                return name not in self.on.values()
            case "free":
                return name not in self.taken
            case "standing":
                return name in stands
            case "lifted":
                return name not in stands
            case "on":
                return self.on.get(name) == to
            case "in":
                return self.inside.get(name) == to
            case "beside" | "at":
                return frozenset((name, to)) in self.beside
            case "full":
                return None if self.content is None else name not in self.content
            case "poured":
                return None if self.content is None else self.content.get(name) == to
            case "taken":
                return self.taken.get(name) == to
            case "open":
                return name not in self.closed

    def moved(self, name: str, *, holding: str | None) -> WorldState:
        """The same state with a thing taken away from where it stood, and this in the hand."""
        return replace(
            self,
            holding=holding,
            on={key: to for key, to in self.on.items() if key != name},
            inside={key: to for key, to in self.inside.items() if key != name},
            beside=frozenset(pair for pair in self.beside if name not in pair),
        )


def observed_state(
    things: Sequence[Sized],
    layout: Mapping[str, FloatArray],
    held: str | None = None,
    *,
    taken: Mapping[str, str] | None = None,
    content: Mapping[str, str] | None = None,
    persons: Sequence[str] = (),
    table_z_m: float = 0.0,
) -> WorldState:
    """The state that poses and sizes show; what one sees after a step, to compare with what the step promised.

    Args:
        things: name, category and size of each: `Thing`s of the workbench or a program's objects.
        layout: `T_world_thing` (4, 4) by name; things without a pose count as not there.
        held: what is in the hand.
        taken: who has which thing.
        content: what was poured into what; None where nobody looked.
        persons: who is there to take things.
        table_z_m: height of the table's top.
    """
    there = [thing for thing in things if thing.name in layout]
    bodies = [thing for thing in there if not is_mark(thing)]
    standing = {thing.name: standing_of(thing, bodies, layout, table_z_m=table_z_m) for thing in bodies}
    apart = [
        frozenset((one.name, other.name))
        for number, one in enumerate(bodies)
        for other in bodies[:number]
        if standing[one.name] == standing[other.name] is not None
        and 0.0 < gap_m(one, layout[one.name], other, layout[other.name]) <= BESIDE_M
    ]
    covered = [
        frozenset((thing.name, mark.name))
        for thing in bodies
        for mark in there
        if is_mark(mark) and covers(thing, layout[thing.name], mark, layout[mark.name])
    ]
    return WorldState(
        things=frozenset(thing.name for thing in there) | frozenset(persons),
        holding=held,
        on={name: found.to for name, found in standing.items() if found and found.relation == "on"},
        inside={name: found.to for name, found in standing.items() if found and found.relation == "in"},
        beside=frozenset(apart + covered),
        taken=dict(taken or {}),
        content=content,
        closed=frozenset(thing.name for thing in there if not is_open(thing)),
    )
