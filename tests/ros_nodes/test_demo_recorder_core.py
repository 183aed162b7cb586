"""Recording without nodes: messages of a played task become the episode that the environment itself recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.manipulation import HAND_STEP_M
from envs.manipulation.arm import T_WORLD_BASE
from envs.panda import grasp_pose
from geometry import InputError
from policies.demonstrations import DemonstrationSet, Episode, SetInfo
from policies.imitation import DataLayout, TrainingConfig, load_policy_file, make_config, train_imitation
from ros_nodes.demo_recorder.demo_core import CoreConfig, DemoCore
from ros_nodes.demo_recorder.demo_intake import PictureConfig
from ros_nodes.demo_recorder.episode_store import EpisodeStore
from ros_nodes.demo_recorder.recorded_row import RecordedRow
from ros_nodes.demo_recorder.robot_layout import RobotLayout, RobotLayoutConfig
from ros_nodes.demo_recorder.row_actions import actions_of_motion, check_actions_from, gripper_told
from ros_nodes.demo_recorder.sampling_clock import ActionClock, SamplingClock
from ros_nodes.demo_recorder.synchroniser import Synchroniser
from ros_nodes.demo_recorder.task_layout import TaskLayout
from ros_nodes.task_view.message_intake import IntakeConfig
from tests.ros_nodes.task_stream import BEGIN_S, ROBOT, Played, play, world_in_base

SOURCES = ("joint_states", "objects", "goal")
AGES = {"joint_states": 0.1, "objects": 0.2, "goal": 0.0}


def core_for(task: str, frame_in_base: Any = world_in_base, *, settle_s: float = 0.05, **options: Any) -> DemoCore:
    layout = TaskLayout(f"graspmimic/{task}-v0", {}, T_WORLD_BASE, SOURCES)
    intake = IntakeConfig(
        robot=ROBOT, T_task_base=T_WORLD_BASE, objects={}, goals=layout.contract.goals, motion_window_s=0.04
    )
    config = CoreConfig(rate_hz=layout.info.rate_hz, max_age_s=AGES, settle_s=settle_s, **options)
    return DemoCore(layout, config, intake, frame_in_base)


def record(core: DemoCore, played: Played, **options: Any) -> Episode | None:
    """Feed the messages as they came, from half a second before the first action on."""
    core.intake.forget()  # every stream begins at the same time: the clock jumps back
    for source, received_s, msg in sorted(played.messages, key=lambda told: told.received_s):
        if core.recording is None and received_s >= BEGIN_S + 0.5:
            core.start(BEGIN_S + 0.5)
        core.take(source, msg, received_s)
        core.advance(received_s)
    return core.finish(played.end_s, **{"success": None, "task": "", "provenance": {"source": "expert"}} | options)


def slow_entries(info: SetInfo) -> np.ndarray:
    """Which numbers are no speeds of things: those are differences of poses."""
    names = info.observation_names["observation"]
    return np.array(["velocity" not in name or name.startswith("hand") for name in names])


@pytest.mark.parametrize("task", ["PickPlace", "Push", "Lift", "Reach"])
def test_a_recorded_expert_is_the_episode_of_its_environment(task: str) -> None:
    played, core = play(task, 3), core_for(task)
    episode = record(core, played)
    assert episode is not None and len(episode) == 50 and episode.complete
    np.testing.assert_array_equal(episode.actions, played.episode.actions)
    keep = slow_entries(core._layout.info)
    theirs, ours = played.episode.observations, episode.observations
    np.testing.assert_allclose(ours["observation"][:, keep], theirs["observation"][:, keep], atol=1e-6)
    for key in theirs.keys() - {"observation"}:
        np.testing.assert_allclose(ours[key], theirs[key], atol=1e-6)
    assert episode.provenance["ended"] == "stopped"
    if task != "Lift":  # it has no goal: success is for a person to say
        assert episode.success == played.episode.success is True
        assert episode.rewards[-1] == 0.0 and episode.rewards[0] == -1.0


def test_speeds_of_things_are_those_of_half_a_period_ago() -> None:
    played, core = play("Push", 5), core_for("Push")
    names = core._layout.info.observation_names["observation"]
    columns = [names.index(f"cube velocity {axis}") for axis in "xyz"]
    episode = record(core, played)
    assert episode is not None
    positions = played.episode.observations["achieved_goal"].astype(float)
    want = np.diff(positions, axis=0) / 0.04
    np.testing.assert_allclose(episode.observations["observation"][1:, columns], want, atol=1e-4)
    assert np.abs(want).max() > 0.1


def test_recorded_sets_train_and_are_the_collectors_own_kind(tmp_path: Path) -> None:
    core = core_for("PickPlace")
    store = EpisodeStore(tmp_path / "set", core._layout.info)
    for seed in (1, 2):
        episode = record(core, play("PickPlace", seed))
        assert episode is not None
        store.keep(episode)
    found = DemonstrationSet.open(tmp_path / "set")
    assert len(found) == 2 and found.success == 1.0
    import gymnasium

    env = gymnasium.make("graspmimic/PickPlace-v0")
    found.info.check_same(SetInfo.of_env(env), "set")
    env.close()
    config = make_config("bc")
    layout = DataLayout.of_info(found.info)
    report = train_imitation(config, found, layout, tmp_path / "run", seed=0, training=TrainingConfig(steps=3),
                             about={"env": found.info.env, "env_options": {}})  # fmt: skip
    assert report.steps == 3 and np.isfinite(report.loss)
    policy = load_policy_file(tmp_path / "run").policy
    row = {key: table[0] for key, table in found[0].observations.items()}
    assert policy.select_action(row).shape == (4,)


def test_a_silent_source_ends_the_episode_and_is_named_in_it() -> None:
    played, core = play("PickPlace", 3), core_for("PickPlace")
    silent = [told for told in played.messages if told.source != "objects" or told.received_s < BEGIN_S + 1.4]
    episode = record(core, played._replace(messages=silent))
    assert episode is not None and 10 <= len(episode) <= 16
    assert episode.provenance["ended"].startswith("objects: 0.2") and not episode.success
    np.testing.assert_array_equal(episode.actions, played.episode.actions[: len(episode)])


def test_a_source_that_falls_behind_is_waited_for() -> None:
    """A busy machine delivers late what was seen in time; only what is not there at all ends an episode."""
    played = play("PickPlace", 3)
    late = [one._replace(received_s=one.received_s + 0.6 * (one.source == "objects")) for one in played.messages]
    played = played._replace(messages=late, end_s=played.end_s + 0.6)
    want, got = record(core_for("PickPlace"), play("PickPlace", 3)), record(core_for("PickPlace"), played)
    assert want is not None and got is not None and len(got) == 50
    for key, table in want.observations.items():
        np.testing.assert_array_equal(got.observations[key], table)
    hasty = record(core_for("PickPlace", patience_s=0.1), played)
    assert hasty is None or hasty.provenance["ended"].startswith("objects: ")


def test_an_episode_that_is_stopped_is_whole_up_to_that_moment() -> None:
    """What tells of its last moments comes later; what is told of later moments is not taken."""
    played, stop_s = play("PickPlace", 3), BEGIN_S + 1.0 + 0.04 * 20
    core = core_for("PickPlace", actions_from="motion")
    core.start(BEGIN_S + 0.5)
    for source, received_s, msg in sorted(played.messages, key=lambda told: told.received_s):
        if stop_s < received_s <= stop_s + 0.04:
            core.stop_at(stop_s)
            assert not core.complete(received_s)
        core.take(source, msg, received_s)
        core.advance(received_s)
        if received_s > stop_s + 0.3:
            break
    assert core.complete(stop_s + 0.3)
    episode = core.finish(stop_s + 0.3, success=None, task="", provenance={})
    assert episode is not None and episode.provenance["ended"] == "stopped"
    assert stop_s - 0.04 < episode.provenance["began_s"] + 0.04 * len(episode) <= stop_s


def test_a_pause_in_the_actions_ends_the_episode() -> None:
    played, core = play("Reach", 3), core_for("Reach")
    gap = [told for told in played.messages
           if told.source != "action" or not BEGIN_S + 1.5 < told.received_s < BEGIN_S + 1.7]  # fmt: skip
    episode = record(core, played._replace(messages=gap))
    assert episode is not None and episode.provenance["ended"].startswith("action: a pause of 0.2")
    assert len(episode) in (12, 13)


def test_messages_that_make_no_sense_are_refused_one_by_one() -> None:
    played, core = play("PickPlace", 3, steps=2), core_for("PickPlace")
    by_source = {told.source: told.msg for told in played.messages}
    core.start(BEGIN_S)
    bad = by_source["joint_states"]
    bad.position[3] = float("nan")
    with pytest.raises(InputError, match="finite"):
        core.take("joint_states", bad, BEGIN_S)
    by_source["objects"].header.frame_id = "camera"
    with pytest.raises(InputError, match="'camera': no such frame"):
        core.take("objects", by_source["objects"], BEGIN_S)
    by_source["action"].name = ["x"] * 4
    with pytest.raises(InputError, match="hand displacement x"):
        core.take("action", by_source["action"], BEGIN_S)
    assert core.missing(BEGIN_S) == ("joint_states: nothing yet", "objects: nothing yet", "goal: nothing yet")
    assert core.finish(BEGIN_S + 1.0, success=None, task="", provenance={}) is None


def test_what_was_done_tells_the_actions_where_nobody_told_them() -> None:
    played, core = play("PickPlace", 3), core_for("PickPlace", actions_from="motion")
    episode = record(core, played)
    assert episode is not None
    first = 7  # the grid begins 0.3 s before the first action
    hand = episode.observations["observation"][:, :3].astype(float)
    np.testing.assert_allclose(episode.actions[:, :3], np.clip(np.diff(hand, axis=0) / HAND_STEP_M, -1, 1), atol=1e-4)
    theirs = played.episode.actions
    ours = episode.actions[first : first + len(theirs)]
    assert np.abs(ours[1:, :3] - theirs[: len(ours) - 1, :3]).mean() < 0.15
    assert np.mean(np.sign(ours[:, 3]) == np.sign(theirs[: len(ours), 3])) > 0.9


def test_the_gripper_is_told_what_it_does_and_goes_on_being_told_so() -> None:
    np.testing.assert_array_equal(gripper_told([0.08, 0.08, 0.06, 0.04, 0.04, 0.041, 0.06]), [1, -1, -1, -1, -1, 1])
    np.testing.assert_array_equal(gripper_told([0.04, 0.04, 0.08]), [-1, 1])
    np.testing.assert_array_equal(gripper_told([0.0, 0.0]), [-1])


def test_commands_tell_actions_by_where_they_lead() -> None:
    q = np.array([0.0, -0.7, 0.0, -2.3, 0.0, 1.6, 0.8])
    there = q + 0.01
    hand = [grasp_pose(each)[:3, 3] for each in (q, there, there)]
    rows = [RecordedRow(0.04 * n, {}, hand[n], 0.08, q, None) for n in range(3)]
    made = actions_of_motion(rows, gripper=True, targets=[there, None], hand_at=lambda at: grasp_pose(at)[:3, 3])
    np.testing.assert_allclose(made.actions[0, :3], (hand[1] - hand[0]) / HAND_STEP_M, atol=1e-6)
    np.testing.assert_array_equal(made.actions[1, :3], [0, 0, 0])
    far = actions_of_motion([row._replace(hand_m=10 * row.hand_m) for row in rows], gripper=False)
    assert far.actions.shape == (2, 3) and np.abs(far.actions).max() == 1.0 and far.clipped == 0.5
    with pytest.raises(InputError, match="'topic' for actions"):
        check_actions_from("motion", ["joint 1 speed"] * 8)


def test_a_sample_takes_the_newest_of_each_source_that_is_not_newer() -> None:
    told = Synchroniser({"a": 0.1, "b": 0.0}, keep_s=1.0)
    assert told.at(0.0).missing == ("a: nothing yet", "b: nothing yet")
    for stamp in (0.00, 0.10, 0.05, 0.15):  # one comes late
        told.push("a", stamp, stamp)
    told.push("b", 0.02, "goal")
    told.push("c", 0.0, "not asked for")
    assert told.at(0.08).values == {"a": 0.05, "b": "goal"}
    assert told.at(0.10).values["a"] == 0.10
    assert told.at(0.26).missing == ("a: 0.11 s old, at most 0.1 s",)
    assert told.at(99.0).values == {"b": "goal"}
    told.push("a", 5.0, 5.0)
    assert told.at(0.12).missing == ("a: nothing yet",) and told.at(5.0).values["a"] == 5.0
    assert told.heard(5.0) and not told.heard(5.01), "b may be as old as it likes"
    told.forget()
    assert told.at(5.0).values == {} and not told.heard(0.0)


def test_moments_are_due_when_their_messages_have_had_time() -> None:
    clock = SamplingClock(0.1, 0.05, 1.0)
    assert clock.due(1.04) == [] and clock.due(1.26) == pytest.approx([1.0, 1.1, 1.2])
    actions = ActionClock(0.1, 0.05)
    for stamp in (1.0, 1.0, 1.1, 1.2):
        actions.hear(stamp)
    assert actions.due(1.16) == [1.0, 1.1] and actions.rest(1.36) == pytest.approx([1.2, 1.3])
    actions.hear(1.38)
    assert not actions.gap
    actions.hear(1.58)
    assert "a pause of 0.20 s" in actions.gap


def test_a_robot_of_no_task_is_recorded_with_its_own_numbers_and_pictures() -> None:
    config = RobotLayoutConfig(rate_hz=25.0, objects=("cube",), goal="cube", images=("rgb",), image_size=(4, 6))
    layout = RobotLayout(config, grasp_pose)
    intake = IntakeConfig(robot=ROBOT, T_task_base=np.eye(4), objects={}, goals=("cube",), motion_window_s=0.04)
    core = DemoCore(
        layout,
        CoreConfig(rate_hz=25.0, max_age_s=AGES, settle_s=0.05, actions_from="motion"),
        intake,
        world_in_base,
        PictureConfig(size=config.image_size),
    )
    from std_msgs.msg import Header

    from ros_nodes.messages.images import image_from_rgb
    from ros_nodes.messages.stamps import stamp_of
    from tests.ros_nodes.task_stream import Told

    picture = np.zeros((8, 12, 3), dtype=np.uint8)
    picture[:4, :6] = (200, 100, 50)
    header = Header(frame_id="camera", stamp=stamp_of(BEGIN_S))
    played = play("PickPlace", 3, steps=20)
    played.messages.append(Told("rgb", BEGIN_S, image_from_rgb(picture, header)))
    episode = record(core, played, success=True)
    assert episode is not None and episode.success and episode.actions.shape[1] == 4
    layout.info.check(episode, "test")
    np.testing.assert_array_equal(episode.observations["rgb"][0][:, 1, 2], (200, 100, 50))
    np.testing.assert_array_equal(episode.observations["rgb"][0][:, 3, 5], (0, 0, 0))
    names = list(layout.info.observation_names["observation"])
    x = names.index("hand position x")
    hand = played.episode.observations["observation"][0, :3] - T_WORLD_BASE[:3, 3]
    np.testing.assert_allclose(episode.observations["observation"][0, x : x + 3], hand, atol=1e-6)
    with pytest.raises(InputError, match="images"):
        RobotLayout(RobotLayoutConfig(rate_hz=25.0, images=("cloud",)), grasp_pose)


def test_an_episode_that_cannot_be_written_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    core = core_for("Reach")
    episode = record(core, play("Reach", 1, steps=5))
    assert episode is not None
    store = EpisodeStore(tmp_path / "set", core._layout.info)

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez_compressed", full)
        with pytest.raises(InputError, match="No space left on device; make room"):
            store.keep(episode)
        with pytest.raises(InputError, match="No space"):
            store.retry()
        assert store.waiting is episode and store.count == 0
        with pytest.raises(InputError, match="waits"):
            store.keep(episode)
    assert store.retry() == 0 and store.waiting is None and store.count == 1
    assert not store.discard()
    assert EpisodeStore(tmp_path / "set", core._layout.info).next_number == 1
    with pytest.raises(InputError, match="expected env"):
        EpisodeStore(tmp_path / "set", core_for("Push")._layout.info)
