"""The house stands on its floors: what may import what, read from the sources without running them."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

BELOW = {
    "geometry": set(),
    "envs": {"geometry"},
    "perception": {"geometry"},
    "policies": {"geometry", "envs", "perception"},
    "ros_nodes": {"geometry", "envs", "perception", "policies"},
    "graspmimic": {"geometry", "envs", "perception", "policies"},
}
"""What each floor may import, besides itself."""

CARRIES_NO_MEANING = {"utils", "util", "common", "helpers", "helper", "misc"}
RUNS_WHAT_IT_LOADS = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "joblib", "marshal"}
OWN_STREAM = {"default_rng", "Generator", "SeedSequence", "PCG64", "BitGenerator", "RandomState"}
"""What may be used of numpy.random; the rest is its hidden global state. An object `RandomState(0)` has none, and
published splits were drawn with it."""
FROM_ROS = ("rclpy", "tf2_ros", "rosidl_runtime_py", "ament_index_python", "std_msgs", "sensor_msgs", "geometry_msgs",
            "control_msgs", "trajectory_msgs", "moveit_msgs", "vision_msgs", "visualization_msgs", "diagnostic_msgs",
            "std_srvs", "rcl_interfaces")  # fmt: skip
"""What comes with a ROS 2 installation and from nowhere else."""
LONGEST_FILE, LONGEST_FUNCTION = 300, 60


class Import(NamedTuple):
    """One imported name; `name` is None for `import module`."""

    module: str
    name: str | None
    line: int


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (REPOSITORY / folder).rglob("*.py"))


HOUSE = sources(*BELOW)
AROUND = sources("tests", "benchmarks", "examples", "launch")


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(REPOSITORY)}:{line}"


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def nodes(paths: list[Path]) -> Iterator[tuple[Path, ast.AST]]:
    return ((path, node) for path in paths for node in ast.walk(parsed(path)))


def imports(path: Path) -> Iterator[Import]:
    """Everything that a file imports, at whatever depth, relative names made absolute."""
    package = path.relative_to(REPOSITORY).parent.parts
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, None, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (Import(module, alias.name, node.lineno) for alias in node.names)


def floor_of(path: Path) -> str:
    return path.relative_to(REPOSITORY).parts[0]


def spoken(node: ast.AST) -> str:
    """`a.b.c` for such an expression, else an empty string."""
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def test_the_house_is_found() -> None:
    assert {floor_of(path) for path in HOUSE} == set(BELOW)


def test_a_floor_imports_only_floors_below_it() -> None:
    wrong = [
        f"{place(path, found.line)} imports {found.module}"
        for path in HOUSE
        for found in imports(path)
        if (top := found.module.split(".")[0]) in BELOW and top != floor_of(path) and top not in BELOW[floor_of(path)]
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("package", "allowed"),
    [*((package, "ros_nodes/") for package in FROM_ROS), ("pybullet", "envs/world.py"),
     ("pybullet_utils", "envs/world.py"),
     ("pybullet_data", "envs/")],
)  # fmt: skip
def test_a_package_has_one_door(package: str, allowed: str) -> None:
    wrong = [
        place(path, found.line)
        for path in HOUSE
        for found in imports(path)
        if found.module.split(".")[0] == package and not path.relative_to(REPOSITORY).as_posix().startswith(allowed)
    ]
    assert not wrong


def test_policies_use_only_public_names_of_the_floor_below() -> None:
    wrong = [
        f"{place(path, found.line)} takes {found.name} from {found.module}"
        for path in sources("policies")
        for found in imports(path)
        if found.module.split(".")[0] in {"envs", "perception"} and not is_public(found)
    ]
    assert not wrong


def is_public(found: Import) -> bool:
    """Whether a name is offered by its package's `__all__`, or by a room that stands right on its floor."""
    folder = REPOSITORY.joinpath(*found.module.split("."))
    if folder.is_dir():
        return found.name in offered(folder / "__init__.py")
    return found.module.count(".") == 1 and found.name is not None and not found.name.startswith("_")


def offered(path: Path) -> list[str]:
    """The names in a file's `__all__`; empty where it has none."""
    for node in parsed(path).body:
        if isinstance(node, ast.Assign) and [spoken(target) for target in node.targets] == ["__all__"]:
            return list(ast.literal_eval(node.value))
    return []


def test_nobody_takes_a_private_name_from_another_room() -> None:
    wrong = [
        f"{place(path, found.line)} takes {found.name} from {found.module}"
        for path in HOUSE
        for found in imports(path)
        if found.module.split(".")[0] in BELOW and found.name and found.name.startswith("_")
    ]
    assert not wrong


@pytest.mark.parametrize("path", [path for path in HOUSE if offered(path)], ids=lambda path: place(path, 0)[:-2])
def test_every_name_in_all_resolves(path: Path) -> None:
    if floor_of(path) == "ros_nodes":
        pytest.importorskip("rclpy", reason="rclpy comes with a ROS 2 installation")
    module = importlib.import_module(
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
    )
    names = offered(path)
    assert [name for name in names if not hasattr(module, name)] == []
    assert len(names) == len(set(names))


def test_nobody_touches_the_import_path() -> None:
    wrong = [place(path, node.lineno) for path, node in nodes(HOUSE + AROUND) if spoken(node) == "sys.path"]  # type: ignore[attr-defined]
    assert not wrong


def test_nothing_is_loaded_that_could_run() -> None:
    wrong = [
        place(path, found.line)
        for path in HOUSE
        for found in imports(path)
        if found.module.split(".")[0] in RUNS_WHAT_IT_LOADS
    ]
    for path, node in nodes(HOUSE):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            wrong.append(place(path, node.lineno))
        if isinstance(node, ast.Call) and spoken(node.func) in {"torch.load", "yaml.load", "eval", "exec"}:
            wrong.append(place(path, node.lineno))
    assert not wrong


def test_nobody_draws_from_a_global_random_state() -> None:
    wrong = [place(path, found.line) for path in HOUSE for found in imports(path) if found.module == "random"]
    for path, node in nodes(HOUSE):
        if isinstance(node, ast.Attribute) and spoken(node.value) in {"np.random", "numpy.random"}:
            wrong += [place(path, node.lineno)] if node.attr not in OWN_STREAM else []
    assert not wrong


def test_only_the_command_line_prints() -> None:
    wrong = [
        place(path, node.lineno)
        for path, node in nodes([path for path in HOUSE if floor_of(path) != "graspmimic"])
        if isinstance(node, ast.Call) and spoken(node.func) == "print"
    ]
    assert not wrong


def test_no_error_is_swallowed_unseen() -> None:
    wrong = [
        place(path, node.lineno)
        for path, node in nodes(HOUSE)
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert not wrong


def test_every_file_is_named_by_its_concept() -> None:
    assert [
        str(path) for path in HOUSE if path.stem in CARRIES_NO_MEANING or path.parent.name in CARRIES_NO_MEANING
    ] == []


def test_a_room_is_no_hall() -> None:
    long = {str(path.relative_to(REPOSITORY)): len(path.read_text(encoding="utf-8").splitlines()) for path in HOUSE}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FILE} == {}


def test_a_function_fits_on_a_screen() -> None:
    wrong = [
        f"{place(path, node.lineno)} {node.name}: {lines} lines"
        for path, node in nodes(HOUSE)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (lines := body_lines(node)) > LONGEST_FUNCTION
    ]
    assert not wrong


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from its `def`, without its docstring."""
    first = function.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and ast.get_docstring(function)
    docstring = first.end_lineno - first.lineno + 1 if is_docstring and first.end_lineno else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring
