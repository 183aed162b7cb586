"""What carries messages between nodes of one process: every ROS domain is a registry of endpoints by their full names.

Not a module of the real rclpy; it takes the place of the middleware under it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

KINDS = ("publisher", "subscription", "service", "client", "action_server", "action_client", "node")


class Domain:
    """All endpoints that can see each other: nodes with the same ROS domain id."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.changed = threading.Condition(threading.RLock())
        self._endpoints: dict[str, dict[str, tuple[Any, ...]]] = {kind: {} for kind in KINDS}

    def add(self, kind: str, name: str, endpoint: Any) -> None:
        """Make an endpoint visible, and wake who waits for one."""
        with self.changed:
            known = self._endpoints[kind]
            known[name] = (*known.get(name, ()), endpoint)
            self.changed.notify_all()

    def remove(self, kind: str, name: str, endpoint: Any) -> None:
        """Take an endpoint away; one that is not there is no error."""
        with self.changed:
            left = tuple(one for one in self._endpoints[kind].get(name, ()) if one is not endpoint)
            if left:
                self._endpoints[kind][name] = left
            else:
                self._endpoints[kind].pop(name, None)
            self.changed.notify_all()

    def find(self, kind: str, name: str) -> tuple[Any, ...]:
        """The endpoints of a kind with this full name."""
        with self.changed:
            return self._endpoints[kind].get(name, ())

    def all(self, kind: str) -> Iterator[tuple[str, Any]]:
        """Every (name, endpoint) of a kind."""
        with self.changed:
            snapshot = dict(self._endpoints[kind])
        return ((name, one) for name in sorted(snapshot) for one in snapshot[name])

    def names_and_types(self, *kinds: str) -> list[tuple[str, list[str]]]:
        """Full names with their type names, as the graph queries of a node return them."""
        found: dict[str, set[str]] = {}
        for kind in kinds:
            for name, endpoint in self.all(kind):
                found.setdefault(name, set()).add(endpoint.type_name)
        return [(name, sorted(found[name])) for name in sorted(found)]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the endpoints as they are for a moment."""
        with self.changed:
            yield


_domains: dict[int, Domain] = {}
_domains_lock = threading.Lock()


def domain(number: int) -> Domain:
    """The registry of a ROS domain, made when first asked for."""
    with _domains_lock:
        return _domains.setdefault(number, Domain(number))


def type_name(interface: type) -> str:
    """`pkg/msg/Name` of a message, service or action class."""
    package, kind = interface.__module__.split(".")[:2]
    return f"{package}/{kind}/{interface.__name__}"
