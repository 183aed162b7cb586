"""What isolated streams are good for, and what not, on scenes whose answer is known by construction."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from geometry import InputError
from perception.behavior.semi_coupled import (
    StreamData,
    StreamTraining,
    TwoStreamConfig,
    TwoStreams,
    predict_behaviors,
    train_two_streams,
)

FRAMES, LOOKS = 12, 24


def scene(rng: np.random.Generator, agreement: float, confounder: str, count: int = 400) -> StreamData:
    """Two behaviours that differ by their motion, weakly at each moment and surely over a sequence.

    What the object looks like agrees with the behaviour in a share of the cases: either by a mark that names no
    object, or by which object it is.
    """
    behaviors = rng.integers(0, 2, count)
    motion = 0.3 * (2 * behaviors - 1)[:, None, None] + rng.normal(size=(count, FRAMES, 2))
    looks = rng.normal(size=(count, FRAMES, LOOKS))
    objects = rng.integers(0, 3, count)
    if confounder == "object":
        objects = np.where(rng.random(count) < agreement, behaviors, 1 - behaviors)
    else:
        agrees = rng.random((count, FRAMES)) < agreement
        looks[..., 10] = 3.0 * np.where(agrees, behaviors[:, None], 1 - behaviors[:, None]) - 1.5
        looks[..., 10] += 0.3 * rng.normal(size=(count, FRAMES))
    looks[..., :3] += 3.0 * np.eye(3)[objects][:, None]
    return StreamData(
        objects=looks,
        motion=motion,
        behaviors=np.repeat(behaviors[:, None], FRAMES, axis=1),
        object_labels=objects,
    )


def learned(openness: float, confounder: str, seed: int, epochs: int = 20) -> TwoStreams:
    config = TwoStreamConfig(
        object_features=LOOKS, motion_features=2, behaviors=2, objects=3, width=6, layers=3, openness=openness
    )
    training = StreamTraining(epochs=epochs, learning_rate=1e-2, seed=seed)
    return train_two_streams(config, scene(np.random.default_rng(seed), 0.95, confounder), training)


@cache
def accuracies(openness: float, confounder: str) -> tuple[float, float]:
    """Right moments of the later half, mean over three seeds: confounded as in training, and the other way round."""
    found = []
    for seed in range(3):
        streams = learned(openness, confounder, seed)
        for agreement in (0.95, 0.05):
            test = scene(np.random.default_rng(100 + seed), agreement, confounder)
            right = predict_behaviors(streams, test).argmax(axis=-1) == test.behaviors
            found.append(right[:, FRAMES // 2 :].mean())
    return float(np.mean(found[::2])), float(np.mean(found[1::2]))


def test_isolated_streams_do_not_fall_for_a_mark_that_names_no_object() -> None:
    (isolated, isolated_flipped), (coupled, coupled_flipped) = accuracies(0.0, "mark"), accuracies(1.0, "mark")
    assert coupled > isolated  # the mark does help where it holds, and the coupled network finds it
    assert isolated > 0.85
    assert isolated_flipped > isolated - 0.03
    assert coupled_flipped < 0.7
    assert isolated_flipped > coupled_flipped + 0.15


def test_isolated_streams_fall_like_coupled_ones_when_the_object_itself_is_what_misleads() -> None:
    """The gate lets values through: the object stream's own knowledge, which object it is, stays in reach."""
    (isolated, isolated_flipped), (_, coupled_flipped) = accuracies(0.0, "object"), accuracies(1.0, "object")
    assert isolated > 0.9
    assert isolated_flipped < 0.75
    assert coupled_flipped < 0.75


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (learned(0.5, "mark", seed, epochs=1).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_unlabelled_moments_count_for_nothing() -> None:
    data = scene(np.random.default_rng(0), 0.95, "mark", count=40)
    hidden = data.behaviors.copy()
    hidden[:, 8:] = -1
    looks = data.objects.copy()
    looks[:, 8:] = 7.0
    config = TwoStreamConfig(object_features=LOOKS, motion_features=2, behaviors=2, objects=3, layers=2)
    weights = [
        train_two_streams(
            config,
            StreamData(objects=objects, motion=data.motion, behaviors=hidden, object_labels=data.object_labels),
            StreamTraining(epochs=2),
        ).state_dict()
        for objects in (data.objects, looks)
    ]
    assert all(torch.allclose(weights[0][name], weights[1][name], atol=1e-6) for name in weights[0])


def test_independent_labels_are_learned_each_by_itself() -> None:
    rng = np.random.default_rng(0)
    states = rng.integers(0, 2, (600, 1, 4)).astype(float)
    verbs = np.stack([states[..., 0] * states[..., 1], np.maximum(states[..., 2], states[..., 3])], axis=-1)
    objects = rng.integers(0, 3, 600)
    data = StreamData(objects=np.eye(3)[objects][:, None], motion=states, behaviors=verbs, object_labels=objects)
    config = TwoStreamConfig(object_features=3, motion_features=4, behaviors=2, objects=3, layers=0)
    odds = predict_behaviors(train_two_streams(config, data, StreamTraining(epochs=20, learning_rate=1e-2)), data)
    assert ((odds > 0.0) == (verbs > 0.5)).mean() > 0.99


def stream_data(**changes: np.ndarray) -> StreamData:
    arrays = {
        "objects": np.zeros((4, 5, 2)),
        "motion": np.zeros((4, 5, 3)),
        "behaviors": np.zeros((4, 5), dtype=np.int64),
        "object_labels": np.zeros(4, dtype=np.int64),
    }
    return StreamData(**{**arrays, **changes})


def test_data_that_do_not_fit_are_named() -> None:
    assert len(stream_data().take(np.array([1, 3])).objects) == 2
    with pytest.raises(InputError, match=r"one \(S, T\)"):
        stream_data(motion=np.zeros((4, 6, 3)))
    with pytest.raises(InputError, match=r"object_labels \(S,\)"):
        stream_data(object_labels=np.zeros(3, dtype=np.int64))
    with pytest.raises(InputError, match="got NaN"):
        stream_data(objects=np.full((4, 5, 2), np.nan))
    with pytest.raises(InputError, match="at least one sequence"):
        stream_data().take(np.zeros(0, dtype=np.int64))


def test_labels_and_sizes_that_the_network_does_not_have_are_named() -> None:
    config = TwoStreamConfig(object_features=2, motion_features=3, behaviors=2, objects=2)
    for data in (
        stream_data(behaviors=np.full((4, 5), 2)),
        stream_data(object_labels=np.full(4, -1)),
        stream_data(objects=np.zeros((4, 5, 7))),
        stream_data(behaviors=np.zeros((4, 5, 3))),
        stream_data(behaviors=np.full((4, 5), -1)),
    ):
        with pytest.raises(InputError, match="train_two_streams"):
            train_two_streams(config, data, StreamTraining(epochs=1))
    with pytest.raises(InputError, match="StreamTraining"):
        StreamTraining(epochs=0)
