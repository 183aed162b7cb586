"""What a node says of its parts on /diagnostics and in the log."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.parameter import Parameter

from ros_nodes.health import Health
from ros_nodes.messages.diagnostics import level_of

if TYPE_CHECKING:
    from tests.ros_nodes.session import RosSession


class Patient(Node):
    def __init__(self, **options: Any) -> None:
        super().__init__("patient", **options)
        self.health = Health(self, "D435")

    def destroy_node(self) -> None:
        self.health.close()
        super().destroy_node()


def start(ros: RosSession, **options: Any) -> tuple[Patient, list[DiagnosticArray]]:
    heard = ros.collect(DiagnosticArray, "/diagnostics")
    patient = ros.start(Patient, **options)
    assert ros.wait_until(lambda: ros.probe.count_publishers("/diagnostics"))
    publisher = patient.create_publisher(DiagnosticArray, "/diagnostics", 10)
    assert ros.wait_until(publisher.get_subscription_count)
    patient.destroy_publisher(publisher)
    return patient, heard


def told(heard: list[DiagnosticArray], component: str) -> list[tuple[str, str]]:
    """(level, message) of a component, as often as it was published."""
    name = f"patient: {component}"
    return [(level_of(s), s.message) for message in list(heard) for s in message.status if s.name == name]


def test_a_change_is_published_at_once_and_everything_every_second(ros: RosSession) -> None:
    patient, heard = start(ros)
    patient.health.report("camera", "ok", "30 Hz", rate_hz=30.0)
    patient.health.report("arm", "warn", "slow")
    patient.health.report("camera", "error", "silent", age_s=1.25, frames=7)
    assert ros.wait_until(lambda: told(heard, "camera")[:2] == [("ok", "30 Hz"), ("error", "silent")])
    status = next(s for message in heard for s in message.status if s.message == "silent")
    assert status.hardware_id == "D435"
    assert {entry.key: entry.value for entry in status.values} == {"age_s": "1.25", "frames": "7"}
    both = lambda: [message for message in list(heard) if len(message.status) == 2]  # noqa: E731
    assert ros.wait_until(lambda: len(both()) >= 2)
    assert {s.name for s in both()[0].status} == {"patient: camera", "patient: arm"}
    assert both()[0].header.stamp.sec > 0


def test_it_goes_on_where_simulated_time_stands_still(ros: RosSession) -> None:
    patient, heard = start(ros, parameter_overrides=[Parameter("use_sim_time", value=True)])
    patient.health.report("camera", "ok", "fine")
    assert ros.wait_until(lambda: len(told(heard, "camera")) >= 3)


def test_what_was_wrong_is_well_again_and_what_was_not_is_not_told(ros: RosSession) -> None:
    patient, heard = start(ros)
    patient.health.report_well("arm")
    assert patient.health.level("arm") is None
    patient.health.report("camera", "stale", "silent")
    patient.health.report_well("camera", "there")
    patient.health.report_well("camera", "still there")
    assert patient.health.level("camera") == "ok"
    assert ros.wait_until(lambda: told(heard, "camera")[:2] == [("stale", "silent"), ("ok", "there")])
    assert told(heard, "arm") == []


def test_the_log_tells_each_change_once(ros: RosSession, capfd: pytest.CaptureFixture[str]) -> None:
    patient, _ = start(ros)
    for age_s in range(20):
        patient.health.report("camera", "error", f"silent for {age_s} s")
    for _ in range(3):
        patient.health.report("camera", "warn", "slow")
        patient.health.report("arm", "ok", "ready")
    patient.health.report("camera", "ok", "30 Hz")
    patient.health.report("camera", "ok", "29 Hz")
    patient.health.close()
    patient.health.report("camera", "error", "after the end")
    lines = [line for line in capfd.readouterr().err.splitlines() if "patient" in line]
    said = [(line.split("]")[0].strip("["), line.rpartition("]: ")[2]) for line in lines]
    assert said == [("ERROR", "camera: silent for 0 s"), ("WARN", "camera: slow"), ("INFO", "camera: 30 Hz")]


def test_many_threads_may_report(ros: RosSession) -> None:
    patient, heard = start(ros)

    def work(number: int) -> None:
        for i in range(50):
            patient.health.report(f"part {number}", "ok" if i % 2 else "warn", str(i))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        assert ros.wait_until(lambda part=f"part {number}": ("ok", "49") in told(heard, part))


def test_a_report_after_the_contexts_end_does_no_harm(ros: RosSession) -> None:
    patient, heard = start(ros)
    ros.context.try_shutdown()
    patient.health.report("camera", "error", "too late")
    assert told(heard, "camera") == []
