"""A network beside the rules: agreement, disagreement, behaviours of its own, and other frame rates."""

from __future__ import annotations

import numpy as np
import pytest

from envs.humanoid import KEYPOINTS, noisy_keypoints, read_clip
from geometry import FloatArray, InputError
from perception.behavior.network import BehaviorModel
from perception.behavior.watching import NetworkOpinion, layers_of, watch_recording
from perception.behavior.watching.network_opinion import nearest
from perception.pose import Person, PersonTrack, PoseFrame, Skeleton
from perception.pose.skeletons import BODY18

HUMANOID = Skeleton(name="humanoid", joints=KEYPOINTS, bones=BODY18.bones)


def walking(seconds: float = 3.0, rate_hz: float = 30.0) -> list[PoseFrame]:
    times = np.arange(0.0, seconds, 1.0 / rate_hz)
    points = noisy_keypoints(read_clip("walk").looped(times).keypoints_m(), 0.005, np.random.default_rng(0))
    return [
        PoseFrame(
            time_s=float(time_s), skeleton=HUMANOID, reference="world",
            persons=(Person(id=1, scores=np.ones(len(HUMANOID)), keypoints_m=keypoints),),
        )
        for time_s, keypoints in zip(times, points, strict=True)
    ]  # fmt: skip


class Sure(NetworkOpinion):
    """Says one label all the time."""

    def __init__(self, labels: tuple[str, ...], always: str) -> None:
        self.labels, self._always = labels, always

    def chances(self, track: PersonTrack) -> FloatArray:
        return np.tile(
            np.where(np.array(self.labels) == self._always, 0.98, 0.02 / (len(self.labels) - 1)), (len(track.time_s), 1)
        )


def test_a_network_that_agrees_changes_nothing() -> None:
    frames = walking()
    alone = watch_recording(frames).of_layer("body")
    together = watch_recording(frames, network=Sure(("walk", "run"), "walk")).of_layer("body")
    assert [segment.label for segment in alone] == ["walk"]
    assert alone[0].doubt == together[0].doubt == ""


def test_where_the_two_disagree_the_segment_is_unsure_and_says_why() -> None:
    (segment,) = watch_recording(walking(), network=Sure(("walk", "run"), "run")).of_layer("body")
    assert segment.label == "walk"
    assert "the network" in segment.doubt
    assert "run" in segment.doubt


def test_behaviours_that_only_the_network_knows_are_a_layer_of_their_own() -> None:
    timeline = watch_recording(walking(), network=Sure(("strut", "sneak"), "sneak"))
    assert [segment.label for segment in timeline.of_layer("network")] == ["sneak"]
    assert [(segment.label, segment.doubt) for segment in timeline.of_layer("body")] == [("walk", "")]


def test_chances_go_to_the_layers_labels_and_the_rest_to_nothing() -> None:
    (layer,) = [each for each in layers_of(("walk", "run")) if each.name == "body"]
    network = Sure(("run", "sneak", "walk"), "walk")
    found = network.opinion(np.array([[0.2, 0.3, 0.5]]), layer)
    assert dict(zip(layer.labels, found[0], strict=True)) == pytest.approx({"-": 0.3, "walk": 0.5, "run": 0.2})


def test_the_nearest_moment() -> None:
    known = np.array([0.0, 1.0, 2.5])
    assert nearest(known, np.array([-1.0, 0.4, 0.6, 1.7, 1.8, 9.0])).tolist() == [0, 0, 1, 1, 2, 2]
    assert nearest(np.array([3.0]), np.array([0.0, 5.0])).tolist() == [0, 0]


@pytest.mark.parametrize("rate_hz", [30.0, 8.0, 120.0])
def test_the_shipped_network_reads_people_of_any_frame_rate(rate_hz: float) -> None:
    frames = walking(2.0, rate_hz)
    network = NetworkOpinion(BehaviorModel.from_pretrained("gesture_phases"))
    track = PersonTrack(
        skeleton=HUMANOID,
        time_s=np.array([frame.time_s for frame in frames]),
        keypoints=np.array([frame.persons[0].keypoints_m for frame in frames]),
        scores=np.ones((len(frames), len(HUMANOID))),
    )
    chances = network.chances(track)
    assert chances.shape == (len(frames), len(network.labels))
    assert chances.sum(-1) == pytest.approx(np.ones(len(frames)))
    labels = {segment.label for segment in watch_recording(frames, network=network).of_layer("network")}
    assert labels <= set(network.labels)


def test_a_network_of_clips_is_refused() -> None:
    model = BehaviorModel.from_pretrained("gesture_phases")
    object.__setattr__(model.spec, "heads", ("clip",))
    with pytest.raises(InputError, match="a network that judges frames"):
        NetworkOpinion(model)
