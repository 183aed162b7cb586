"""The transform tree: tf2's BufferCore without ROS."""

from __future__ import annotations

import math
import threading
from typing import Any, NamedTuple

from .cache import Edge, StaticCache, TimeCache
from .exceptions import (
    ConnectivityException,
    ExtrapolationException,
    InvalidArgumentException,
    LookupException,
    TransformException,
)
from .rigid import Rigid

_NORM_TOLERANCE = 1e-2
_NS = 1_000_000_000


class Found(NamedTuple):
    """A transform and the time that it holds for."""

    transform: Rigid
    stamp_ns: int


class BufferCore:
    """Keeps transforms and answers for any two frames and time, as tf2's class of this name."""

    def __init__(self, cache_time: Any = None) -> None:
        """Keep transforms for a rclpy Duration (10 s)."""
        self._length_ns = 10 * _NS if cache_time is None else _nanoseconds(cache_time)
        self._caches: dict[str, StaticCache | TimeCache] = {}
        self._names: set[str] = set()
        self._lock = threading.RLock()

    def set_transform(self, transform: Any, authority: str) -> None:
        """Take a geometry_msgs/TransformStamped; one that tf2 would refuse is ignored as tf2 does."""
        self._insert(transform, static=False)

    def set_transform_static(self, transform: Any, authority: str) -> None:
        """Take a transform that holds for all times."""
        self._insert(transform, static=True)

    def clear(self) -> None:
        """Forget all transforms but the static ones."""
        with self._lock:
            for cache in self._caches.values():
                cache.clear()

    def lookup_transform_core(self, target_frame: str, source_frame: str, time: Any) -> Any:
        """The geometry_msgs/TransformStamped that takes points of the source frame into the target frame."""
        with self._lock:
            found = self._find(target_frame, source_frame, _nanoseconds(time), "lookupTransform")
        return _message(target_frame, source_frame, found)

    def lookup_transform_full_core(
        self, target_frame: str, target_time: Any, source_frame: str, source_time: Any, fixed_frame: str
    ) -> Any:
        """From the source frame at one time to the target frame at another, by way of a frame that stays."""
        with self._lock:
            first = self._find(fixed_frame, source_frame, _nanoseconds(source_time), "lookupTransform")
            second = self._find(target_frame, fixed_frame, _nanoseconds(target_time), "lookupTransform")
        return _message(target_frame, source_frame, Found(second.transform @ first.transform, second.stamp_ns))

    def can_transform_core(self, target_frame: str, source_frame: str, time: Any) -> tuple[int, str]:
        """Whether the look-up would answer (1 or 0, as tf2_py), and why not."""
        try:
            with self._lock:
                self._find(target_frame, source_frame, _nanoseconds(time), "canTransform")
        except LookupException as problem:
            if {target_frame, source_frame} <= self._names:
                return 0, str(problem)
            role, name = ("target", target_frame) if target_frame not in self._names else ("source", source_frame)
            where = f"canTransform argument {role}_frame"
            return 0, f'Invalid frame ID "{name}" passed to {where} - frame does not exist'
        except TransformException as problem:
            return 0, str(problem)
        return 1, ""

    def get_latest_common_time(self, target_frame: str, source_frame: str) -> Any:
        """The newest time at which the look-up answers, a rclpy Time."""
        from rclpy.time import Time

        with self._lock:
            return Time(nanoseconds=self._latest_common_ns(target_frame, source_frame))

    def all_frames_as_yaml(self) -> str:
        """Every frame with its parent."""
        with self._lock:
            known = {name: edge for name, cache in self._caches.items() if (edge := cache.latest())}
        return "".join(f"{name}: \n  parent: '{edge.parent}'\n" for name, edge in sorted(known.items())) or "[]"

    def _insert(self, message: Any, static: bool) -> None:
        parent, child = message.header.frame_id.removeprefix("/"), message.child_frame_id.removeprefix("/")
        r, t = message.transform.rotation, message.transform.translation
        rigid = Rigid((r.x, r.y, r.z, r.w), (t.x, t.y, t.z))
        normal = abs(sum(part * part for part in rigid.rotation) - 1.0) < _NORM_TOLERANCE
        if not parent or not child or parent == child or not normal or any(map(math.isnan, rigid.translation)):
            return
        stamp_ns = _nanoseconds(message.header.stamp)
        with self._lock:
            cache = self._caches.get(child)
            if not isinstance(cache, StaticCache if static else TimeCache):
                cache = StaticCache() if static else TimeCache(self._length_ns)
                self._caches[child] = cache
            self._names.update((parent, child))
            cache.insert(Edge(stamp_ns, parent, rigid))

    def _find(self, target: str, source: str, stamp_ns: int, function: str) -> Found:
        for role, name in (("target_frame", target), ("source_frame", source)):
            self._check_name(name, f"{function} argument {role}")
        if target == source:
            latest = self._caches[source].latest() if source in self._caches else None
            return Found(Rigid(), stamp_ns or (latest.stamp_ns if latest else 0))
        if stamp_ns == 0:
            stamp_ns = self._latest_common_ns(target, source)
        return Found(self._walk(target, source, stamp_ns), stamp_ns)

    def _check_name(self, name: str, where: str) -> None:
        for wrong, why in ((not name, "be empty"), (name.startswith("/"), "start with a '/'")):
            if wrong:
                text = f'Invalid argument "{name}" passed to {where} - in tf2 frame_ids cannot {why}'
                raise InvalidArgumentException(text)
        if name not in self._names:
            raise LookupException(f'"{name}" passed to {where} does not exist. ')

    def _walk(self, target: str, source: str, stamp_ns: int) -> Rigid:
        """Up from the source to its root (or as far as the caches reach), then up from the target to the same frame."""
        upward: dict[str, Rigid] = {source: Rigid()}
        frame, missing = source, ""
        while frame != target:
            try:
                edge = self._edge(frame, stamp_ns)
            except ExtrapolationException as problem:
                missing = str(problem)
                break
            if edge is None:
                break
            if edge.parent in upward:
                raise _loop()
            upward[edge.parent] = edge.transform @ upward[frame]
            frame = edge.parent
        downward, frame, seen = Rigid(), target, set[str]()
        while frame not in upward:
            if frame in seen:
                raise _loop()
            seen.add(frame)
            try:
                edge = self._edge(frame, stamp_ns)
            except ExtrapolationException as problem:
                raise ExtrapolationException(f"{problem}{_looking_up(source, target)}") from None
            if edge is None:
                if missing:
                    raise ExtrapolationException(f"{missing}{_looking_up(source, target)}")
                raise _unconnected(target, source)
            downward = edge.transform @ downward
            frame = edge.parent
        return downward.inverse() @ upward[frame]

    def _edge(self, frame: str, stamp_ns: int) -> Edge | None:
        cache = self._caches.get(frame)
        return None if cache is None else cache.at(stamp_ns)

    def _latest_common_ns(self, target: str, source: str) -> int:
        chains = [self._latest_chain(target), self._latest_chain(source)]
        common = next((frame for frame in chains[1] if frame in chains[0]), None)
        if common is None:
            raise _unconnected(target, source)
        stamps = []
        for chain in chains:
            for frame, edge in chain.items():
                if frame == common:
                    break
                stamps.append(edge.stamp_ns if edge else 0)
        return min((stamp for stamp in stamps if stamp), default=0)

    def _latest_chain(self, frame: str) -> dict[str, Edge | None]:
        """The frames from one up to its root, each with its newest transform to the next."""
        chain: dict[str, Edge | None] = {}
        while frame not in chain:
            cache = self._caches.get(frame)
            edge = cache.latest() if cache else None
            chain[frame] = edge
            if edge is None:
                return chain
            frame = edge.parent
        raise _loop()


