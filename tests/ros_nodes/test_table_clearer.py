"""The table clearer: what it counts, when it stops, and a whole table on a fake robot."""

from __future__ import annotations

import json
import threading

import pytest
from rclpy.parameter import Parameter
from std_msgs.msg import String
from std_srvs.srv import Trigger

from geometry import transform
from ros_nodes.qos import LATCHED
from ros_nodes.table_clearer.node import TableClearerNode
from ros_nodes.table_clearer.settings import ClearSettings
from ros_nodes.table_clearer.tally import Tally
from tests.ros_nodes.fake_planner import AT
from tests.ros_nodes.pick_stage import Stage


def play(codes: str, **settings) -> Tally:
    """s: placed, l: picked and lost, f: failure, n: nothing seen, u: out of reach, x: a fault, h: a full hand."""
    tally = Tally(ClearSettings(**settings), iter(range(1000)).__next__)
    names = {"f": "FAILURE", "n": "PLANNING_FAILED", "u": "NO_IK_SOLUTION"}
    names |= {"x": "ROBOT_STATE_STALE", "h": "INVALID_ROBOT_STATE"}
    for letter in codes:
        assert tally.stop is None, "it should have stopped before"
        if tally.picked(names.get(letter, "SUCCESS"), letter, 0.5):
            tally.placed(letter in "sh", letter)
    return tally


@pytest.mark.parametrize(
    ("codes", "settings", "stop", "placed", "picks"),
    [
        ("sssn", {}, "nothing left", 3, 3),
        ("sfsfsn", {}, "nothing left", 3, 5),
        ("sff", {}, "failures", 1, 3),
        ("slf", {}, "failures", 1, 3),
        ("su", {}, "out of reach", 1, 1),
        ("snsnn", {"max_empty_looks": 2}, "nothing left", 2, 2),
        ("sss", {"max_picks": 3}, "picks", 3, 3),
        ("sx", {}, "fault", 1, 1),
        ("ss", {}, None, 2, 2),
        ("hsn", {}, "nothing left", 2, 1),
        ("hh", {}, "fault", 1, 0),
    ],
)
def test_when_it_stops(codes, settings, stop, placed, picks) -> None:
    tally = play(codes, **settings)
    told = json.loads(tally.summary())
    assert (tally.stop, told["stop"], told["placed"], told["picks"]) == (stop, stop, placed, picks)
    assert told["planning_s"] == 0.5 * len(codes) and told["message"] == codes[-1]


def test_a_table_of_two_things_is_cleared(ros) -> None:
    stage = Stage(ros)
    stage.planner.poses = [AT, transform(AT[:3, :3], (0.35, -0.12, 0.15))]
    summaries: list[String] = []
    ros.probe.create_subscription(String, "table_clearer/summary", summaries.append, LATCHED)
    answer = stage.planner.plan

    def take_away(request, response):
        """What lies in the hand or in the bin is not seen again."""
        stage.planner.poses = stage.planner.poses[len(stage.planner.asked) and 1 :]
        return answer(request, response)

    stage.planner.answer = take_away
    ros.start(TableClearerNode)
    assert ros.wait_until(lambda: summaries, 30.0)
    told = json.loads(summaries[0].data)
    assert (told["stop"], told["placed"], told["picks"]) == ("nothing left", 2, 2)
    assert told["codes"] == {"SUCCESS": 2, "PLANNING_FAILED": 1} and stage.arm.grips.count(0.0) == 2


def test_what_is_held_at_the_start_is_placed_first(ros) -> None:
    stage = Stage(ros, start=False)
    stage.arm.finger_m = 0.015
    stage.start()
    stage.planner.poses = []
    summaries: list[String] = []
    ros.probe.create_subscription(String, "table_clearer/summary", summaries.append, LATCHED)
    ros.start(TableClearerNode)
    assert ros.wait_until(lambda: summaries, 30.0)
    told = json.loads(summaries[0].data)
    assert (told["stop"], told["placed"], told["picks"]) == ("nothing left", 1, 0) and stage.arm.grips == [0.04]


def test_a_robot_that_starts_later_is_waited_for(ros) -> None:
    stage = Stage(ros, start=False)
    stage.arm.speaks = False
    stage.start()
    stage.planner.poses = []
    summaries: list[String] = []
    ros.probe.create_subscription(String, "table_clearer/summary", summaries.append, LATCHED)
    told = stage.diagnostics()
    ros.start(TableClearerNode)
    waits = "table_clearer: clearing"
    assert ros.wait_until(lambda: told.get(waits, ("", ""))[1].startswith("waits: "), 10.0)
    stage.arm.speaks = True
    assert ros.wait_until(lambda: summaries, 20.0)
    assert json.loads(summaries[0].data)["codes"] == {"PLANNING_FAILED": 1}


def test_a_robot_that_never_starts_is_not_waited_for_any_longer(ros) -> None:
    stage = Stage(ros, start=False)
    stage.arm.speaks = False
    stage.start()
    summaries: list[String] = []
    ros.probe.create_subscription(String, "table_clearer/summary", summaries.append, LATCHED)
    ros.start(TableClearerNode, parameter_overrides=[Parameter("server_timeout_s", value=1.5)])
    assert ros.wait_until(lambda: summaries, 20.0)
    assert json.loads(summaries[0].data)["stop"] == "fault"


def test_it_can_be_stopped_and_called(ros) -> None:
    stage = Stage(ros)
    stage.arm.pauses[0] = threading.Event()
    ros.start(TableClearerNode, parameter_overrides=[Parameter("autostart", value=False)])
    answers = []
    caller = threading.Thread(target=lambda: answers.append(ros.call(Trigger, "table_clearer/clear", timeout_s=30.0)))
    caller.start()
    assert ros.wait_until(lambda: stage.arm.goals, 10.0)
    assert ros.call(Trigger, "table_clearer/clear").message == "busy: the table is being cleared"
    assert ros.call(Trigger, "table_clearer/stop").success
    caller.join(20.0)
    assert not answers[0].success and json.loads(answers[0].message)["stop"] == "canceled"
    assert stage.arm.canceled == 1


def test_without_a_pick_server_it_says_so(ros) -> None:
    ros.start(
        TableClearerNode,
        parameter_overrides=[Parameter("autostart", value=False), Parameter("server_timeout_s", value=0.3)],
    )
    answer = ros.call(Trigger, "table_clearer/clear", timeout_s=10.0)
    assert not answer.success and "no action server /pick_server/pickup" in answer.message
