"""An episode's raw messages in a bag: rosbag2's layout with MCAP inside, which Foxglove opens, too."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any, Literal

from geometry import InputError
from ros_nodes.demo_recorder.bag_types import definitions_of, type_name

_VERSION: Literal[8] = 8
"""Of rosbag2's metadata: what Iron and all later distributions read."""
_STRING = "std_msgs/msg/String"


class BagFile:
    """A bag that is being written, from any thread. What cannot be written is said once, and nothing more is written.

    Args:
        folder: of the bag; it must not be there yet.

    Raises:
        InputError: if it cannot be made, or `rosbags` is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from rosbags.rosbag2 import StoragePlugin, Writer, WriterError
            from rosbags.typesys import Stores, get_typestore
        except ImportError:
            remedy = "pip install 'graspmimic[ros]', or set bag to false"
            raise InputError("bag", expected="the package rosbags", got="none", remedy=remedy) from None
        self.folder = folder
        self.problem = ""
        """Why nothing more is written; empty while all is well."""
        self._store = get_typestore(Stores.ROS2_HUMBLE)
        self._connections: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._open = True
        self.count = 0
        """Messages so far."""
        try:
            self._writer: Any = Writer(folder, version=_VERSION, storage_plugin=StoragePlugin.MCAP)
            self._writer.open()
        except (OSError, WriterError) as error:
            raise InputError(str(folder), expected="a folder for a new bag", got=str(error)) from None

    def add_topic(self, topic: str, message_class: Any, *, latched: bool = False) -> None:
        """Announce a topic; before its first message.

        Args:
            topic: its full name.
            message_class: rclpy's.
            latched: whether `ros2 bag play` shall offer it to those who come later, as /tf_static.
        """
        self._register(message_class)
        with self._lock:
            self._connections[topic] = self._writer.add_connection(
                topic, type_name(message_class), typestore=self._store, offered_qos_profiles=_offered(latched)
            )

    def write(self, topic: str, received_ns: int, data: bytes) -> None:
        """Add a serialised message of an announced topic.

        Args:
            topic: its full name.
            received_ns: ROS time.
            data: as a raw subscription gives it. `rclpy.serialization.serialize_message` will not do: under Fast DDS it
                may leave memory that is no part of the message at the end, and other tools then refuse the bag.
        """
        with self._lock:
            if self.problem or not self._open:
                return
            try:
                self._writer.write(self._connections[topic], received_ns, data)
                self.count += 1
            except OSError as error:
                self.problem = f"{self.folder}: {error.strerror or error}; the bag ends here"

    def write_text(self, topic: str, received_ns: int, text: str) -> None:
        """Add a std_msgs/String to an announced topic."""
        string = self._store.types[_STRING](data=text)
        self.write(topic, received_ns, bytes(self._store.serialize_cdr(string, _STRING)))

    def close(self) -> None:
        """Finish the bag; twice is harmless."""
        with self._lock:
            if not self._open:
                return
            self._open = False
            try:
                self._writer.close()
            except OSError as error:
                self.problem = self.problem or f"{self.folder}: {error.strerror or error}; the bag has no index"

    def remove(self) -> None:
        """Finish it and take it away."""
        self.close()
        self.clear(self.folder)

    @staticmethod
    def clear(folder: Path) -> None:
        """Take away a bag that was written."""
        shutil.rmtree(folder, ignore_errors=True)

    def _register(self, message_class: Any) -> None:
        from rosbags.typesys import get_types_from_msg

        found: dict[str, Any] = {}
        for name, text in definitions_of(message_class):
            if name not in self._store.fielddefs:
                found |= get_types_from_msg(text, name)
        if found:
            self._store.register(found)


def _offered(latched: bool) -> list[Any]:
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )

    never = QosTime(sec=9223372036, nsec=854775807)
    durability = QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE
    return [
        Qos(QosHistory.KEEP_LAST, 1 if latched else 10, QosReliability.RELIABLE, durability, never, never,
            QosLiveliness.AUTOMATIC, never, False)
    ]  # fmt: skip
