"""The temporal network: it reads no later frame, frame by frame and at once agree, and files come back or say why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from geometry import InputError
from perception.behavior.network.behavior_model import BehaviorModel, ModelSpec
from perception.behavior.network.model import BehaviorNetwork, NetworkSpec
from perception.behavior.network.preparation import Preparation, preparation_for, prepare
from perception.behavior.network.standardise import Statistics, running_start, standardise_running, statistics_of
from perception.behavior.network.stream import BehaviorStream
from perception.behavior.sets import BehaviorSequence, set_of_sequences

JOINTS = ("head", "spine", "left_wrist", "right_wrist")


def walk(frames: int, seed: int, unseen: float = 0.1) -> NDArray[np.float64]:
    """(T, 4, 3) a random walk of four joints, some of them out of view at times."""
    rng = np.random.default_rng(seed)
    points = np.cumsum(0.05 * rng.standard_normal((frames, 4, 3)), axis=0) + rng.standard_normal((4, 3))
    points[rng.random((frames, 4)) < unseen] = np.nan
    return points


def small_model(
    normalisation: str = "running", delay: int = 0, heads: tuple[str, ...] = ("frame", "clip")
) -> BehaviorModel:
    preparation = Preparation(
        joints=JOINTS, dimensions=3, rate_hz=30.0, unit=(0, 1), pairs=((0, 2), (2, 3)), short_lag=3, long_lag=9
    )
    torch.manual_seed(0)
    network = BehaviorNetwork(NetworkSpec(groups=preparation.groups, labels=3, width=12, branch=6, layers=3)).eval()
    with torch.no_grad():
        network.frame_temperature.fill_(1.7)
    spec = ModelSpec(
        preparation=preparation,
        network=network.spec,
        label_names=("a", "b", "c"),
        heads=heads,
        normalisation=normalisation,  # type: ignore[arg-type]
        prior_frames=20.0,
        delay_frames=delay,
    )
    return BehaviorModel(spec, network, statistics_of([prepare(preparation, walk(60, 9))[0]]))


def test_places_are_in_units_of_the_mean_distance_so_far_about_the_middle() -> None:
    model = small_model()
    points = np.zeros((2, 4, 3))
    points[0, 0], points[1, 0] = (0, 2, 0), (0, 4, 0)  # head above spine: 2, then 4 long, so 2 and then 3 in the mean
    points[:, 2] = (6, 0, 0)
    channels, _ = prepare(model.spec.preparation, points)
    places = channels[:, :12].reshape(2, 4, 3)
    assert places[0, 2] == pytest.approx([3, -0.5, 0]) and places[1, 2] == pytest.approx([2, -2 / 3, 0])
    assert channels[:, 12:16].tolist() == [[1] * 4] * 2  # all in view
    distances = channels[:, -2:]
    assert distances[0] == pytest.approx([np.sqrt(36 + 4) / 2, 3]) and distances[1, 1] == pytest.approx(2)


def test_displacements_look_back_by_their_lags() -> None:
    preparation = small_model().spec.preparation
    points = np.zeros((12, 4, 3))
    points[:, 0, 1] = 1.0
    points[:, 3, 2] = np.arange(12) ** 2
    channels, _ = prepare(preparation, points)
    short = channels[:, 16:28].reshape(12, 4, 3)[:, 3, 2]
    long = channels[:, 32:44].reshape(12, 4, 3)[:, 3, 2]
    assert short.tolist() == [0, 0, 0, *(t**2 - (t - 3) ** 2 for t in range(3, 12))]
    assert long.tolist() == [0] * 9 + [81, 99, 117]
    assert channels[10, 28 + 3] == short[10]  # and their lengths


@pytest.mark.parametrize("case", ["never seen", "no unit", "nobody", "nobody at first"])
def test_whatever_is_in_view_channels_are_finite(case: str) -> None:
    points = walk(30, 1)
    points[
        {"never seen": (slice(None), 2), "no unit": (slice(None), 0), "nobody": slice(None)}.get(case, slice(12))
    ] = np.nan
    channels, _ = prepare(small_model().spec.preparation, points)
    assert np.isfinite(channels).all()
    assert np.isfinite(small_model().frame_probabilities(points)).all()


def test_the_same_walk_larger_and_elsewhere_gives_the_same_channels() -> None:
    preparation, points = small_model().spec.preparation, walk(40, 2)
    np.testing.assert_allclose(
        prepare(preparation, 300.0 * points + 50.0)[0], prepare(preparation, points)[0], atol=1e-4
    )


@pytest.mark.parametrize("normalisation", ["training", "running"])
@pytest.mark.parametrize("delay", [0, 4])
def test_no_later_frame_than_the_delay_bears_on_a_belief(normalisation: str, delay: int) -> None:
    model, points = small_model(normalisation, delay), walk(50, 3)
    other = points.copy()
    other[30:] = walk(20, 4)
    for read in (model.frame_probabilities, model.clip_probabilities):
        same = read(points)[: 30 - delay], read(other)[: 30 - delay]
        np.testing.assert_array_equal(*same)
        assert np.abs(read(points)[30 - delay] - read(other)[30 - delay]).max() > 1e-6


@pytest.mark.parametrize("normalisation", ["training", "running", "person"])
@pytest.mark.parametrize("delay", [0, 4, 60])
def test_frame_by_frame_is_the_same_as_at_once(normalisation: str, delay: int) -> None:
    model, points = small_model(normalisation, delay), walk(40, 5)
    person = model.person_statistics([points, walk(30, 6)]) if normalisation == "person" else None
    stream = BehaviorStream(model, person=person)
    pushed = [stream.push(0.1 * t, points[t]) for t in range(len(points))]
    assert [belief is None for belief in pushed] == [t < delay for t in range(40)]
    beliefs = [belief for belief in pushed if belief is not None] + stream.finish()
    assert [belief.time_s for belief in beliefs] == pytest.approx([0.1 * t for t in range(40)])
    for name, read in (("frame", model.frame_probabilities), ("clip", model.clip_probabilities)):
        np.testing.assert_allclose([getattr(belief, name) for belief in beliefs], read(points, person), atol=1e-5)


def test_a_stream_refuses_time_that_stands_and_strangers() -> None:
    stream = BehaviorStream(small_model())
    stream.push(0.0, walk(1, 0)[0])
    with pytest.raises(InputError, match="time"):
        stream.push(0.0, walk(1, 0)[0])
    with pytest.raises(InputError, match="head, spine, left_wrist, right_wrist"):
        stream.push(0.1, np.zeros((5, 3)))
    assert stream.push(0.1, walk(1, 0)[0]) is not None  # what was refused left no trace
    with pytest.raises(InputError, match="person_statistics"):
        BehaviorStream(small_model("person"))
    assert BehaviorStream(small_model(delay=3)).finish() == []


def test_a_stream_of_another_rate_is_read_at_the_models() -> None:
    model, points = small_model(), walk(20, 5)
    slow = BehaviorStream(model, rate_hz=15.0)  # the model's clock ticks twice for every frame but the first
    beliefs = [slow.push(t / 15.0, points[t]) for t in range(20)]
    wanted = model.frame_probabilities(np.repeat(points, 2, axis=0)[1:])[::2]
    np.testing.assert_allclose([belief.frame for belief in beliefs if belief is not None], wanted, atol=1e-5)
    fast = BehaviorStream(model, rate_hz=100.0)
    shown = [t for t in range(100) if fast.push(t / 100.0, walk(1, t)[0]) is not None]
    assert len(shown) in (30, 31) and set(np.diff(shown[1:])) == {3, 4}
    torn = BehaviorStream(model, rate_hz=15.0)  # what is refused leaves no trace on the clock
    for t in range(20):
        with pytest.raises(InputError, match="left_wrist"):
            torn.push(t / 15.0, points[t, :3])
        belief = torn.push(t / 15.0, points[t])
        assert belief is not None and belief.frame is not None
        np.testing.assert_allclose(belief.frame, wanted[t], atol=1e-5)
    near = BehaviorStream(model, rate_hz=31.25)
    assert all(near.push(t / 31.25, points[0]) is not None for t in range(60))
    gap = BehaviorStream(model, rate_hz=15.0)
    assert gap.push(0.0, points[0]) is not None and gap.push(1e6, points[1]) is not None


def test_running_statistics_are_those_of_all_frames_so_far() -> None:
    rng = np.random.default_rng(0)
    channels = rng.normal(3.0, 2.0, (50, 2)).astype(np.float32)
    floor = Statistics(np.zeros(2), np.full(2, 1e-9))
    prior = Statistics(np.array([1.0, -1.0]), np.array([0.5, 4.0]))
    standardised, _ = standardise_running(channels, running_start(prior, 10.0), floor)
    # a prior that stands for 10 frames: five a spread above the mean, five below
    stand_in = np.repeat([prior.mean - prior.scale, prior.mean + prior.scale], 5, axis=0)
    for t in (0, 7, 49):
        frames = np.concatenate([stand_in, channels[: t + 1]])
        wanted = (channels[t] - frames.mean(axis=0)) / frames.std(axis=0)
        np.testing.assert_allclose(standardised[t], wanted, rtol=1e-4)


def test_the_network_sees_as_far_back_as_it_says() -> None:
    network = small_model().network
    seen = network.spec.frames_seen
    x = torch.zeros(1, 60, sum(network.spec.groups), requires_grad=True)
    network(x)[0].frame_logits[0, -1].sum().backward()
    assert x.grad is not None
    touched = torch.nonzero(x.grad[0].abs().sum(dim=1) > 0)[:, 0]
    assert touched.min() == 60 - seen and touched.max() == 59


def test_the_unit_is_the_pair_that_keeps_its_distance() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (80, 4, 3))
    points[:, 3] = points[:, 1] + [0.0, 1.8, 0.0]  # rigidly joined, whatever the others do
    sequence = BehaviorSequence(
        name="one", subject="a", time_s=np.arange(80) / 20.0, keypoints=points, scores=np.ones((80, 4))
    )
    preparation = preparation_for(set_of_sequences([sequence], joints=JOINTS))
    assert preparation.unit == (1, 3) and preparation.rate_hz == pytest.approx(20.0)
    assert (preparation.short_lag, preparation.long_lag) == (2, 10) and len(preparation.pairs) == 6


@pytest.mark.parametrize("damage", ["cut", "other", "record", "spec", "absent"])
def test_a_file_comes_back_or_says_why_not(tmp_path: Path, damage: str) -> None:
    model, path, points = small_model(delay=2), tmp_path / "model.safetensors", walk(30, 7)
    model.save(path, {"seed": 3})
    again = BehaviorModel.load(path)
    np.testing.assert_array_equal(again.frame_probabilities(points), model.frame_probabilities(points))
    assert again.spec == model.spec and path.stat().st_size < 5e6
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["seed"] == 3 and record["model"]["preparation"]["joints"] == list(JOINTS)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    elif damage == "other":
        path.write_bytes(b"PK\x03\x04 something else")
    elif damage == "record":
        path.with_suffix(".json").write_text("{")
    elif damage == "spec":
        del record["model"]["network"]["width"], record["model"]["label_names"]
        path.with_suffix(".json").write_text(json.dumps(record))
    else:
        path.unlink()
    with pytest.raises(InputError) as caught:
        BehaviorModel.load(path)
    assert "\n" not in str(caught.value) and "model" in str(caught.value)


def test_recordings_of_another_rate_are_refused() -> None:
    def take(name: str, rate_hz: float) -> BehaviorSequence:
        points = walk(30, 0, unseen=0.0).astype(np.float32)
        scores = np.ones((30, 4), dtype=np.float32)
        return BehaviorSequence(name=name, subject="x", time_s=np.arange(30) / rate_hz, keypoints=points, scores=scores)

    near = set_of_sequences([take("a", 30.0), take("b", 25.0), take("c", 30.0)], joints=JOINTS)
    assert preparation_for(near).rate_hz == pytest.approx(30.0)
    far = set_of_sequences([take("a", 30.0), take("b", 15.0), take("c", 30.0)], joints=JOINTS)
    with pytest.raises(InputError, match="15 Hz in b"):
        preparation_for(far)


def test_a_model_says_what_it_was_not_trained_for() -> None:
    model = small_model(heads=("clip",))
    with pytest.raises(InputError, match="trained on clip labels"):
        model.frame_probabilities(walk(10, 0))
    with pytest.raises(InputError, match="at least one frame"):
        model.clip_probabilities(walk(10, 0)[:0])
    with pytest.raises(InputError, match="a network for these channels"):
        replace(model.spec, label_names=("a",))
    with pytest.raises(InputError, match="5000000 bytes"):
        big = BehaviorNetwork(NetworkSpec(groups=model.spec.preparation.groups, labels=3, width=600))
        BehaviorModel(model.spec, big, model.statistics)
