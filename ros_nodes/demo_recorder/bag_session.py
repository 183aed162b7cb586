"""The bag of each episode: begun with what was said before, marked at its beginning and its end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from std_msgs.msg import String

from ros_nodes.demo_recorder.bag_episode import EPISODE_TOPIC
from ros_nodes.demo_recorder.bag_file import BagFile
from ros_nodes.demo_recorder.recorded_topics import RecordedTopic

_MOST_LATCHED = 64


class BagSession:
    """Bags of one recorder; one at a time.

    Args:
        folder: where bags go, each in a folder of its own.
        topics: by their full names.
    """

    def __init__(self, folder: Path, topics: Mapping[str, RecordedTopic]) -> None:
        self._folder, self._topics = folder, dict(topics)
        self._said: dict[str, list[bytes]] = {name: [] for name, topic in topics.items() if topic.latched}
        self._bag: BagFile | None = None

    @property
    def problem(self) -> str:
        """Why the running bag is not whole; empty while it is."""
        return "" if self._bag is None else self._bag.problem

    def begin(self, name: str, now_ns: int, told: Mapping[str, Any]) -> None:
        """Begin a bag.

        Args:
            name: of its folder; what lies there of an episode that was never written is taken away.
            now_ns: ROS time.
            told: of the episode; see `bag_episode.EPISODE_TOPIC`.

        Raises:
            InputError: if it cannot be made.
        """
        self.drop()
        bag = BagFile(self._fresh(name))
        for topic, known in self._topics.items():
            bag.add_topic(topic, known.kind, latched=known.latched)
        bag.add_topic(EPISODE_TOPIC, String)
        for topic, messages in self._said.items():
            for data in messages:
                bag.write(topic, now_ns, data)
        self._bag = bag
        self.tell(now_ns, told)

    def hear(self, topic: str, received_ns: int, data: bytes) -> None:
        """Take a message of one of the topics."""
        if topic in self._said:
            self._remember(topic, data)
        if self._bag is not None:
            self._bag.write(topic, received_ns, data)

    def tell(self, now_ns: int, told: Mapping[str, Any]) -> None:
        """Note something of the episode in its bag."""
        if self._bag is not None:
            self._bag.write_text(EPISODE_TOPIC, now_ns, json.dumps(dict(told)))

    def end(self, now_ns: int, told: Mapping[str, Any]) -> str:
        """Finish the bag; its name, or an empty text if there is none that is whole."""
        bag = self._bag
        if bag is None:
            return ""
        self.tell(now_ns, told)
        bag.close()
        self._bag = None
        return "" if bag.problem else bag.folder.name

    def drop(self) -> None:
        """Take the running bag away."""
        if self._bag is not None:
            self._bag.remove()
            self._bag = None

    def remove(self, name: str) -> None:
        """Take a finished bag away."""
        BagFile.clear(self._folder / name)

    def _remember(self, topic: str, data: bytes) -> None:
        """Of TF all that was ever said, of other facts the last."""
        said = self._said[topic]
        if topic == "/tf_static":
            if data not in said and len(said) < _MOST_LATCHED:
                said.append(bytes(data))
        else:
            said[:] = [bytes(data)]

    def _fresh(self, name: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        BagFile.clear(self._folder / name)
        return self._folder / name
