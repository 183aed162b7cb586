"""Print the tables of docs/environments.md from the environments themselves, or write them there.

    python tools/env_tables.py            # print
    python tools/env_tables.py --write    # put them between the markers in docs/environments.md

A test compares the two.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import gymnasium

import envs  # noqa: F401 - registers the ids
from envs.manipulation.entries import Entry

DOC = Path(__file__).resolve().parents[1] / "docs" / "environments.md"
BEGIN, END = "<!-- tools/env_tables.py writes from here -->\n", "<!-- to here -->\n"
INDEX = re.compile(r"(?<= )([xyz]|R\d\d|\d)(?= |$)")
MODES = ("position", "position_yaw", "pose", "joint_velocity", "joint_position")


def rows(*cells: Iterable[object]) -> str:
    """A Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * lines[0].count(" | ") + "---|", *lines[1:]]) + "\n"


def entry_rows(entries: Sequence[Entry], first: int = 0) -> list[tuple[str, ...]]:
    """Numbers, what, min, max, unit; one row for neighbours that differ in their axis or number only."""
    found: list[tuple[str, ...]] = []
    for (name, unit), group in groupby(entries, lambda entry: (INDEX.sub("*", entry.name), entry.unit)):
        some = list(group)
        number = f"{first} to {first + len(some) - 1}" if len(some) > 1 else f"{first}"
        what = name.replace("*", ", ".join(match[0] for entry in some for match in INDEX.finditer(entry.name)))
        ends = ([f"{entry[i]:g}" for entry in some] for i in (1, 2))
        low, high = (values[0] if len(set(values)) == 1 else ", ".join(values) for values in ends)
        found.append((number, what, low, high, unit))
        first += len(some)
    return found


def tables() -> str:
    """All of them, under their headings."""
    made = {name: gymnasium.make(f"graspmimic/{name}-v0").unwrapped for name in arm_tasks()}
    by_mode = {mode: gymnasium.make("graspmimic/PickPlace-v0", action=mode).unwrapped for mode in MODES}
    head = ("#", "what", "min", "max", "unit")
    ids = [("id", "steps", "what", "state", "goal", "action")]
    rewards = [("id", "dense reward: weight times term")]
    for name, env in made.items():
        steps = gymnasium.spec(f"graspmimic/{name}-v0").max_episode_steps
        sizes = (len(env.state_entries), len(env.task.goal_entries), len(env.action_entries))
        ids.append((f"`graspmimic/{name}-v0`", steps, (type(env).__doc__ or "").strip(), *sizes))
        terms = (*env.task.goal_terms, *env.task.scene_terms)
        rewards.append((name, ", ".join(f"{term.weight:.3g} {term.name}" for term in terms)))
    plain = by_mode["position"].state_entries
    turned = [entry for entry in by_mode["pose"].state_entries if entry not in plain]
    joints = [entry for entry in by_mode["joint_velocity"].state_entries if entry not in (*plain, *turned)]
    extra = made["Handover"].task.extra_entries()
    parts = [
        "### Tasks\n",
        rows(*ids),
        "### Dense rewards\n",
        rows(*rewards),
        '### State of PickPlace, action "position"\n',
        rows(head, *entry_rows(plain)),
        "Modes that turn the hand add after the gripper's opening:\n",
        rows(head[1:], *(row[1:] for row in entry_rows(turned))),
        "Joint modes add after that:\n",
        rows(head[1:], *(row[1:] for row in entry_rows(joints))),
        "Handover adds at the end:\n",
        rows(head[1:], *(row[1:] for row in entry_rows(extra))),
        "### Actions\n",
        rows(
            ("action", "numbers from -1 to 1, each times its unit"),
            *(
                (f'"{mode}"', "; ".join(f"{row[1]}: {row[4]}" for row in entry_rows(env.mode.entries)))
                for mode, env in by_mode.items()
            ),
            ("all, unless the fingers stay closed", f"{env.action_entries[-1].name}: {env.action_entries[-1].unit}"),
        ),
    ]
    return "\n".join(parts)


def arm_tasks() -> list[str]:
    """Names of the tasks with an arm at a table."""
    specs = [spec for spec in gymnasium.registry.values() if spec.namespace == "graspmimic"]
    return [spec.name for spec in specs if "manipulation" in str(spec.entry_point)]


def with_tables(text: str) -> str:
    """The document with the tables as they are now."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + "\n" + tables() + "\n" + END + rest.partition(END)[2]


if __name__ == "__main__":
    if "--write" in sys.argv:
        DOC.write_text(with_tables(DOC.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(tables())
