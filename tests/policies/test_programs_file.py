"""Programs in files and in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from geometry import InputError
from policies.programs import (
    Carry,
    Grasp,
    HandOver,
    Lift,
    Place,
    Pour,
    ProgramObject,
    Push,
    Reach,
    Release,
    TaskProgram,
    describe,
    load_program,
    save_program,
)

PROGRAM = TaskProgram(
    steps=(
        Reach(object="cup", start_s=0.5, end_s=1.25),
        Grasp(
            object="cup", at_m=(0.0, 0.0, 0.02), approach=(0.6, 0.0, -0.8), closing=(0.0, 1.0, 0.0), width_m=0.042
        ),
        Lift(object="cup", height_m=0.101),
        Carry(object="cup", to="bowl"),
        Pour(object="cup", to="bowl", angle_rad=2.1, duration_s=1.5, offset_m=(0.0, 0.08, 0.12)),
        Carry(object="cup", to="plate"),
        Place(object="cup", to="plate", relation="on", offset_m=(0.0, 0.03, 0.05)),
        Release(object="cup"),
        Push(object="bowl", to="table", offset_m=(0.1, 0.0, 0.0)),
        HandOver(object="cup", to="person_2", offset_m=(0.0, 0.0, 0.01)),
        Place(object="cup", to="table", relation="at", offset_m=(0.4, -0.25, 0.04)),
    ),
    objects=(
        ProgramObject(name="cup", category="cup", size_m=(0.06, 0.06, 0.08), stood_m=(0.4, -0.25, 0.04)),
        ProgramObject(name="bowl", category="bowl"),
        ProgramObject(name="plate", category="plate", size_m=(0.17, 0.17, 0.014)),
        ProgramObject(name="person_2", category="person"),
    ),
    text="pour and put away",
    notes=("cup: seen in 40 % of the frames",),
)  # fmt: skip


def test_a_program_comes_back_as_it_was(tmp_path: Path) -> None:
    save_program(PROGRAM, tmp_path / "program.json")
    assert load_program(tmp_path / "program.json") == PROGRAM


def changed(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def damage(text: str) -> str:
        record = json.loads(text)
        change(record)
        return json.dumps(record)

    return damage


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda text: text[: len(text) // 2], "a task program"),
        (lambda text: "[]", "names with values"),
        (lambda text: "[" * 100_000, "a task program"),
        (changed(lambda r: r.update(version=99)), "version 99"),
        (changed(lambda r: r.update(format="x")), "format 'x'"),
        (changed(lambda r: r.update(steps=[])), "at least one step"),
        (changed(lambda r: r.pop("steps")), "a list of steps"),
        (changed(lambda r: r["steps"][0].update(step="__import__")), "step 1: expected a step out of"),
        (changed(lambda r: r["steps"][0].update(step=["Reach"])), "step 1"),
        (changed(lambda r: r["steps"][1].pop("width_m")), r"step 2 \(Grasp\): expected the values .* got no \['width"),
        (changed(lambda r: r["steps"][1].update(width_m=None)), "width_m: expected a finite number"),
        (changed(lambda r: r["steps"][1].update(width_m=True)), "width_m: expected a finite number"),
        (changed(lambda r: r["steps"][1].update(width_m=float("nan"))), "width_m: expected a finite number"),
        (changed(lambda r: r["steps"][1].update(at_m=[1.0, 2.0])), "at_m: expected three finite numbers"),
        (changed(lambda r: r["steps"][1].update(command="rm")), "unknown"),
        (changed(lambda r: r["steps"][6].update(relation="under")), "one of on, in, beside, at"),
        (changed(lambda r: r["steps"][0].update(object="spoon")), "Reach of 'spoon'"),
        (changed(lambda r: r["objects"][0].update(size_m=[1, 2, "3"])), "size_m: expected three"),
        (changed(lambda r: r["objects"].append(7)), "object 5: expected names with values"),
        (changed(lambda r: r.update(notes=[1])), "text and notes of words"),
    ],
)
def test_damage_is_one_clear_line(tmp_path: Path, damage: Callable[[str], str], told: str) -> None:
    path = tmp_path / "program.json"
    save_program(PROGRAM, path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(InputError, match=told) as caught:
        load_program(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.json"):
        load_program(tmp_path / "none.json")


def test_a_program_in_words() -> None:
    assert describe(PROGRAM) == [
        "1. Reach for cup",
        "2. Grasp cup from above at a slant, 42 mm wide, 20 mm above its middle",
        "3. Lift cup by 10 cm",
        "4. Carry cup to bowl",
        "5. Pour cup into bowl, tilted by 120 degrees for 1.5 s, its middle 12 cm above that of bowl",
        "6. Carry cup to plate",
        "7. Place cup on plate, 3 cm off its middle",
        "8. Release cup",
        "9. Push bowl over the table by 10 cm",
        "10. Hand cup over to person_2",
        "11. Place cup on the table at (0.40, -0.25) m",
    ]
