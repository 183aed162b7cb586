"""What must be true before a step and what is true after it."""

from __future__ import annotations

from dataclasses import replace

from policies.programs.program import TaskProgram
from policies.programs.standing import is_open
from policies.programs.steps import TABLE, Carry, Grasp, HandOver, Lift, Place, Pour, Push, Reach, Release, Step
from policies.programs.world_state import Fact, WorldState


def needed_facts(step: Step) -> tuple[Fact, ...]:
    """What must be true before a step."""
    name = step.object
    there, holding, empty = Fact("known", name), Fact("holding", name), Fact("hand empty")
    match step:
        case Reach():
            return there, empty, Fact("free", name)
        case Grasp() | Push():
            goal = (Fact("known", step.to),) if isinstance(step, Push) else ()
            return there, *goal, empty, Fact("free", name), Fact("clear", name)
        case Place(relation="in") | Pour():
            full = (Fact("full", name),) if isinstance(step, Pour) else ()
            return there, Fact("known", step.to), holding, Fact("open", step.to), *full
        case Carry() | Place() | HandOver():
            return there, Fact("known", step.to), holding
        case Release():
            return there, holding, Fact("standing", name)
        case _:
            return there, holding


def promised_facts(step: Step) -> tuple[Fact, ...]:
    """What is true after a step. Where a thing ends up on the table is not told by facts, but by the step's offset."""
    name, empty = step.object, Fact("hand empty")
    match step:
        case Reach():
            return (empty,)
        case Grasp() | Carry():
            return (Fact("holding", name),)
        case Lift():
            return Fact("holding", name), Fact("lifted", name)
        case Place(relation="on" | "in" | "beside" as relation):
            return (Fact(relation, name, step.to),)
        case Place():
            return (Fact("on", name, TABLE),)
        case Release():
            return empty, Fact("standing", name)
        case Pour():
            return Fact("holding", name), Fact("poured", name, step.to)
        case Push():
            return empty, Fact("standing", name), *((Fact("at", name, step.to),) if step.to != TABLE else ())
        case HandOver():
            return empty, Fact("taken", name, step.to)
        case _:
            return ()


def preconditions(step: Step, state: WorldState) -> tuple[Fact, ...]:
    """What must be true before a step and is not; empty where the step may be done."""
    return tuple(fact for fact in needed_facts(step) if state.holds(fact) is False)


def unmet_effects(step: Step, state: WorldState) -> tuple[Fact, ...]:
    """What should be true after a step and is not in the state that was seen then; empty where it worked."""
    return tuple(fact for fact in promised_facts(step) if state.holds(fact) is False)


def effects(step: Step, state: WorldState) -> WorldState:
    """The state after a step that works."""
    name = step.object
    match step:
        case Grasp():
            return replace(state, holding=name)
        case Lift() | Carry():
            return state.moved(name, holding=name)
        case Place(relation="in"):
            return replace(state.moved(name, holding=name), inside={**state.inside, name: step.to})
        case Place(relation="on"):
            return replace(state.moved(name, holding=name), on={**state.on, name: step.to})
        case Place(relation="beside"):
            below = state.moved(name, holding=name)
            pairs = below.beside | {frozenset((name, step.to))}
            return replace(below, on={**below.on, name: state.on.get(step.to, TABLE)}, beside=pairs)
        case Place():
            return replace(state.moved(name, holding=name), on={**state.on, name: TABLE})
        case Release():
            return replace(state, holding=None)
        case Pour():
            return replace(state, content={**(state.content or {}), name: step.to})
        case Push():
            pushed = state.moved(name, holding=None)
            pairs = pushed.beside | ({frozenset((name, step.to))} if step.to != TABLE else frozenset())
            return replace(pushed, on={**pushed.on, name: TABLE}, beside=pairs)
        case HandOver():
            return replace(state.moved(name, holding=None), taken={**state.taken, name: step.to})
        case _:
            return state


def start_state(program: TaskProgram) -> WorldState:
    """What a program may expect: an empty hand, and everything on the table."""
    names = [each.name for each in program.objects]
    things = [each for each in program.objects if each.category != "person"]
    return WorldState(
        things=frozenset(names),
        on={each.name: TABLE for each in things},
        content={},
        closed=frozenset(each.name for each in things if not is_open(each)),
    )


def check(program: TaskProgram, state: WorldState | None = None) -> list[str]:
    """Go through a program step by step and say what is wrong with it.

    Args:
        program: which.
        state: how things stand before it; None: an empty hand, and everything on the table.

    Returns:
        One line for each step that could not be done, such as "4. Place cube: cube is not in the hand";
        empty for a sound program.
    """
    now, problems = start_state(program) if state is None else state, []
    for number, step in enumerate(program.steps, start=1):
        missing = preconditions(step, now)
        if missing:
            wrong = "; ".join(f"it is not so that {fact}" for fact in missing)
            problems.append(f"{number}. {type(step).__name__} {step.object}: {wrong}")
        now = effects(step, now)
    if now.holding is not None:
        problems.append(f"end: {now.holding} is still in the hand")
    return problems
