"""The way back: a bag of one episode as an episode, by the same synchroniser as when it was recorded."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from geometry import FloatArray, InputError
from policies.demonstrations import Episode
from ros_nodes.demo_recorder.demo_core import DemoCore
from ros_nodes.demo_recorder.recorded_frames import RecordedFrames
from ros_nodes.messages.stamps import seconds_of
from ros_nodes.task_view.message_intake import FrameInBase

EPISODE_TOPIC = "/demo_recorder/episode"
"""Where the recorder tells in a bag when the episode began and how it ended: std_msgs/String, one JSON object."""
_NS = 1e-9


class BagMessage(NamedTuple):
    """One message of a bag."""

    topic: str
    """Its full name."""
    received_s: float
    """When it was received, seconds."""
    msg: Any
    """As the `rosbags` package gives it."""


def read_bag(folder: Path, topics: set[str] | None = None) -> Iterator[BagMessage]:
    """The messages of a bag in the order in which they were received.

    Args:
        folder: of the bag.
        topics: those to read; None reads all.

    Raises:
        InputError: if it is none, or `rosbags` is not installed.
    """
    try:
        from rosbags.highlevel import AnyReader, AnyReaderError
    except ImportError:
        remedy = "pip install 'graspmimic[ros]'"
        raise InputError("read_bag", expected="the package rosbags", got="none", remedy=remedy) from None
    try:
        with AnyReader([folder]) as reader:
            wanted = [each for each in reader.connections if topics is None or each.topic in topics]
            for connection, received_ns, data in reader.messages(wanted) if wanted else ():
                yield BagMessage(connection.topic, received_ns * _NS, reader.deserialize(data, connection.msgtype))
    except (AnyReaderError, OSError, ValueError, KeyError) as error:
        got = f"{type(error).__name__}: {error}"
        raise InputError(str(folder), expected="the folder of a bag", got=got) from None


def episode_of_bag(
    folder: Path,
    make_core: Callable[[FrameInBase], DemoCore],
    topics: Mapping[str, str],
    *,
    base_frame: str,
    success: bool | None = None,
    task: str = "",
) -> Episode | None:
    """What a bag holds, as an episode; None if there is no step in it.

    Args:
        folder: of the bag.
        make_core: gives the core for the bag's frames; the same as when it was recorded gives the same episode.
        topics: the source that each topic is, by its full name.
        base_frame: of the robot.
        success: whether the task was done; None takes what the recorder wrote, or what the last row tells.
        task: what was to be done, in words; empty takes what the recorder wrote.

    Raises:
        InputError: if it is no bag.
    """
    frames = frames_of_bag(folder)

    def frame_in_base(frame: str, stamp: Any) -> tuple[FloatArray | None, str]:
        return frames.pose(frame, base_frame, seconds_of(stamp))

    core = make_core(frame_in_base)
    told: dict[str, Any] = {}
    now_s = 0.0
    for topic, received_s, msg in read_bag(folder, {*topics, EPISODE_TOPIC}):
        now_s = received_s
        if topic == EPISODE_TOPIC:
            told |= json.loads(msg.data)
            core.stop_at(told.get("stopped_s", math.inf))
        if core.recording is None:
            core.start(told.get("started_s", received_s))
        if topic in topics:
            _take(core, topics[topic], msg, received_s)
        core.advance(received_s)
    if core.recording is None:
        return None
    return core.finish(
        told.get("finished_s", told.get("stopped_s", now_s)),
        success=told.get("success") if success is None else success,
        task=task or told.get("task", ""),
        provenance={"source": told.get("source", "human"), "recorded_by": "bag", "bag": folder.name},
    )


def _take(core: DemoCore, source: str, msg: Any, received_s: float) -> None:
    """Hear a message; one that makes no sense was not heard when it was recorded, either."""
    try:
        core.take(source, msg, received_s)
    except InputError:
        return


def frames_of_bag(folder: Path) -> RecordedFrames:
    """Where frames stood by a bag's TF.

    Raises:
        InputError: if it is no bag.
    """
    frames = RecordedFrames()
    for topic, _, msg in read_bag(folder, {"/tf", "/tf_static"}):
        frames.take(msg, fixed=topic == "/tf_static")
    return frames
