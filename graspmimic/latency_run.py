"""Latency of one planner under one setting, measured in a fresh process.

The planner, the geometric planner and VGN's forward pass take turns on the same scenes, so that a
busy or slow moment meets all three, and each planner's time is divided by its neighbours'.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graspmimic.planners import make_planner
from perception.grasping import DepthView

WARM_UP = 3
"""Calls of everything before the first that counts."""


class Look(NamedTuple):
    """One scene as it is seen; plain arrays, so that the measuring process need not load any simulation."""

    view: DepthView
    """The depth image."""
    tsdf: NDArray[np.float32]
    """(40, 40, 40) the same for VGN, whose making is not counted."""


Call = Callable[[Look, Callable[[str, float], None]], int]
"""Does the work on one look, tells of its stages, and returns how many grasps it found."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Where and how something is measured."""

    threads: int
    """Threads of PyTorch, OpenMP and BLAS."""
    gpu: bool = False
    """Whether networks run on the GPU."""
    alone: bool = False
    """Whether nothing but the planner runs, to see how much memory it needs."""

    @property
    def suffix(self) -> str:
        """What ends the names of its results."""
        return "gpu" if self.gpu else str(self.threads)

    @property
    def label(self) -> str:
        """For people."""
        where = "GPU" if self.gpu else f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return "memory" if self.alone else where


class Subject(NamedTuple):
    """What is measured."""

    planner: str
    """As `make_planner` takes it."""
    weights: Path | None = None
    """Of the planner "network", in place of the package's own."""


class Sample(NamedTuple):
    """One turn: everything once on the same look."""

    scene: int
    """The look's number."""
    wall_ms: dict[str, float]
    """By "total" (what is measured), "antipodal" and "vgn"."""
    cpu_ms: dict[str, float]
    """CPU time of the same, all threads."""
    stages_ms: dict[str, float]
    """Of the planner, in their order."""
    grasps: int
    """That the planner found."""


class Measured(NamedTuple):
    """What a process brings back."""

    setting: Setting
    """What it measured under."""
    samples: list[Sample]
    memory_mb: float
    """Most memory that the process ever had, MB of 10^6 bytes."""


def measure_in_process(
    setting: Setting, subject: Subject, looks: Sequence[Look], repeats: int, on_turn: Callable[[], None]
) -> Measured:
    """Measure in a process of its own, which starts without any of this one's memory or threads.

    Args:
        setting: threads and device.
        subject: what is measured.
        looks: the scenes.
        repeats: turns on each.
        on_turn: is called after each turn.
    """
    from envs.worker_processes import starting_workers  # here, for the measuring process need not load it

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=_work, args=(theirs, setting, subject, list(looks), repeats), daemon=True)
    with starting_workers():
        worker.start()
    theirs.close()
    try:
        while True:
            said = ours.recv()
            if isinstance(said, Measured):
                return said
            if isinstance(said, Exception):
                raise said
            on_turn()
    except EOFError:
        raise RuntimeError(f"the process that measured {setting} ended without a result") from None
    finally:
        worker.terminate()
        worker.join()


def _work(pipe: Connection, setting: Setting, subject: Subject, looks: list[Look], repeats: int) -> None:
    try:
        pipe.send(_measure(setting, subject, looks, repeats, lambda: pipe.send(None)))
    except Exception as error:
        pipe.send(error)


def _measure(
    setting: Setting, subject: Subject, looks: list[Look], repeats: int, on_turn: Callable[[], None]
) -> Measured:
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(setting.threads)
    calls = {"total": _planner_call(subject, setting.gpu)}
    if not setting.alone:
        calls |= {"antipodal": _planner_call(Subject("antipodal"), False), "vgn": _vgn_call(setting.gpu, looks[0])}
    with threadpool_limits(setting.threads):
        for call in calls.values():
            for _ in range(WARM_UP):
                call(looks[0], _ignore)
        samples = []
        for repeat in range(repeats):
            for scene, look in enumerate(looks):
                samples.append(_turn(calls, look, scene, backwards=bool((repeat + scene) % 2)))
                on_turn()
    return Measured(setting, samples, _peak_memory_mb())


def _turn(calls: dict[str, Call], look: Look, scene: int, *, backwards: bool) -> Sample:
    wall_ms: dict[str, float] = {}
    cpu_ms: dict[str, float] = {}
    stages_ms: dict[str, float] = {}
    grasps = 0

    def note(stage: str, seconds: float) -> None:
        stages_ms[stage] = stages_ms.get(stage, 0.0) + 1e3 * seconds

    for name in sorted(calls, reverse=backwards):
        cpu_s, start_s = time.process_time(), time.perf_counter()
        found = calls[name](look, note if name == "total" else _ignore)
        wall_ms[name] = 1e3 * (time.perf_counter() - start_s)
        cpu_ms[name] = 1e3 * (time.process_time() - cpu_s)
        grasps = found if name == "total" else grasps
    return Sample(scene, wall_ms, cpu_ms, stages_ms, grasps)


def _planner_call(subject: Subject, gpu: bool) -> Call:
    if subject.planner == "network":
        from perception.grasping.network.detector import GraspDetector

        detector = GraspDetector.from_pretrained(subject.weights, device="cuda" if gpu else "cpu")
        return lambda look, on_stage: len(detector.detect_view(look.view, on_stage=on_stage))
    planner = make_planner(subject.planner)
    return lambda look, on_stage: len(planner(look.view).poses)


def _vgn_call(gpu: bool, look: Look) -> Call:
    """VGN's forward pass alone, on a volume that is ready; in the memory layout that is faster here."""
    import torch

    from perception.grasping.network.vgn import Vgn

    device = "cuda" if gpu else "cpu"
    torch.manual_seed(0)
    network = Vgn().to(device).eval()
    volume = torch.from_numpy(look.tsdf)[None, None].to(device)

    def forward(layout: torch.memory_format) -> None:
        with torch.inference_mode():
            network(volume.to(memory_format=layout)).quality.amax().item()  # waits for the GPU

    def cost_s(layout: torch.memory_format) -> float:
        network.to(memory_format=layout)  # type: ignore[call-overload]  # PyTorch's stubs lack it
        times = []
        for _ in range(2 + WARM_UP):
            start_s = time.perf_counter()
            forward(layout)
            times.append(time.perf_counter() - start_s)
        return min(times)

    layout = min((torch.contiguous_format, torch.channels_last_3d), key=cost_s)
    network.to(memory_format=layout)  # type: ignore[call-overload]

    def call(_look: Look, _on_stage: Callable[[str, float], None]) -> int:
        forward(layout)
        return 0

    return call


def _ignore(_stage: str, _seconds: float) -> None:
    """No one wants to know."""


def _peak_memory_mb() -> float:
    """Linux hands the parent's peak on through `ru_maxrss`, but not through VmHWM."""
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(fields["VmHWM"].split()[0]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
