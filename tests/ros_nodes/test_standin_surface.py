"""The nodes use nothing of the stand-in that a real rclpy does not have."""

from __future__ import annotations

import ast
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
STANDIN = REPOSITORY / "tests" / "ros_standin" / "rclpy"
OWN_MODULES = {
    "arguments", "bus", "entity", "graph", "names", "node_names", "parameter_checks", "parameter_yaml", "parameters",
    "rosout",
    "action.goal", "lifecycle.machine",
}  # fmt: skip
"""Rooms of the stand-in that take the place of what rclpy has in one large file, or in C."""
OWN_NAMES = {
    "when_done", "set_executor", "timed_entities", "seconds_left", "clock_moved", "read_ns",
    "jump_handles", "remap_rules", "get_parameters_as_stored", "goal_info", "result_future", "last_status",
    "publish_status", "notify_execute", "unmatch", "warn_incompatible",
    "names_and_types", "met_by",
}  # fmt: skip
"""Public attributes that rooms of the stand-in use among themselves, and that no other code would have by chance."""
HOUSE = sorted((REPOSITORY / "ros_nodes").rglob("*.py")) + sorted((REPOSITORY / "launch").rglob("*.py"))
TESTS = sorted((REPOSITORY / "tests" / "ros_nodes").glob("*.py"))


def used_attributes(path: Path) -> set[tuple[str, int]]:
    return {
        (node.attr, node.lineno) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)
    }


def imported_modules(path: Path) -> set[tuple[str, int]]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {(node.module, node.lineno)} | {
                (f"{node.module}.{alias.name}", node.lineno) for alias in node.names
            }
        elif isinstance(node, ast.Import):
            found |= {(alias.name, node.lineno) for alias in node.names}
    return found


def test_only_modules_of_a_real_rclpy_are_imported():
    own = {f"rclpy.{module}" for module in OWN_MODULES}
    found = [f"{path}:{line} {name}" for path in HOUSE + TESTS for name, line in imported_modules(path) if name in own]
    assert not found


def test_only_names_of_a_real_rclpy_are_used():
    users = [path for path in HOUSE if any(name.split(".")[0] == "rclpy" for name, _ in imported_modules(path))]
    assert users
    found = [f"{path}:{line} {name}" for path in users for name, line in used_attributes(path) if name in OWN_NAMES]
    assert not found


def test_the_lists_are_those_of_the_stand_in():
    for module in OWN_MODULES:
        text = (STANDIN / f"{module.replace('.', '/')}.py").read_text()
        assert "real rclpy" in text.split('"""')[1], f"{module} does not say that rclpy has it elsewhere"
    written = {
        node.name if isinstance(node, ast.FunctionDef) else node.attr
        for path in STANDIN.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.Attribute))
    }
    assert written >= OWN_NAMES
