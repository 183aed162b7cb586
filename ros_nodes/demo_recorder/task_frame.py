"""`with_task_frame`: begins once TF tells where the task's frame is."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node
from rclpy.time import Time

from geometry import FloatArray, InputError
from ros_nodes.demo_recorder.settings import DemoRecorderSettings
from ros_nodes.frames import Frames
from ros_nodes.steady_timer import steady_timer

_TF_S = 0.05
_ASK_S = 0.2


def with_task_frame(
    node: Node,
    frames: Frames,
    settings: DemoRecorderSettings,
    begin: Callable[[FloatArray | None], None],
    cannot: Callable[[str], None],
) -> None:
    """Begin at once where no frame is named, else as soon as TF knows it.

    Args:
        node: whose timer asks again and again.
        frames: of the node.
        settings: name the frame.
        begin: called once, with the frame's pose (4, 4) in the robot's base, or None where none is named.
        cannot: told why it does not begin, or what `begin` raised later.

    Raises:
        InputError: by `begin`, where no frame is named.
    """
    if not settings.env or not settings.task_frame:
        begin(None)
        return

    def ask() -> None:
        found = frames.lookup(settings.base_frame, settings.task_frame, Time().to_msg(), _TF_S)
        if found.T is None:
            cannot(f"task_frame: {found.problem}")
            return
        timer.cancel()
        try:
            begin(found.T)
        except InputError as error:
            cannot(str(error))

    timer = steady_timer(node, _ASK_S, ask)
