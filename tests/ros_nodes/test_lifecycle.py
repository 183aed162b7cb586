"""Lifecycle nodes: transitions, failures that are told, and freeing what was made."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.parameter import Parameter

from geometry import InputError
from ros_nodes.lifecycle import ManagedNode
from ros_nodes.running import run_node
from ros_nodes.setting import autostart_setting, setting

if TYPE_CHECKING:
    from tests.ros_nodes.session import RosSession

CONFIGURE, CLEANUP, ACTIVATE, DEACTIVATE, SHUTDOWN = (
    Transition.TRANSITION_CONFIGURE,
    Transition.TRANSITION_CLEANUP,
    Transition.TRANSITION_ACTIVATE,
    Transition.TRANSITION_DEACTIVATE,
    Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    autostart: bool = autostart_setting(False)
    weights: str = setting("there", "Path of the weights.")


class Worker(ManagedNode[Settings]):
    def __init__(self, **options: Any) -> None:
        super().__init__("worker", Settings, **options)
        self.story: list[str] = []
        self.fail_in = ""

    def _do(self, what: str) -> None:
        self.story.append(what)
        if self.fail_in == what:
            raise ZeroDivisionError("defect")

    def configure(self) -> None:
        self._do("configure")
        if self.parameters.current.weights != "there":
            raise InputError("weights", expected="a file", got=self.parameters.current.weights, remedy="train some")

    def activate(self) -> None:
        self._do("activate")

    def deactivate(self) -> None:
        self._do("deactivate")

    def cleanup(self) -> None:
        self._do("cleanup")


def state(ros: RosSession) -> str:
    return str(ros.call(GetState, "/worker/get_state").current_state.label)


def change(ros: RosSession, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return bool(ros.call(ChangeState, "/worker/change_state", request).success)


def start(ros: RosSession, **values: Any) -> Worker:
    return ros.start(Worker, parameter_overrides=[Parameter(name, value=value) for name, value in values.items()])


def test_up_and_down_by_the_lifecycle_services(ros: RosSession) -> None:
    node = start(ros)
    assert state(ros) == "unconfigured" and not node.active
    assert change(ros, CONFIGURE) and state(ros) == "inactive" and not node.active
    assert change(ros, ACTIVATE) and state(ros) == "active" and node.active
    assert node.story == ["configure", "activate"]
    assert change(ros, DEACTIVATE) and state(ros) == "inactive" and not node.active
    assert change(ros, CLEANUP) and state(ros) == "unconfigured"
    assert node.story == ["configure", "activate", "deactivate", "deactivate", "cleanup"]
    assert change(ros, CONFIGURE) and change(ros, ACTIVATE) and node.active


def test_it_starts_itself_where_it_is_asked_to(ros: RosSession) -> None:
    node = start(ros, autostart=True)
    assert ros.wait_until(lambda: node.active)
    assert state(ros) == "active" and node.health.level("lifecycle") == "ok"


def test_missing_weights_are_told_once_and_can_be_put_right(ros: RosSession, capfd: pytest.CaptureFixture[str]) -> None:
    node = start(ros, autostart=True, weights="nowhere")
    assert ros.wait_until(lambda: node.health.level("lifecycle") == "error")
    assert ros.wait_until(lambda: state(ros) == "unconfigured") and not node.active
    assert node.story == ["configure", "cleanup"]
    said = [line for line in capfd.readouterr().err.splitlines() if "weights" in line]
    assert len(said) == 1 and "cannot configure: weights: expected a file, got nowhere; train some" in said[0]
    node.set_parameters([Parameter("weights", value="there")])
    assert change(ros, CONFIGURE) and change(ros, ACTIVATE) and node.active
    assert node.health.level("lifecycle") == "ok"


def test_a_failed_activation_leaves_it_inactive(ros: RosSession) -> None:
    node = start(ros)
    assert change(ros, CONFIGURE)
    original, node.activate = node.activate, lambda: (_ for _ in ()).throw(InputError("x", expected="a", got="b"))  # type: ignore[method-assign]
    assert not change(ros, ACTIVATE)
    assert state(ros) == "inactive" and not node.active and node.story[-1] == "deactivate"
    node.activate = original  # type: ignore[method-assign]
    assert change(ros, ACTIVATE) and node.active


def test_a_defect_keeps_its_traceback_and_frees_everything(ros: RosSession, capfd: pytest.CaptureFixture[str]) -> None:
    node = start(ros)
    assert change(ros, CONFIGURE)
    node.fail_in = "activate"
    assert not change(ros, ACTIVATE)
    assert state(ros) == "unconfigured" and node.story[-2:] == ["deactivate", "cleanup"]
    err = capfd.readouterr().err
    assert "Traceback" in err and "ZeroDivisionError: defect" in err
    assert node.health.level("lifecycle") == "error"


@pytest.mark.parametrize("active", [False, True])
def test_destroying_it_frees_everything_in_any_state(ros: RosSession, active: bool) -> None:
    node = start(ros)
    if active:
        assert change(ros, CONFIGURE) and change(ros, ACTIVATE)
    ros.stop(node)
    node.destroy_node()
    assert node.story[-2:] == ["deactivate", "cleanup"] and not node.active


def test_shutdown_frees_everything(ros: RosSession) -> None:
    node = start(ros)
    assert change(ros, SHUTDOWN) and state(ros) == "finalized"
    assert node.story == ["deactivate", "cleanup"]


class Loading(Worker):
    """Ctrl-C comes while it is configured, which takes long."""

    def __init__(self, outlives: bool, touches: bool) -> None:
        super().__init__(parameter_overrides=[Parameter("autostart", value=True)])
        self._outlives, self._touches = outlives, touches
        self._winding_down, self._destroyed, self.loaded = threading.Event(), threading.Event(), threading.Event()

    def wind_down(self) -> None:
        super().wind_down()
        self._winding_down.set()

    def configure(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert (self._destroyed if self._outlives else self._winding_down).wait(20.0)
        try:
            if self._touches:
                self.create_publisher(Transition, "~/late", 1).publish(Transition())
        finally:
            self.loaded.set()

    def destroy_node(self) -> None:
        super().destroy_node()
        self._destroyed.set()


@pytest.mark.parametrize(("outlives", "touches"), [(False, False), (True, False), (True, True)])
def test_an_end_while_it_loads_activates_nothing_and_says_nothing(
    outlives: bool, touches: bool, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ros_nodes.running._LAST_CALLBACKS_S", 0.3 if outlives else 20.0)
    nodes: list[Loading] = []

    def factory() -> Loading:
        nodes.append(Loading(outlives, touches))
        return nodes[0]

    before = set(threading.enumerate())
    assert run_node(factory, ["--ros-args"]) == 0
    assert nodes[0].loaded.wait(20.0)
    for thread in set(threading.enumerate()) - before:
        thread.join(20.0)
    assert "activate" not in nodes[0].story and not nodes[0].active
    said = [line for line in capfd.readouterr().err.splitlines() if line]
    assert len(said) == outlives and all("a callback of worker did not end in 0.3 s" in line for line in said), said
