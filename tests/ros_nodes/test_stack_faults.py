"""Faults in the whole running stack: diagnostics that say what is wrong, a safe arm, and work that goes on after.

One stack bears all faults of a room after another, so that each also has to leave it fit for the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.ros_nodes.fault_cases_arm import ARM
from tests.ros_nodes.fault_cases_nodes import NODES
from tests.ros_nodes.fault_cases_senses import SENSES
from tests.ros_nodes.fault_play import Fault, play
from tests.ros_nodes.fault_stack import FaultStack, campaign_stack
from tests.ros_nodes.session import RosSession

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet


@pytest.fixture(scope="module")
def stack() -> Iterator[FaultStack]:
    session = RosSession(threads=24)
    made = campaign_stack(session)
    yield made
    made.close()
    session.close()


def each(faults: tuple[Fault, ...]) -> list[ParameterSet]:
    return [pytest.param(fault, id=fault.name) for fault in faults]


@pytest.mark.slow
@pytest.mark.parametrize("fault", each(SENSES))
def test_faults_of_camera_transforms_and_time(stack: FaultStack, fault: Fault) -> None:
    assert not play(stack, fault).problems


@pytest.mark.slow
@pytest.mark.parametrize("fault", each(ARM))
def test_faults_of_arm_gripper_and_guard(stack: FaultStack, fault: Fault) -> None:
    assert not play(stack, fault).problems


@pytest.mark.slow
@pytest.mark.parametrize("fault", each(NODES))
def test_faults_of_nodes_parameters_and_goals(stack: FaultStack, fault: Fault) -> None:
    assert not play(stack, fault).problems
