"""Print requirements.txt: the newest versions that fit together, for each Python given.

    python tools/pin.py python3.10 python3.11 python3.12 > requirements.txt

Each interpreter needs a recent pip (23 or newer). Nothing is installed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict

WANTED = [".[view,onnx,dev]", "setuptools<80", "torch==2.13.0"]
"""What is pinned with everything below it; setuptools 80 breaks colcon's --symlink-install, and the
version of torch is chosen by hand, since its CPU build comes from elsewhere and must exist there."""

CUDA_ONLY = re.compile(r"nvidia-|cuda-|triton$")
"""What torch's CUDA build asks for, at versions that it fixes itself, and its CPU build does not."""

HEADER = """\
# Exact versions, for all supported Pythons. Refresh with:
#   python tools/pin.py python3.10 python3.11 python3.12 > requirements.txt
"""


def resolve(python: str) -> tuple[tuple[int, int], dict[str, str]]:
    """The Python's version, and the version of every package that an empty environment would get."""
    command = [python, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-", *WANTED]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    major, minor = report["environment"]["python_version"].split(".")
    found = (package["metadata"] for package in report["install"])
    named = {re.sub(r"[-_.]+", "-", each["name"]).lower(): each["version"] for each in found}
    pins = {name: version.split("+")[0] for name, version in named.items() if not CUDA_ONLY.match(name)}
    pins.pop("graspmimic")
    return (int(major), int(minor)), pins


def lines(resolved: dict[tuple[int, int], dict[str, str]]) -> list[str]:
    """One line for each version of each package, with the Pythons that it is for where it is not for all."""
    pythons: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (major, minor), pins in sorted(resolved.items()):
        for name, version in pins.items():
            pythons[name, version].append(f'python_version == "{major}.{minor}"')
    return [
        f"{name}=={version}" + ("" if len(these) == len(resolved) else f"; {' or '.join(these)}")
        for (name, version), these in sorted(pythons.items())
    ]


if __name__ == "__main__":
    sys.stdout.write(HEADER + "\n".join(lines(dict(map(resolve, sys.argv[1:])))) + "\n")
