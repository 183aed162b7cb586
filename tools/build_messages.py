"""Compile the message packages that no wheel brings into the Python environment that runs this (see ros_venv.sh).

The definitions are those of the tests' stand-in; rosidl's own generators make C, Python and type support of them.
Running it again compiles only what changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy as np

DEFINITIONS = Path(__file__).parents[1] / "tests" / "ros_standin" / "messages" / "definitions"
IN_WHEELS = ("action_msgs", "geometry_msgs", "lifecycle_msgs", "rcl_interfaces", "std_srvs")
TF_MESSAGES = """
==== tf2_msgs/msg/TFMessage
geometry_msgs/TransformStamped[] transforms
==== tf2_msgs/msg/TF2Error
uint8 NO_ERROR = 0
uint8 LOOKUP_ERROR = 1
uint8 CONNECTIVITY_ERROR = 2
uint8 EXTRAPOLATION_ERROR = 3
uint8 INVALID_ARGUMENT_ERROR = 4
uint8 TIMEOUT_ERROR = 5
uint8 TRANSFORM_ERROR = 6
uint8 error
string error_string
"""
"""What the stand-in takes from elsewhere."""
SECTION = re.compile(r"^==== (\w+)/(msg|srv|action)/(\w+)$", re.MULTILINE)
NEEDED = re.compile(r"^(\w+)/\w+", re.MULTILINE)
BUILDERS_PYTHON = re.compile(r"/opt/python/[^/;\" ]+/include/python3\.\d+")
BUILDERS_NUMPY = re.compile(r"/opt/python/[^;\" ]+/numpy/(?:_core|core)/include")
LINES_OF_ERROR = 40
CMAKE = """cmake_minimum_required(VERSION 3.20)
project({package})
find_package(ament_cmake REQUIRED)
find_package(rosidl_default_generators REQUIRED)
{finds}
rosidl_generate_interfaces({package} {files} DEPENDENCIES {needed} SKIP_GROUP_MEMBERSHIP_CHECK)
ament_export_dependencies(rosidl_default_runtime)
ament_package()
"""
XML = """<?xml version="1.0"?>
<package format="3"><name>{package}</name><version>0.0.0</version><description>{package}</description>
<maintainer email="nobody@example.com">nobody</maintainer><license>Apache-2.0</license>
<buildtool_depend>ament_cmake</buildtool_depend><depend>rosidl_default_generators</depend>{depends}
<member_of_group>rosidl_interface_packages</member_of_group>
<export><build_type>ament_cmake</build_type></export></package>
"""

Packages = dict[str, dict[str, str]]
"""Texts of the interfaces by package and by file ("msg/Grasp.msg")."""


def packages(texts: list[str]) -> Packages:
    """The packages that texts in the stand-in's format define, without those that come as wheels."""
    found: Packages = {}
    for text in texts:
        parts = SECTION.split(text)[1:]
        for package, kind, name, body in zip(parts[0::4], parts[1::4], parts[2::4], parts[3::4], strict=True):
            if package not in IN_WHEELS:
                found.setdefault(package, {})[f"{kind}/{name}.{kind}"] = body.strip() + "\n"
    return found


def needed_by(package: str, files: dict[str, str]) -> list[str]:
    """The other packages whose messages are fields of this one's."""
    needed = {name for text in files.values() for name in NEEDED.findall(text)} | {"builtin_interfaces"}
    if any(name.startswith("action/") for name in files):
        needed |= {"action_msgs", "unique_identifier_msgs"}
    return sorted(needed - {package})


def in_order(found: Packages) -> list[str]:
    """Packages, each after what it needs."""
    order: list[str] = []

    def add(package: str) -> None:
        for other in needed_by(package, found[package]):
            if other in found and other not in order:
                add(other)
        if package not in order:
            order.append(package)

    for package in found:
        add(package)
    return order


def fingerprint(package: str, found: Packages) -> str:
    """Changes with the package's definitions, with those it needs, and with how it is built."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name, text in sorted(found[package].items()):
        digest.update(f"{name}\n{text}".encode())
    for other in needed_by(package, found[package]):
        if other in found:
            digest.update(fingerprint(other, found).encode())
    return digest.hexdigest()


def at_home(text: str, python: str, numpy: str) -> str:
    """A wheel's CMake file with the headers of this machine in place of those of the machine that built the wheel."""
    return BUILDERS_PYTHON.sub(lambda _: python, BUILDERS_NUMPY.sub(lambda _: numpy, text))


def mend_wheels() -> None:
    """Let the wheels' CMake files find the headers of Python and NumPy."""
    python, numpy = sysconfig.get_path("include"), np.get_include()
    for path in (Path(sys.prefix) / "share").glob("*/cmake/*Export.cmake"):
        text = path.read_text(encoding="utf-8")
        mended = at_home(text, python, numpy)
        if mended != text:
            path.write_text(mended, encoding="utf-8")


def write_sources(package: str, files: dict[str, str], folder: Path) -> None:
    """A package for ament_cmake that holds nothing but these interfaces."""
    needed = needed_by(package, files)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    finds = "\n".join(f"find_package({name} REQUIRED)" for name in needed)
    quoted = " ".join(f'"{name}"' for name in files)
    (folder / "CMakeLists.txt").write_text(
        CMAKE.format(package=package, finds=finds, files=quoted, needed=" ".join(needed)), encoding="utf-8"
    )
    depends = "".join(f"<depend>{name}</depend>" for name in needed)
    (folder / "package.xml").write_text(XML.format(package=package, depends=depends), encoding="utf-8")


def build(folder: Path) -> None:
    """Generate, compile and install the package of a folder into this environment."""
    options = [
        f"-DCMAKE_INSTALL_PREFIX={sys.prefix}",
        f"-DCMAKE_PREFIX_PATH={sys.prefix}",
        f"-DPython3_EXECUTABLE={sys.executable}",
        "-DBUILD_TESTING=OFF",
        "-DCMAKE_BUILD_TYPE=Release",
    ]
    for command in (
        ["cmake", "-S", str(folder), "-B", str(folder / "build"), *options],
        ["cmake", "--build", str(folder / "build"), "--parallel", str(len(os.sched_getaffinity(0)))],
        ["cmake", "--install", str(folder / "build")],
    ):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            end = "\n".join(done.stdout.splitlines()[-LINES_OF_ERROR:])
            raise SystemExit(f"{end}\n[ros] could not compile {folder.name}: {' '.join(command[:2])} failed, see above")


def main() -> None:
    """Build all that is missing."""
    mend_wheels()
    texts = [path.read_text(encoding="utf-8") for path in sorted(DEFINITIONS.glob("*.txt"))]
    found = packages([*texts, TF_MESSAGES])
    built = Path(sys.prefix) / "built_messages"
    built.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for package in in_order(found):
            stamp, now = built / package, fingerprint(package, found)
            if stamp.exists() and stamp.read_text(encoding="utf-8") == now:
                continue
            sys.stdout.write(f"[ros] compiling {package}\n")
            sys.stdout.flush()
            write_sources(package, found[package], Path(scratch) / package)
            build(Path(scratch) / package)
            stamp.write_text(now, encoding="utf-8")


if __name__ == "__main__":
    main()
