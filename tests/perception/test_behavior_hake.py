"""HAKE's part states and HICO's verbs: reading, the split, unseen pairs, and what the rules reach on them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from geometry import InputError
from perception.behavior.reasoning import PredicateTrack, RuleBook, RuleModel
from perception.behavior.reasoning.average_precision import average_precision, mean_average_precision
from perception.behavior.reasoning.hake import (
    HakeImages,
    evaluate_hake,
    evaluate_unseen_pairs,
    learn_verb_rules,
    network_learner,
    read_hake,
    rule_learner,
    save_verb_rules,
)
from perception.behavior.reasoning.hake.unseen_pairs import LearnVerbs, draw_unseen_pairs
from perception.behavior.reasoning.hake.verb_network import VerbNetwork, VerbNetworkSettings
from perception.behavior.reasoning.rule_fitting import FittingSettings
from perception.behavior.reasoning.vocabulary import HAKE_STATES

PARTS = {"foot": 12, "leg": 10, "hip": 5, "hand": 31, "arm": 5, "head": 13}
THINGS = ("cup", "ball", "cat")
VERBS = ("drink_with", "hold", "kick", "hug")
PAIRS = [(thing, verb) for thing in THINGS for verb in VERBS]
TELLS = {"drink_with": "head:drink-with", "hold": "hand:hold", "kick": "foot:kick", "hug": "arm:hug"}


def write_hake(folder: Path, count: int = 400) -> Path:
    """A folder in HAKE's form: every verb has its part state, whatever the object."""
    rng = np.random.default_rng(0)
    table = {}
    for number in range(count):
        pair = int(rng.integers(len(PAIRS)))
        states = np.zeros(76, dtype=int)
        states[HAKE_STATES.index(TELLS[PAIRS[pair][1]])] = 1
        states[rng.integers(76)] = 1
        lists = np.split(states, np.cumsum(list(PARTS.values()))[:-1])
        labels = {f"{part}_list": block.tolist() for part, block in zip(PARTS, lists, strict=True)}
        table[f"image_{number:04d}.jpg"] = {**labels, "hoi_id": [pair + 1] if number % 10 else []}
    data = json.dumps(table).encode()
    with tarfile.open(folder / "hico-image-level.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("hico-image-level/labels.json")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    lists = {"hoi": PAIRS, "verb": [(verb,) for verb in VERBS], "obj": [(thing,) for thing in THINGS]}
    for name, rows in lists.items():
        lines = [f"{number:03d} {' '.join(row)}" for number, row in enumerate(rows, start=1)]
        (folder / f"hico_{name}_list.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> HakeImages:
    return read_hake(write_hake(tmp_path_factory.mktemp("hake")))


@pytest.fixture(scope="module")
def real(shared_data: Path) -> HakeImages:
    return read_hake(shared_data / "behaviour" / "hake_hico_pasta")


def test_a_folder_is_read(small: HakeImages) -> None:
    assert len(small) == 360 and "image_0000.jpg" not in small.names
    assert small.states.shape == (360, 76) and small.interactions.sum() == 360
    for row in (0, 100, 359):
        pair = int(small.interactions[row].argmax())
        assert small.verb_names[int(small.verbs[row].argmax())] == PAIRS[pair][1]
        assert small.object_names[int(small.objects[row].argmax())] == PAIRS[pair][0]
        assert small.states[row, HAKE_STATES.index(TELLS[PAIRS[pair][1]])]
    assert small.track().names == (*HAKE_STATES, "object:cup", "object:ball", "object:cat")


def test_the_split_is_the_fixed_one(small: HakeImages) -> None:
    train, test = small.split()
    assert (len(train), len(test)) == (288, 72)
    order = np.random.RandomState(0).permutation(360)
    np.testing.assert_array_equal(np.concatenate([train, test]), order)


def test_small_rules_learn_small_verbs(small: HakeImages, tmp_path: Path) -> None:
    model = save_verb_rules(small, tmp_path / "verbs.json")
    train, test = small.split()
    assert model.record["images"] == len(train)
    precision = mean_average_precision(model.evaluate(small.track().rows(test)).truths, small.verbs[test])
    assert precision.value > 0.95
    assert RuleModel.load(tmp_path / "verbs.json").behaviors == VERBS


def test_unseen_pairs_are_drawn_such_that_their_verbs_and_objects_stay(small: HakeImages) -> None:
    for seed in range(10):
        gone = draw_unseen_pairs(small, np.random.default_rng(seed), removed=7, least_test=2, least_train=2)
        left = np.setdiff1d(np.arange(len(PAIRS)), gone)
        assert len(gone) == 7
        assert {small.verb_of[pair] for pair in gone} <= {small.verb_of[pair] for pair in left}
        assert {small.object_of[pair] for pair in gone} <= {small.object_of[pair] for pair in left}
    with pytest.raises(InputError, match="11 pairs"):
        draw_unseen_pairs(small, np.random.default_rng(0), removed=11, least_test=2, least_train=2)


def test_unseen_pairs_are_truly_unseen_and_scored_by_composition(small: HakeImages) -> None:
    train, _ = small.split()
    used = []

    def learn(rows: np.ndarray):  # type: ignore[no-untyped-def]
        used.append(rows)
        return lambda asked: small.verbs[asked].astype(float)  # one who knows the verbs

    found = evaluate_unseen_pairs(small, learn, draws=(0, 1), removed=4, least_test=2)
    assert found["seen"] == found["unseen"] == 1.0 and found["gap"] == found["drop"] == 0.0
    assert 0.0 < found["unseen_prior"] < 0.6
    np.testing.assert_array_equal(used[0], train)
    for draw, rows in enumerate(used[1:]):
        gone = draw_unseen_pairs(small, np.random.default_rng(draw), removed=4, least_test=2)
        assert not small.interactions[rows][:, gone].any()
        assert set(rows) == {row for row in train if not small.interactions[row, gone].any()}


@pytest.mark.parametrize("learner", [rule_learner, network_learner])
def test_what_a_part_does_carries_over_to_unseen_objects(
    small: HakeImages, learner: Callable[[HakeImages], LearnVerbs]
) -> None:
    found = evaluate_unseen_pairs(small, learner(small), draws=(0,), removed=4, least_test=2)
    assert found["unseen"] > 0.9 > found["unseen_prior"]


def test_an_evaluation_is_flat_and_repeatable(small: HakeImages) -> None:
    first = evaluate_hake(small, seeds=(0,), resamples=20)
    assert first == evaluate_hake(small, seeds=(0,), resamples=20)
    assert first["rules_low"] <= first["rules_map"] <= first["rules_high"] and first["test_images"] == 72
    gap = first["network_map"] - first["rules_map"]
    assert first["network_minus_rules_low"] <= gap <= first["network_minus_rules_high"]
    assert first["rules_map"] > 0.95 and first["network_map"] > 0.95
    assert json.dumps(first)


def test_the_network_learns_and_leaves_the_random_state_alone(small: HakeImages) -> None:
    import torch

    train, test = small.split()
    truths, before = small.track().truths, torch.random.get_rng_state()
    settings = VerbNetworkSettings(hidden=32, epochs=40, batch=64, learning_rate=1e-2)
    network = VerbNetwork.train(truths[train], small.verbs[train], settings, seed=3)
    again = VerbNetwork.train(truths[train], small.verbs[train], settings, seed=3)
    assert torch.equal(before, torch.random.get_rng_state())
    np.testing.assert_array_equal(network.evaluate(truths[test]), again.evaluate(truths[test]))
    assert mean_average_precision(network.evaluate(truths[test]), small.verbs[test]).value > 0.95


def damage(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("hico-image-level.tar.gz", b""),
        ("hico-image-level.tar.gz", b"no archive"),
        ("hico-image-level.tar.gz", gzip.compress(b"no tar" * 400, mtime=0)),
        ("hico_hoi_list.txt", b"001 cup\n"),
        ("hico_hoi_list.txt", b"001 spaceship hold\n"),
        ("hico_verb_list.txt", b"\xff\xfe\x00"),
        ("hico_obj_list.txt", b""),
    ],
)
def test_a_damaged_folder_is_told(tmp_path: Path, name: str, content: bytes) -> None:
    write_hake(tmp_path, 20)
    damage(tmp_path, name, content)
    with pytest.raises(InputError, match="hico"):
        read_hake(tmp_path)


def test_a_truncated_archive_and_a_missing_folder_are_told(tmp_path: Path) -> None:
    archive = write_hake(tmp_path, 50) / "hico-image-level.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(InputError, match="readable archive"):
        read_hake(tmp_path)
    with pytest.raises(InputError, match="hico_hoi_list"):
        read_hake(tmp_path / "nowhere")


def test_the_shipped_rules_are_readable_and_explain_an_image() -> None:
    model = RuleModel.hake_verbs()
    assert len(model.behaviors) == 117
    counts = [sum(rule.behavior == verb for rule in model.rules) for verb in model.behaviors]
    assert max(counts) <= 20 and max(len(list(rule.when.literals())) for rule in model.rules) <= 3
    idle = {f"{part}:no-interaction" for part in ("foot", "leg", "hip", "arm")}
    truths = {name: float(name in idle | {"hand:hold", "head:drink-with"}) for name in HAKE_STATES}
    image = PredicateTrack.from_mapping({**truths, "object:cup": 1.0})
    why = model.explain(image, "drink_with")
    assert why.probability > 0.5
    assert any("head:drink-with" in reason.rule for reason in why.reasons)


def test_the_data_is_all_there(real: HakeImages) -> None:
    train, test = real.split()
    assert (len(real), len(train), len(test)) == (33601, 26881, 6720)
    assert real.states.sum(axis=1).mean() == pytest.approx(6.13, abs=0.01)
    assert real.interactions.sum(axis=1).mean() == pytest.approx(1.94, abs=0.01)


def test_the_shipped_rules_reach_their_figure(real: HakeImages) -> None:
    _, test = real.split()
    found = mean_average_precision(RuleModel.hake_verbs().evaluate(real.track().rows(test)).truths, real.verbs[test])
    assert len(found.classes) == 110
    assert found.value > 0.72


def test_a_verb_held_out_of_learning_is_told_by_one_written_rule(real: HakeImages) -> None:
    train, test = real.split()
    kept = [number for number, verb in enumerate(real.verb_names) if verb != "drink_with"][:10]
    column, labels = real.verb_names.index("drink_with"), real.verbs
    blind = HakeImages(
        **{
            **{name: getattr(real, name) for name in ("names", "states", "object_of", "object_names")},
            "interactions": real.interactions[:, np.isin(real.verb_of, kept)],
            "verb_of": np.searchsorted(kept, real.verb_of[np.isin(real.verb_of, kept)]),
            "object_of": real.object_of[np.isin(real.verb_of, kept)],
            "verb_names": tuple(real.verb_names[number] for number in kept),
        }
    )
    learned = learn_verb_rules(blind, train[:3000], fitting=FittingSettings(most_rules=2))
    book = RuleBook.from_yaml(
        "behaviors:\n  drink_with: head:drink-with AND (object:cup OR object:bottle OR object:wine_glass)\n"
    )
    both = learned.with_book(book)
    assert "drink_with" not in learned.behaviors and len(both.behaviors) == 11
    scores = both.evaluate(real.track().rows(test)).truths[:, -1]
    positives = labels[test][:, column]
    assert average_precision(scores, positives) > 10 * positives.mean()
    assert average_precision(scores, positives) > 0.7


@pytest.mark.slow
def test_rules_and_network_meet_their_goals(real: HakeImages) -> None:
    found = evaluate_hake(real, seeds=(0,), resamples=100)
    assert found["network_map"] >= 0.70 and found["rules_map"] >= 0.70
    assert found["network_minus_rules"] < 0.03
    pairs = evaluate_unseen_pairs(real, rule_learner(real))
    assert abs(pairs["gap"]) < 0.03
    assert pairs["unseen"] > pairs["unseen_prior"] + 0.2
