"""Ctrl-C on the command line: one line and status 130, whatever is being done, and nobody stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DEADLINE_S = 120.0

SCRIPT = """
import os, signal, sys, time
from graspmimic.interrupt import interrupts_after_imports
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
try:
    with interrupts_after_imports():
        import slow_to_import
        while True:
            time.sleep(0.01)
except KeyboardInterrupt:
    print("interrupted", flush=True)
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""
MODULE = """
import os, signal, time
for _ in range({times}):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.3)
print("imported", flush=True)
"""


@pytest.mark.parametrize(("times", "said"), [(1, "imported\ninterrupted\n"), (2, "interrupted\n")])
def test_an_import_is_not_interrupted_unless_twice(tmp_path: Path, times: int, said: str) -> None:
    (tmp_path / "slow_to_import.py").write_text(MODULE.format(times=times))
    (tmp_path / "script.py").write_text(SCRIPT)
    ended = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, timeout=DEADLINE_S,
        check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, said, "")


def members(session: int) -> int:
    """How many processes of a session are alive."""
    found = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            state, _, _, of = entry.read_text().rsplit(")", 1)[1].split()[:4]
            found += state != "Z" and int(of) == session
    return found


@pytest.mark.slow
@pytest.mark.parametrize("moment_s", [0.5, 1.5, None])
@pytest.mark.parametrize(
    "words",
    ["collect --task Push --episodes 5000 --workers 2", "bench clutter --rounds 50 --processes 2",
     "bench imitation --tasks Push --policies bc --demos 4 --seeds 1 --episodes 500 --workers 2"],
)  # fmt: skip
def test_control_c_is_one_line(tmp_path: Path, words: str, moment_s: float | None) -> None:
    """While this process starts, and, at None, while its workers do."""
    command = [sys.executable, "-m", "graspmimic", *words.split(), "--output", str(tmp_path / "output")]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until = time.monotonic() + (DEADLINE_S if moment_s is None else moment_s)
    while time.monotonic() < until and (moment_s is not None or members(process.pid) < 4):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=DEADLINE_S)
    name = words.partition(" --")[0]
    assert (process.returncode, said) == (130, f"graspmimic {name}: interrupted\n")
    until = time.monotonic() + DEADLINE_S
    while members(process.pid):
        assert time.monotonic() < until
        time.sleep(0.05)