def _nanoseconds(time: Any) -> int:
    """Of a rclpy Time or Duration or of their messages, as tf2_py takes them."""
    if hasattr(time, "sec") and hasattr(time, "nanosec"):
        return int(time.sec) * _NS + int(time.nanosec)
    if hasattr(time, "nanoseconds"):
        return int(time.nanoseconds)
    raise TypeError("time must have sec and nanosec, or nanoseconds.")


def _looking_up(source: str, target: str) -> str:
    return f", when looking up transform from frame [{source}] to frame [{target}]"


def _loop() -> LookupException:
    return LookupException("The tf tree is invalid because it contains a loop.")


def _unconnected(target: str, source: str) -> ConnectivityException:
    return ConnectivityException(
        f"Could not find a connection between '{target}' and '{source}' because they are not part of the same tree."
        "Tf has two or more unconnected trees."
    )


def _message(target: str, source: str, found: Found) -> Any:
    from geometry_msgs.msg import TransformStamped

    message = TransformStamped()
    message.header.frame_id, message.child_frame_id = target, source
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(found.stamp_ns, _NS)
    rotation, translation = message.transform.rotation, message.transform.translation
    rotation.x, rotation.y, rotation.z, rotation.w = found.transform.rotation
    translation.x, translation.y, translation.z = found.transform.translation
    return message
