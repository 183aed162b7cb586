"""rclpy.context."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from rclpy._rclpy_pybind11 import RCLError
from rclpy.arguments import Arguments
from rclpy.bus import Domain, domain

contexts: weakref.WeakSet[Context] = weakref.WeakSet()
"""Every context that was initialised; a signal shuts them all down."""


class Context:
    """Between init and shutdown of everything that was made with it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._running = False
        self._initialised = False
        self._callbacks: list[Any] = []
        self._left: list[Any] = []
        self.arguments = Arguments([])
        self._domain: Domain | None = None

    def init(
        self, args: list[str] | None = None, *, initialize_logging: bool = True, domain_id: int | None = None
    ) -> None:
        if domain_id is not None and domain_id < 0:
            raise RuntimeError(f"Domain id ({domain_id}) should not be lower than zero.")
        with self._lock:
            if self._initialised:
                raise RuntimeError("Context.init() must only be called once")
            self.arguments = Arguments(sys.argv if args is None else args)
            self._domain = domain(int(os.environ.get("ROS_DOMAIN_ID") or 0) if domain_id is None else domain_id)
            self._initialised = self._running = True
        contexts.add(self)

    @property
    def domain(self) -> Domain:
        """The registry of the nodes that this context's nodes see."""
        if self._domain is None:
            raise RCLError("the context is not initialised")
        return self._domain

    def get_domain_id(self) -> int:
        return self.domain.number

    def ok(self) -> bool:
        return self._running

    def shutdown(self) -> None:
        if not self._running:
            raise RuntimeError("Context must be initialized before it can be shutdown")
        self.try_shutdown()

    def try_shutdown(self) -> None:
        with self._lock:
            if not self._running:
                return
            self._running = False
            callbacks, self._callbacks = self._callbacks, []
        with self.domain.changed:
            self.domain.changed.notify_all()
        for reference in callbacks:
            callback = reference()
            if callback is not None:
                callback()
        left, self._left = self._left, []
        for waitable in left:
            waitable.destroy()

    def leave(self, waitable: Any) -> None:
        """Not in rclpy: keep what a destroyed node did not destroy, until the shutdown at the latest."""
        if self._running:
            self._left.append(waitable)
        else:
            waitable.destroy()

    def on_shutdown(self, callback: Callable[[], None]) -> None:
        """Call a bound method when the context shuts down; only a weak reference is kept, as in rclpy."""
        if not callable(callback):
            raise TypeError(f"callback should be a callable, got {type(callback)}")
        with self._lock:
            if self._running:
                self._callbacks = [known for known in self._callbacks if known() not in (None, callback)]
                self._callbacks.append(weakref.WeakMethod(callback))
                return
        callback()

    def track_node(self, node: Any) -> None:
        """Kept for its name."""

    def untrack_node(self, node: Any) -> None:
        """Kept for its name."""

    def destroy(self) -> None:
        self.try_shutdown()
