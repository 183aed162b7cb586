"""Demonstrations in the layout of a task's environment, so that its policies train on them and run on the robot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np

from envs.panda import grasp_pose
from geometry import FloatArray
from policies.demonstrations import SetInfo
from ros_nodes.demo_recorder.recorded_row import RecordedRow
from ros_nodes.demo_recorder.synchroniser import Sample
from ros_nodes.task_view.arm_reading import ArmReader
from ros_nodes.task_view.joints_seen import JointsSeen
from ros_nodes.task_view.named_facts import Snapshot
from ros_nodes.task_view.observation_builder import ObservationBuilder, needed_sources
from ros_nodes.task_view.task_contract import TaskContract


class TaskLayout:
    """Builds rows as the environment builds observations.

    Args:
        env: its id.
        env_options: what `gymnasium.make` takes beside it.
        T_task_base: (4, 4) the robot's base in the environment's world.
        sources: some of `observation_builder.SOURCES`.
        constants: numbers that no source tells, by name.

    Raises:
        InputError: lists the numbers that no source tells.
    """

    def __init__(
        self,
        env: str,
        env_options: Mapping[str, Any],
        T_task_base: FloatArray,
        sources: Sequence[str],
        constants: Mapping[str, float] | None = None,
    ) -> None:
        self.contract = TaskContract.of_env(env, env_options)
        self._builder = ObservationBuilder(self.contract, sources, tuple(constants or {}))
        self._constants = dict(constants or {})
        self._T_task_base, self._reader = T_task_base, ArmReader(T_task_base)
        self.sources = needed_sources(self.contract, sources)
        made = gymnasium.make(env, **env_options)
        self.info = SetInfo.of_env(made)
        made.close()

    @property
    def gripper(self) -> bool:
        """Whether actions tell the gripper."""
        return not self.contract.closed

    def begin(self) -> None:
        """An episode begins."""
        self._reader.forget()

    def row(self, sample: Sample) -> RecordedRow:
        """One moment.

        Raises:
            InputError: if a number is not told or not finite.
        """
        joints: JointsSeen = sample.values["joint_states"]
        arm = self._reader.read(*joints)
        goals = {**sample.values.get("goal", {}), **sample.values.get("goals", {})}
        observation = self._builder.build(Snapshot(arm, sample.values.get("objects", {}), goals, self._constants))
        done = self._builder.done(observation)
        return RecordedRow(sample.time_s, observation, np.array(arm.position), joints.opening_m, joints.q, done)

    def hand_at(self, q: FloatArray) -> FloatArray:
        """(3,) the grasp point at joint positions (7,)."""
        point: FloatArray = (self._T_task_base @ grasp_pose(q))[:3, 3]
        return point
