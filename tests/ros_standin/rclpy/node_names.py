"""The names of a node, and of what it refers to.

Not a module of the real rclpy, where these are methods of Node.
"""

from __future__ import annotations

from rclpy.arguments import Remap
from rclpy.names import expanded, remapped, validate_namespace, validate_node_name, validate_topic_name


class NodeNames:
    """The part of a Node that knows its names and its remap rules."""

    _rules: list[Remap]

    def _set_names(self, name: str, namespace: str) -> None:
        namespace = namespace if namespace.startswith("/") else f"/{namespace}"
        validate_node_name(name)
        validate_namespace(namespace)
        for keys in (("__node", "__name"), ("__ns",)):
            fitting = [r.target for r in self._rules if r.source in keys and r.node in (None, name)]
            if fitting and keys == ("__ns",):
                namespace = fitting[0]
            elif fitting:
                new_name = fitting[0]
                self._rules = [r._replace(node=new_name) if r.node == name else r for r in self._rules]
                name = new_name
        validate_node_name(name)
        validate_namespace(namespace)
        self._name, self._namespace = name, namespace

    def get_name(self) -> str:
        return self._name

    def get_namespace(self) -> str:
        return self._namespace

    def get_fully_qualified_name(self) -> str:
        return f"{self._namespace.rstrip('/')}/{self._name}"

    @property
    def remap_rules(self) -> list[Remap]:
        """Not in rclpy: the rules that this node's names go through."""
        return self._rules

    def _resolved(self, name: str, *, is_service: bool, only_expand: bool = False) -> str:
        validate_topic_name(name, is_service=is_service)
        full = expanded(name, self._name, self._namespace)
        if only_expand:
            return full
        return remapped(full, self._rules, self._name, self._namespace, is_service=is_service)

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        return self._resolved(topic, is_service=False, only_expand=only_expand)

    def resolve_service_name(self, service: str, *, only_expand: bool = False) -> str:
        return self._resolved(service, is_service=True, only_expand=only_expand)
