"""Diagnostics against bytes written by hand."""

from __future__ import annotations

import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.serialization import deserialize_message

from geometry import InputError
from ros_nodes.messages.diagnostics import diagnostic_array, diagnostic_status, level_of
from tests.ros_nodes.cdr import STORE, Cdr


def test_an_array_as_bytes_written_by_hand() -> None:
    status = diagnostic_status(
        "grasp_detector: camera", "error", "silent", hardware_id="D435", values={"age_s": 1.5, "frames": 3, "why": "?"}
    )
    message = diagnostic_array([status, diagnostic_status("x", "stale", "")], Time(sec=1, nanosec=2))
    cdr = Cdr().header(1, 2, "").put("I", 2)
    cdr.put("B", 2).text("grasp_detector: camera", "silent", "D435").put("I", 3)
    cdr.text("age_s", "1.5", "frames", "3", "why", "?").put("B", 3).text("x", "", "").put("I", 0)
    assert cdr.matches(message)
    for read in (
        deserialize_message(cdr.data, DiagnosticArray),
        STORE.deserialize_cdr(cdr.data, "diagnostic_msgs/msg/DiagnosticArray"),
    ):
        assert [level_of(entry) for entry in read.status] == ["error", "stale"]


def test_levels_are_the_messages_own() -> None:
    numbers = [DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR, DiagnosticStatus.STALE]
    levels = ("ok", "warn", "error", "stale")
    assert [diagnostic_status("x", level, "").level for level in levels] == numbers
    with pytest.raises(InputError, match="ok or warn or error or stale, got 'bad'"):
        diagnostic_status("x", "bad", "")  # type: ignore[arg-type]
