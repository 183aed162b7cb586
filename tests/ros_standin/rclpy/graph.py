"""What a node can ask about the graph.

Not a module of the real rclpy, where these are methods of Node.
"""

from __future__ import annotations

import time
from typing import Any


class NodeGraph:
    """The part of a Node that looks at its ROS domain."""

    _context: Any

    def get_topic_names_and_types(self, no_demangle: bool = False) -> list[tuple[str, list[str]]]:
        return self._context.domain.names_and_types("publisher", "subscription")

    def get_service_names_and_types(self) -> list[tuple[str, list[str]]]:
        return self._context.domain.names_and_types("service")

    def get_node_names(self) -> list[str]:
        return [node.get_name() for _, node in self._context.domain.all("node")]

    def get_node_names_and_namespaces(self) -> list[tuple[str, str]]:
        return [(node.get_name(), node.get_namespace()) for _, node in self._context.domain.all("node")]

    def get_fully_qualified_node_names(self) -> list[str]:
        return [name for name, _ in self._context.domain.all("node")]

    def _count(self, kind: str, name: str) -> int:
        """Endpoints of a name, which is expanded but not remapped."""
        node: Any = self
        return len(self._context.domain.find(kind, node.resolve_service_name(name, only_expand=True)))

    def count_publishers(self, topic_name: str) -> int:
        return self._count("publisher", topic_name)

    def count_subscribers(self, topic_name: str) -> int:
        return self._count("subscription", topic_name)

    def count_services(self, service_name: str) -> int:
        return self._count("service", service_name)

    def count_clients(self, service_name: str) -> int:
        return self._count("client", service_name)

    def _names_and_types_of(self, kind: str, node_name: str, namespace: str) -> list[tuple[str, list[str]]]:
        full = f"{namespace.rstrip('/')}/{node_name}"
        found: dict[str, set[str]] = {}
        for name, endpoint in self._context.domain.all(kind):
            if endpoint.node_name == full:
                found.setdefault(name, set()).add(endpoint.type_name)
        return [(name, sorted(types)) for name, types in sorted(found.items())]

    def get_publisher_names_and_types_by_node(
        self, node_name: str, node_namespace: str, no_demangle: bool = False
    ) -> list[tuple[str, list[str]]]:
        return self._names_and_types_of("publisher", node_name, node_namespace)

    def get_subscriber_names_and_types_by_node(
        self, node_name: str, node_namespace: str, no_demangle: bool = False
    ) -> list[tuple[str, list[str]]]:
        return self._names_and_types_of("subscription", node_name, node_namespace)

    def get_service_names_and_types_by_node(self, node_name: str, node_namespace: str) -> list[tuple[str, list[str]]]:
        return self._names_and_types_of("service", node_name, node_namespace)

    def wait_for_node(self, fully_qualified_node_name: str, timeout: float) -> bool:
        end = time.monotonic() + timeout
        changed = self._context.domain.changed
        with changed:
            return bool(
                changed.wait_for(
                    lambda: self._context.domain.find("node", fully_qualified_node_name), end - time.monotonic()
                )
            )
