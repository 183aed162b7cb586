"""`graspmimic`, the command line: finds the command, runs it, and turns bad input into one line.

A command is a frozen dataclass in a file of its own. Its fields become options through tyro, its
docstring becomes the help. Only the chosen command is imported, so `--help` does not wait for physics; and
what takes long to import is imported where Ctrl-C is understood.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from graspmimic.interrupt import interrupts_after_imports

if TYPE_CHECKING:
    from graspmimic.report import Command


class Entry(NamedTuple):
    """Where a command lives, and what it does in one line."""

    module: str
    name: str
    summary: str


COMMANDS = {
    "demo": Entry("graspmimic.demo", "Demo", "watch a simulated Panda look at a pile of objects and clear it"),
    "detect": Entry("graspmimic.detect", "Detect", "find grasps in one real RGB-D frame or point cloud"),
    "bench clutter": Entry("graspmimic.bench_clutter", "BenchClutter", "the clutter-removal benchmark"),
    "bench envs": Entry("graspmimic.bench_envs", "BenchEnvs", "speed of the tasks beside panda-gym"),
    "bench latency": Entry("graspmimic.bench_latency", "BenchLatency", "time from a depth image to grasps, by stage"),
    "bench render": Entry("graspmimic.bench_render", "BenchRender", "cost and agreement of the depth cameras"),
    "generate grasps": Entry(
        "graspmimic.generate_grasps", "GenerateGrasps", "labelled training scenes for grasp detection"
    ),
    "generate rounds": Entry("graspmimic.generate_rounds", "GenerateRounds", "clearing rounds played for training"),
    "generate trials": Entry("graspmimic.generate_trials", "GenerateTrials", "a network's own grasps tried in physics"),
    "generate labels": Entry("graspmimic.generate_labels", "GenerateLabels", "GraspNet-format labels of any objects"),
    "bench imitation": Entry(
        "graspmimic.bench_imitation", "BenchImitation", "imitation policies side by side, by number of demonstrations"
    ),
    "collect": Entry(
        "graspmimic.collect", "Collect", "demonstrations by scripted experts, trained policies, or by hand"
    ),
    "dataset doctor": Entry(
        "graspmimic.dataset_doctor", "DatasetDoctor", "what in a set of demonstrations would ruin training"
    ),
    "dataset export": Entry("graspmimic.dataset_export", "DatasetExport", "a set for LeRobot or robomimic"),
    "dataset import": Entry("graspmimic.dataset_import", "DatasetImport", "a set from LeRobot or robomimic"),
    "demonstrate": Entry(
        "graspmimic.demonstrated", "Demonstrate", "a simulated person shows tasks: recordings, pictures, films"
    ),
    "eval teach": Entry("graspmimic.eval_teach", "EvalTeach", "ten tasks shown once each, and done elsewhere"),
    "teach": Entry("graspmimic.teach", "Teach", "a person shows a task once; the robot understands and does it"),
    "train imitation": Entry("graspmimic.train_imitation", "TrainImitation", "a policy from demonstrations"),
    "eval shown": Entry("graspmimic.eval_shown", "EvalShown", "programs from recordings of real people"),
    "eval imitation": Entry("graspmimic.eval_imitation", "EvalImitation", "success of an imitation policy, by stage"),
    "bench continual": Entry(
        "graspmimic.bench_continual", "BenchContinual", "tasks learned one after the other, and what is forgotten"
    ),
    "bench retargeting": Entry(
        "graspmimic.bench_retargeting", "BenchRetargeting", "a hand's move done again by the gripper, by keypoint error"
    ),
    "train continual": Entry(
        "graspmimic.train_continual", "TrainContinual", "one policy, task after task, by EWC or replay"
    ),
    "train interventions": Entry(
        "graspmimic.train_interventions",
        "TrainInterventions",
        "improve a policy where it goes wrong: an expert takes over",
    ),
    "train rl": Entry("graspmimic.train_rl", "TrainRL", "a policy for one of the Gymnasium tasks"),
    "eval rl": Entry("graspmimic.eval_rl", "EvalRL", "success of a policy over seeded episodes, and films of it"),
    "eval behavior": Entry("graspmimic.eval_behavior", "EvalBehavior", "how well behaviour is understood"),
    "train behavior": Entry(
        "graspmimic.train_behavior", "TrainBehavior", "a network that names behaviours, from labelled recordings"
    ),
    "eval grasp-ap": Entry("graspmimic.eval_grasp_ap", "EvalGraspAp", "average precision of grasps on true geometry"),
    "export onnx": Entry("graspmimic.export_onnx", "ExportOnnx", "the grasp network for other runtimes"),
    "setup pose": Entry("graspmimic.setup_pose", "SetupPose", "the landmark models that images need, once"),
    "bench pose": Entry("graspmimic.bench_pose", "BenchPose", "tracking, joint rotations and latency of pose"),
    "calibrate": Entry(
        "graspmimic.calibrate", "Calibrate", "where a camera is, from recorded poses of the gripper and a board"
    ),
    "watch": Entry(
        "graspmimic.watch", "Watch", "what people in a video, before a camera or in a recording do, and why"
    ),
    "train grasp": Entry("graspmimic.train_grasp", "TrainGrasp", "the grasp network from labelled scenes"),
}
"""Every command by the words that call it; the word before the last is a group."""

GROUPS = {
    "bench": "measure and print the tables of the README",
    "dataset": "sets of demonstrations",
    "eval": "judge what was learned",
    "export": "write networks for other programs",
    "generate": "make training data",
    "setup": "prepare what is needed once",
    "train": "train networks",
}
"""What the commands of a group have in common."""

BAD_INPUT, INTERRUPTED = 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; `argv` is without the program's name, None takes the process's own.

    Returns:
        The exit status: 0 work done, 2 bad input, 130 interrupted from the keyboard.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    for count in (2, 1):
        name = " ".join(words[:count])
        if name in COMMANDS:
            return _run(name, words[count:])
    parser = _front_door()
    try:
        parser.parse_args(words)
    except SystemExit as stop:
        return int(stop.code or 0)
    parser.print_help(sys.stderr)
    return BAD_INPUT


def _run(name: str, options: Sequence[str]) -> int:
    try:
        with interrupts_after_imports():
            return _work(name, options)
    except KeyboardInterrupt:
        sys.stderr.write(f"graspmimic {name}: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, `| head` say, has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as stop:
        return int(stop.code or 0)


def _work(name: str, options: Sequence[str]) -> int:
    from rich.console import Console

    from geometry import InputError
    from graspmimic.report import prepare_json, write_json

    try:
        entry = COMMANDS[name]
        command = _parse(getattr(import_module(entry.module), entry.name), name, options)
        prepare_json(command.json)
        results = command.run(Console())
        write_json(name, command, results)
    except InputError as error:
        sys.stderr.write(f"graspmimic {name}: {error}\n")
        return BAD_INPUT
    return 0


def _parse(kind: type[Command], name: str, options: Sequence[str]) -> Command:
    """The command with its options; tyro's box for a wrong option, but InputError for a wrong value."""
    import tyro

    from geometry import InputError

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.cli(kind, prog=f"graspmimic {name}", args=list(options))
    except SystemExit as stop:
        if isinstance(stop.__context__, InputError):
            raise stop.__context__ from None
        sys.stderr.write(said.getvalue())
        raise


def _front_door() -> argparse.ArgumentParser:
    from importlib import metadata

    parser = argparse.ArgumentParser(
        prog="graspmimic",
        description="Robots that grasp what they never saw, and understand what people do.",
        epilog="`graspmimic COMMAND --help` says more about one of them.",
    )
    parser.add_argument("--version", action="version", version=f"graspmimic {metadata.version('graspmimic')}")
    groups = {"": parser.add_subparsers(title="commands", metavar="COMMAND", required=False)}
    for words, entry in COMMANDS.items():
        group, _, last = words.rpartition(" ")
        if group not in groups:
            members = ", ".join(other.rpartition(" ")[2] for other in COMMANDS if other.startswith(f"{group} "))
            below = groups[""].add_parser(group, help=f"{GROUPS[group]}: {members}")
            groups[group] = below.add_subparsers(title="commands", metavar="COMMAND", required=True)
        groups[group].add_parser(last, help=entry.summary)
    return parser


if __name__ == "__main__":
    sys.exit(main())
