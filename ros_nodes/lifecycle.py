"""`ManagedNode`: what the lifecycle nodes share."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from geometry import InputError
from ros_nodes.health import Health
from ros_nodes.parameters import declare_parameters
from ros_nodes.steady_timer import steady_timer

S = TypeVar("S")
_COMPONENT = "lifecycle"
_SOON_S = 0.01


class ManagedNode(LifecycleNode, Generic[S]):
    """A lifecycle node whose subclass says only what it does in each transition.

    `configure` and `activate` make things and may raise InputError: the transition then fails with one line in the
    log and in the diagnostics, what was made is freed again, and the node stays where it was. `deactivate` and
    `cleanup` free things; they are also called after a failed transition, at shutdown and in `destroy_node`, so
    they must do no harm when called twice or when there is nothing to free.

    Attributes:
        parameters: the node's ParameterSet.
        health: the node's Health.

    Args:
        name: the node's name.
        settings: its settings class, with a field `autostart` made by `autostart_setting`.
        node_options: for rclpy's node.
    """

    def __init__(self, name: str, settings: type[S], **node_options: Any) -> None:
        super().__init__(name, **node_options)
        self._active = self._ending = False
        self.parameters = declare_parameters(self, settings)
        self.health = Health(self)
        self._autostart_timer: Any = None
        if getattr(self.parameters.current, "autostart", False):
            # In the default group, as the lifecycle services are: one transition at a time.
            self._autostart_timer = steady_timer(self, _SOON_S, self._autostart, self.default_callback_group)

    @property
    def active(self) -> bool:
        """Whether the node is active."""
        return self._active

    def configure(self) -> None:
        """Read the settings and make what takes long: models, buffers."""

    def activate(self) -> None:
        """Subscribe, start threads and timers."""

    def deactivate(self) -> None:
        """Undo `activate`."""

    def cleanup(self) -> None:
        """Undo `configure`."""

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Answer the transition; see the class."""
        answer = self._made("configure", self.configure, self.cleanup)
        return super().on_configure(state) if answer == TransitionCallbackReturn.SUCCESS else answer

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Answer the transition; see the class."""
        answer = self._made("activate", self.activate, self.deactivate)
        if answer != TransitionCallbackReturn.SUCCESS:
            return answer
        self._active = True
        self.health.report(_COMPONENT, "ok", "active")
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Answer the transition; see the class."""
        self._free(self.deactivate)
        self.health.report(_COMPONENT, "ok", "inactive")
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Answer the transition; see the class."""
        self._free(self.deactivate, self.cleanup)
        self.health.report(_COMPONENT, "ok", "unconfigured")
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Answer the transition; see the class."""
        self._free(self.deactivate, self.cleanup)
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """After a defect: free everything and go back to unconfigured."""
        self._free(self.deactivate, self.cleanup)
        return super().on_error(state)

    def wind_down(self) -> None:
        """From now on no transition makes anything; one that is under way, as a model is loaded, ends as a failure."""
        self._ending = True

    def destroy_node(self) -> None:
        """Free everything, whatever the state, then the node itself."""
        self._ending = True
        self._free(self.deactivate, self.cleanup)
        self.health.close()
        super().destroy_node()

    def _made(self, what: str, make: Callable[[], None], undo: Callable[[], None]) -> TransitionCallbackReturn:
        """Do a transition's work; rclpy itself would swallow an exception without a word."""
        try:
            if not self._ending:
                make()
            if not self._ending:
                return TransitionCallbackReturn.SUCCESS
        except Exception as error:
            if not self._ending:  # else the node may have gone from under it
                return self._failed(what, error, undo)
        self._free(undo)
        return TransitionCallbackReturn.FAILURE

    def _failed(self, what: str, error: Exception, undo: Callable[[], None]) -> TransitionCallbackReturn:
        if isinstance(error, InputError):
            self.health.report(_COMPONENT, "error", f"cannot {what}: {error}")
            self._free(undo)
            return TransitionCallbackReturn.FAILURE
        self.get_logger().error("".join(traceback.format_exception(error)))
        self.health.report(_COMPONENT, "error", f"cannot {what}: {type(error).__name__}: {error}")
        return TransitionCallbackReturn.ERROR

    def _free(self, *steps: Callable[[], None]) -> None:
        self._active = False
        for step in steps:
            step()

    def _autostart(self) -> None:
        self._autostart_timer.cancel()
        try:
            if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
                self.trigger_activate()
        except RuntimeError as error:  # of rcl: no such transition from here, or no node any more
            if self._ending:
                return
            self.get_logger().info(f"no autostart, somebody else was faster: {' '.join(str(error).split())}")
