"""The package says of itself what is true: one version, every dependency declared, every file in its place."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
FLOORS = ("geometry", "envs", "perception", "policies", "ros_nodes", "graspmimic")

DISTRIBUTION = {
    "PIL": "pillow",
    "OpenEXR": "openexr",
    "yaml": "pyyaml",
    "rerun": "rerun-sdk",
    "pybullet_data": "pybullet",
    "stable_baselines3": "stable-baselines3",
    "sb3_contrib": "sb3-contrib",
    "cv2": "opencv-contrib-python",
    "mpl_toolkits": "matplotlib",
}
"""Distributions that are named otherwise than what one imports."""


def setup_arguments() -> dict[str, Any]:
    """The arguments of `setup(...)` that are written out as literals."""
    tree = ast.parse((REPOSITORY / "setup.py").read_text())
    call = next(n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "setup")
    found = {}
    for keyword in call.keywords:
        try:
            found[keyword.arg or ""] = ast.literal_eval(keyword.value)
        except ValueError:
            continue
    return found


def package_xml() -> ElementTree.Element:
    return ElementTree.parse(REPOSITORY / "package.xml").getroot()


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~;\[ ]", line, maxsplit=1)[0].lower() for line in requirements}


def imported_packages(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - set(FLOORS)


def test_the_version_is_the_same_everywhere() -> None:
    latest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert latest, "CHANGELOG.md has no heading such as '## [0.1.0]'"
    assert setup_arguments()["version"] == package_xml().findtext("version") == latest[1]


def test_both_manifests_say_the_same() -> None:
    arguments, manifest = setup_arguments(), package_xml()
    assert manifest.get("format") == "3"
    for field in ("name", "description", "license"):
        assert arguments[field] == manifest.findtext(field)
    assert manifest.findtext("export/build_type") == "ament_python"


def test_every_third_party_import_is_declared() -> None:
    arguments = setup_arguments()
    extras: dict[str, list[str]] = arguments["extras_require"]
    used_here = ("view", "onnx", "pose", "bags", "calibrate")
    declared = names(arguments["install_requires"]).union(*(names(extras[extra]) for extra in used_here))
    for floor in FLOORS:
        for path in (REPOSITORY / floor).rglob("*.py"):
            used = {DISTRIBUTION.get(name, name) for name in imported_packages(path)}
            if floor == "ros_nodes":
                used -= {tag.text for tag in package_xml().iter("exec_depend")}
            assert used <= declared, f"{path.relative_to(REPOSITORY)} imports what setup.py does not declare"


def test_every_declared_dependency_is_used() -> None:
    files = [path for floor in FLOORS for path in (REPOSITORY / floor).rglob("*.py")]
    used = {DISTRIBUTION.get(name, name) for path in files for name in imported_packages(path)}
    # imageio writes videos through the first and reads images through the second, torch writes curves through the third
    by_another = {"imageio-ffmpeg", "pillow", "tensorboard"}
    assert names(setup_arguments()["install_requires"]) - by_another <= used


def test_every_dependency_is_pinned_once_for_every_python() -> None:
    """All that `make` installs; the landmark models' runtime is left to who wants it."""
    arguments = setup_arguments()
    installed = [extra for name, extra in arguments["extras_require"].items() if name != "pose"]
    wanted = names(arguments["install_requires"]).union(*map(names, installed))
    lines = [line for line in (REPOSITORY / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.match(r"[a-z0-9-]+==[\w.]+(; python_version == .*)?$", line) for line in lines)
    for version in ("3.10", "3.11", "3.12"):
        pinned = [line.split("==")[0] for line in lines if ";" not in line or f'"{version}"' in line]
        assert len(pinned) == len(set(pinned))
        assert wanted <= set(pinned), f"refresh requirements.txt: python {version} lacks pins"


def test_the_tests_need_no_extra_of_their_own() -> None:
    extras: dict[str, list[str]] = setup_arguments()["extras_require"]
    assert set(extras["onnx"]) <= set(extras["dev"])


def test_no_build_of_torch_is_forced_on_anyone() -> None:
    """Its CPU build has the same version and none of these; pip chooses by what its user lets it see."""
    pinned = [line.split("==")[0] for line in (REPOSITORY / "requirements.txt").read_text().splitlines()]
    assert "torch" in pinned
    assert not [name for name in pinned if name == "triton" or name.startswith(("nvidia-", "cuda-"))]


def test_colcon_finds_what_it_looks_for() -> None:
    assert (REPOSITORY / "resource" / "graspmimic").is_file()
    text = (REPOSITORY / "setup.cfg").read_text()
    assert "script_dir=$base/lib/graspmimic" in text
    assert "install_scripts=$base/lib/graspmimic" in text


def test_setup_runs_where_colcon_puts_it(tmp_path: Path) -> None:
    """For --symlink-install colcon takes setup.py into a folder without the README."""
    (tmp_path / "setup.py").write_bytes((REPOSITORY / "setup.py").read_bytes())
    command = [sys.executable, "setup.py", "--version"]
    said = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert said.split()[-1] == setup_arguments()["version"]


@pytest.mark.slow
def test_the_wheel_holds_every_room_and_every_asset(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", str(tmp_path)]
    source = tmp_path / "source"
    tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    for name in tracked.splitlines():
        if (REPOSITORY / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((REPOSITORY / name).read_bytes())
    subprocess.run([*command, str(source)], check=True)
    held = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    wanted = {
        name
        for name in tracked.splitlines()
        if name.split("/")[0] in FLOORS and (name.endswith(".py") or name.startswith("envs/assets/"))
    }
    assert wanted <= held
    assert any(name.endswith("share/ament_index/resource_index/packages/graspmimic") for name in held)
