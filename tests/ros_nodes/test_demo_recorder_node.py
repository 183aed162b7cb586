"""The node `demo_recorder` on the wire, with a policy that demonstrates: episodes, gaps, bags, a full disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool, Trigger

from geometry import InputError
from policies.demonstrations import DemonstrationSet, SetInfo
from ros_nodes.demo_recorder.bag_episode import episode_of_bag, read_bag
from ros_nodes.demo_recorder.core_of_settings import core_of_settings
from ros_nodes.demo_recorder.node import DemoRecorderNode
from ros_nodes.policy_runner.node import PolicyRunnerNode
from tests.ros_nodes.fake_panda import FakePanda

PACE = 0.4


def recorder(ros: Any, folder: Path, **parameters: Any) -> DemoRecorderNode:
    known = {"folder": str(folder), "env": "graspmimic/Reach-v0", "sources": ["joint_states", "goal"]}
    known |= {"use_sim_time": True} | parameters
    overrides = [Parameter(name, value=value) for name, value in known.items()]
    arguments = ["--ros-args", "-r", "action:=/policy_runner/action"]
    return ros.start(DemoRecorderNode, parameter_overrides=overrides, cli_args=arguments)


def runner(ros: Any, policy: str = "rl:Reach") -> PolicyRunnerNode:
    overrides = [Parameter("policy", value=policy), Parameter("use_sim_time", value=True)]
    node = ros.start(PolicyRunnerNode, parameter_overrides=overrides)
    assert ros.wait_until(lambda: node.active, 20.0)
    return node


def call(ros: Any, service: str) -> Any:
    return ros.call(Trigger, service)


def demonstrate(ros: Any, panda: FakePanda, steps: int = 15) -> None:
    """Let the policy act for some steps while the recorder records."""
    actions = ros.collect(JointState, "policy_runner/action")
    assert ros.wait_until(lambda: call(ros, "demo_recorder/start").success, 10.0)
    panda.live(0.25)  # the recorder's lead
    assert not actions
    assert ros.wait_until(lambda: call(ros, "policy_runner/start").success, 10.0)
    assert ros.wait_until(lambda: len(actions) >= steps, 20.0)
    assert call(ros, "policy_runner/stop").success
    panda.live(0.05)  # the moment after the last action


def test_a_policys_demonstration_becomes_an_episode_of_its_environment(ros: Any, tmp_path: Path) -> None:
    panda = FakePanda(ros, pace=PACE)
    runner(ros)
    recorder(ros, tmp_path / "set", task="reach", source="policy")
    demonstrate(ros, panda)
    answer = call(ros, "demo_recorder/stop")
    assert answer.success and answer.message.startswith("written: episode 0, "), answer.message
    found = DemonstrationSet.open(tmp_path / "set")
    episode = found[0]
    assert len(episode) >= 12 and episode.task == "reach" and episode.provenance["source"] == "policy"
    import gymnasium

    env = gymnasium.make("graspmimic/Reach-v0")
    found.info.check_same(SetInfo.of_env(env), "set")
    env.close()
    np.testing.assert_allclose(
        episode.observations["desired_goal"], [(-0.1, 0.1, 0.15)] * (len(episode) + 1), atol=1e-6
    )
    way = np.diff(episode.observations["achieved_goal"].astype(float), axis=0)
    wanted = episode.actions.astype(float)
    far = np.linalg.norm(way, axis=1) > 5e-3
    cosine = (way * wanted).sum(1)[far] / np.linalg.norm(way[far], axis=1) / np.linalg.norm(wanted[far], axis=1)
    assert far.any() and np.median(cosine) > 0.9, "an action tells what is done on seeing its row"


def test_a_bag_beside_it_gives_the_same_episode(ros: Any, tmp_path: Path) -> None:
    pytest.importorskip("rosbags", reason="the extra [ros] brings it")
    panda = FakePanda(ros, pace=PACE)
    runner(ros)
    node = recorder(ros, tmp_path / "set", bag=True, bag_topics=["/diagnostics=diagnostic_msgs/msg/DiagnosticArray"])
    demonstrate(ros, panda)
    assert ros.call(SetBool, "demo_recorder/success", SetBool.Request(data=True)).success
    assert call(ros, "demo_recorder/stop").success
    episode = DemonstrationSet.open(tmp_path / "set")[0]
    assert episode.success and episode.provenance["bag"] == "episode_000000"
    folder = tmp_path / "set" / "bags" / "episode_000000"
    assert {message.topic for message in read_bag(folder)} >= {"/joint_states", "/goal", "/policy_runner/action"}
    settings, arm = node.parameters.current, node._source.arm
    again = episode_of_bag(
        folder,
        lambda frames: core_of_settings(settings, arm, frames)[0],
        {"/joint_states": "joint_states", "/goal": "goal", "/policy_runner/action": "action"},
        base_frame=settings.base_frame,
    )
    assert again is not None and again.success
    np.testing.assert_array_equal(again.actions, episode.actions)
    for key, table in episode.observations.items():
        np.testing.assert_allclose(again.observations[key], table, atol=1e-6)


def test_a_silent_source_ends_the_episode_and_says_so(ros: Any, tmp_path: Path) -> None:
    panda = FakePanda(ros, pace=PACE)
    recorder(ros, tmp_path / "set", actions_from="motion")
    diagnostics = ros.collect(DiagnosticArray, "/diagnostics")
    assert ros.wait_until(lambda: call(ros, "demo_recorder/start").success, 10.0)
    assert not call(ros, "demo_recorder/start").success
    panda.live(0.6)
    panda.silent.add("joint_states")

    def said() -> bool:
        return any("joint_states: 0." in status.message for each in diagnostics for status in each.status)

    assert ros.wait_until(said, 20.0)
    episode = DemonstrationSet.open(tmp_path / "set")[0]
    assert episode.provenance["ended"].startswith("joint_states: 0.") and not episode.success
    answer = call(ros, "demo_recorder/start")
    assert not answer.success and "joint_states: " in answer.message
    assert "expected an episode that is being recorded" in call(ros, "demo_recorder/stop").message


def test_an_episode_that_finds_no_room_waits_until_there_is_some(
    ros: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panda = FakePanda(ros, pace=PACE)
    recorder(ros, tmp_path / "set", actions_from="motion")
    assert ros.wait_until(lambda: call(ros, "demo_recorder/start").success, 10.0)
    panda.live(0.6)

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez_compressed", full)
        answer = call(ros, "demo_recorder/stop")
        assert (
            not answer.success and "No space left on device" in answer.message and "waits in memory" in answer.message
        )
        assert "an episode that waits" in call(ros, "demo_recorder/start").message
    assert call(ros, "demo_recorder/stop").message == "written: episode 0"
    assert len(DemonstrationSet.open(tmp_path / "set")) == 1


def test_discard_leaves_nothing(ros: Any, tmp_path: Path) -> None:
    pytest.importorskip("rosbags", reason="the extra [ros] brings it")
    panda = FakePanda(ros, pace=PACE)
    recorder(ros, tmp_path / "set", actions_from="motion", bag=True)
    assert ros.wait_until(lambda: call(ros, "demo_recorder/start").success, 10.0)
    panda.live(0.5)
    assert (tmp_path / "set" / "bags" / "episode_000000").exists()
    assert call(ros, "demo_recorder/discard").success
    assert not (tmp_path / "set" / "bags" / "episode_000000").exists()
    assert not call(ros, "demo_recorder/discard").success
    with pytest.raises(InputError, match="at least one episode"):
        DemonstrationSet.open(tmp_path / "set")
    assert not ros.call(SetBool, "demo_recorder/success", SetBool.Request(data=True)).success


def test_a_set_of_another_layout_is_not_added_to(ros: Any, tmp_path: Path) -> None:
    ros.stop(recorder(ros, tmp_path / "set"))
    with pytest.raises(InputError, match="expected env graspmimic/Reach-v0, got graspmimic/Push-v0"):
        recorder(ros, tmp_path / "set", env="graspmimic/Push-v0", sources=["joint_states", "objects", "goal"])
    with pytest.raises(InputError, match="cube position x"):
        recorder(ros, tmp_path / "other", env="graspmimic/Push-v0")
    with pytest.raises(InputError, match="nothing_msgs"):
        recorder(ros, tmp_path / "more", bag=True, bag_topics=["/x=nothing_msgs/msg/X"])


def test_stopping_the_node_writes_what_it_was_recording(ros: Any, tmp_path: Path) -> None:
    panda = FakePanda(ros, pace=PACE)
    node = recorder(ros, tmp_path / "set", actions_from="motion")
    assert ros.wait_until(lambda: call(ros, "demo_recorder/start").success, 10.0)
    panda.live(0.6)
    ros.stop(node)
    assert DemonstrationSet.open(tmp_path / "set")[0].provenance["ended"] == "the recorder was stopped"
