"""Draw the ROS 2 nodes and what goes between them: python tools/ros2_graph.py docs/images/ros2_graph.png."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

INK, QUIET = "#26303c", "#6b7480"
OURS, THEIRS, GUARD = "#dcebf7", "#eef0f2", "#fbe3cf"


class Box(NamedTuple):
    """A node: its middle, its width, its colour."""

    x: float
    y: float
    width: float
    color: str
    note: str = ""


class Link(NamedTuple):
    """What goes from one node to another; the label stands at `at` of the way, moved by `shift`."""

    source: str
    target: str
    label: str
    at: float = 0.5
    shift: tuple[float, float] = (0.0, 0.0)


HEIGHT = 0.72
BOXES = {
    "camera": Box(1.3, 5.6, 2.3, THEIRS, "realsense2_camera, or sim_robot"),
    "robot": Box(12.7, 5.0, 2.3, THEIRS, "ros2_control, or sim_robot"),
    "grasp_detector": Box(4.8, 6.4, 2.0, OURS),
    "pick_server": Box(8.6, 6.4, 2.0, OURS),
    "table_clearer": Box(8.6, 8.0, 2.0, OURS),
    "safety": Box(10.4, 3.6, 1.7, GUARD),
    "policy_runner": Box(7.0, 3.6, 2.0, OURS),
    "objects and goal": Box(3.4, 3.6, 2.2, THEIRS, "your detector, or sim_robot"),
    "demo_recorder": Box(7.0, 1.4, 2.0, OURS),
    "behavior_recognizer": Box(1.3, 1.4, 2.4, OURS),
}
LINKS = [
    Link("camera", "grasp_detector", "depth image\nCameraInfo", shift=(-0.35, 0.32)),
    Link("grasp_detector", "pick_server", "plan_grasps (service)\nscene_cloud", shift=(0.0, 0.3)),
    Link("table_clearer", "pick_server", "pickup (action), place (service)", shift=(1.3, 0.0)),
    Link("pick_server", "safety", "follow_joint_trajectory (action)\nheartbeat", shift=(-1.2, -0.2)),
    Link("pick_server", "robot", "gripper (action)", shift=(0.3, 0.28)),
    Link("safety", "robot", "follow_joint_trajectory (action)\njoint_trajectory", shift=(1.3, -0.3)),
    Link("policy_runner", "safety", "joint_trajectory\nheartbeat", shift=(0.0, 0.3)),
    Link("objects and goal", "policy_runner", "objects\ngoal, goals", shift=(0.0, 0.3)),
    Link("policy_runner", "demo_recorder", "action", shift=(0.38, 0.0)),
    Link("objects and goal", "demo_recorder", "objects, goal", shift=(-0.7, -0.12)),
    Link("camera", "behavior_recognizer", "images", shift=(-0.42, 0.0)),
]
NOTE = """joint_states, TF and robot_description go from the robot to all that face it, images to demo_recorder, too;
policy_runner sends gripper goals to the robot; every node sends /diagnostics"""


def _box(axes: Axes, name: str, box: Box) -> None:
    corner = (box.x - 0.5 * box.width, box.y - 0.5 * HEIGHT)
    style = "round,pad=0.02,rounding_size=0.12"
    axes.add_patch(FancyBboxPatch(corner, box.width, HEIGHT, boxstyle=style, fc=box.color, ec=INK, lw=1.1, zorder=3))
    up = 0.12 if box.note else 0.0
    axes.text(box.x, box.y + up, name, ha="center", va="center", fontsize=10, color=INK, weight="bold", zorder=4)
    if box.note:
        axes.text(box.x, box.y - 0.19, box.note, ha="center", va="center", fontsize=6.8, color=QUIET, zorder=4)


def _edge(box: Box, towards: Box) -> tuple[float, float]:
    """Where the straight line between two middles leaves the box."""
    dx, dy = towards.x - box.x, towards.y - box.y
    scale = min(0.5 * box.width / abs(dx) if dx else 1e9, 0.5 * HEIGHT / abs(dy) if dy else 1e9)
    return box.x + 1.04 * scale * dx, box.y + 1.04 * scale * dy


def _link(axes: Axes, link: Link) -> None:
    source, target = BOXES[link.source], BOXES[link.target]
    start, end = _edge(source, target), _edge(target, source)
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, color=INK,
                                   lw=1.1, shrinkA=0, shrinkB=0, zorder=2))  # fmt: skip
    if link.label:
        x = start[0] + link.at * (end[0] - start[0]) + link.shift[0]
        y = start[1] + link.at * (end[1] - start[1]) + link.shift[1]
        axes.text(x, y, link.label, ha="center", va="center", fontsize=7.4, color=INK, zorder=5,
                  bbox={"fc": "white", "ec": "none", "pad": 1.2, "alpha": 0.9})  # fmt: skip


def main() -> None:
    """Draw, and write the picture that the command line names."""
    figure = Figure(figsize=(11.0, 6.2), dpi=130)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(-0.2, 14.0), ylim=(0.35, 8.6))
    axes.axis("off")
    for link in LINKS:
        _link(axes, link)
    for name, box in BOXES.items():
        _box(axes, name, box)
    axes.text(13.9, 0.6, NOTE, ha="right", va="bottom", fontsize=7.6, color=QUIET)
    FigureCanvasAgg(figure).print_png(str(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
