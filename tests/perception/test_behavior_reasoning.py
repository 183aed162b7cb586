"""Rules: their language, what they mean over time against brute force, and why they say what they say."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from geometry import InputError
from perception.behavior.reasoning import PredicateTrack, RuleBook, RuleMonitor, parse_condition, reasoner
from perception.behavior.reasoning.evaluation import ConditionMonitor, evaluate_condition
from perception.behavior.reasoning.expression import Expression, Operator
from perception.behavior.reasoning.reasoner import evaluate_rules, explain_rules
from perception.behavior.reasoning.vocabulary import HAKE_STATES, HICO_OBJECTS, predicate_names

NAMES = ("a:x", "b:y", "c:z")
POUR = "behaviors:\n  pour: hand:hold AND object:bottle\n"


def noisy(seed: int = 0, frames: int = 120) -> PredicateTrack:
    """Truths that wander, over frames that do not come regularly."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0.0, 1.0, (frames, 3)).cumsum(axis=0)
    times = rng.uniform(0.02, 0.08, frames).cumsum()
    return PredicateTrack(names=NAMES, truths=1.0 / (1.0 + np.exp(-steps)), time_s=times)


def values(text: str, track: PredicateTrack) -> np.ndarray:
    return evaluate_condition(parse_condition(text), track).values


def test_the_vocabulary_is_hakes() -> None:
    assert len(HAKE_STATES) == 76 and len(HICO_OBJECTS) == 80
    parts = [name.split(":")[0] for name in HAKE_STATES]
    assert [parts.count(part) for part in ("foot", "leg", "hip", "hand", "arm", "head")] == [12, 10, 5, 31, 5, 13]
    names = predicate_names()
    assert len(set(names)) == len(names)
    assert {"right_hand:hold", "object:cup", "head:drink-with", "hand:release"} <= set(names)
    assert "right_head:eat" not in names


def test_the_vocabulary_is_worded_as_the_annotations(shared_data: Path) -> None:
    lines = (shared_data / "behaviour" / "hake_hico_pasta" / "Part_State_76.txt").read_text().split("\n")
    plain = [line.strip().rstrip(")").replace(": ", ":") for line in lines if line]
    wording = [line.replace("(", "-").replace(" ", "-").replace("_", "-") for line in plain]
    assert list(HAKE_STATES) == wording
    things = (shared_data / "behaviour" / "hake_hico_pasta" / "hico_obj_list.txt").read_text().split()
    assert list(HICO_OBJECTS) == things[1::2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:x AND b:y", 0.8 * 0.3),
        ("a:x and not b:y", 0.8 * 0.7),
        ("a:x OR b:y", 1.0 - 0.2 * 0.7),
        ("NOT (a:x AND b:y)", 1.0 - 0.8 * 0.3),
        ("NOT (a:x OR b:y)", 0.2 * 0.7),
        ("a:x OR b:y AND c:z", 1.0 - 0.2 * (1.0 - 0.3 * 0.5)),
        ("(a:x OR b:y) AND c:z", (1.0 - 0.2 * 0.7) * 0.5),
        ("NOT NOT a:x", 0.8),
    ],
)
def test_logic_by_hand(text: str, expected: float) -> None:
    track = PredicateTrack.from_mapping({"a:x": 0.8, "b:y": 0.3, "c:z": 0.5})
    assert values(text, track) == pytest.approx([expected])


def test_a_condition_tells_which_predicates_it_wants_and_which_not() -> None:
    found = parse_condition("NOT (a:x AND NOT b:y) then (c:z until a:x)")
    assert list(found.literals()) == [("a:x", True), ("b:y", False), ("c:z", False), ("a:x", True)]


def test_nothing_follows_from_what_was_not_seen() -> None:
    track = PredicateTrack.from_mapping({"a:x": [np.nan, 1.0], "b:y": [1.0, 1.0]})
    assert values("a:x", track).tolist() == [0.0, 1.0]
    assert values("b:y AND NOT a:x", track).tolist() == [0.0, 0.0]
    assert values("NOT (a:x OR NOT b:y)", track).tolist() == [0.0, 0.0]
    assert values("b:y AND NOT nobody:tells", track).tolist() == [0.0, 0.0]


def test_a_part_without_side_means_either() -> None:
    track = PredicateTrack.from_mapping(
        {"right_hand:hold": [0.5, np.nan, np.nan], "left_hand:hold": [0.5, 0.25, np.nan]}
    )
    assert values("hand:hold", track) == pytest.approx([0.75, 0.25, 0.0])
    assert values("NOT hand:hold", track) == pytest.approx([0.25, 0.75, 0.0])
    monitor = ConditionMonitor(parse_condition("hand:hold"))
    assert monitor.update(0.0, {"right_hand:hold": 0.5, "left_hand:hold": 0.5}).value == pytest.approx(0.75)


def brute_for(track: PredicateTrack, duration_s: float) -> list[float]:
    """The integral by fine sampling of the step function that the frames are."""
    truth, times, found = track.column("a:x"), track.time_s, []
    assert times is not None
    for now in times:
        s = now - duration_s * (np.arange(4000) + 0.5) / 4000
        frame = np.searchsorted(times, s)  # the first frame at or after s
        sampled = np.where(s < times[0], 0.01, np.maximum(truth[np.minimum(frame, len(times) - 1)], 0.01))
        found.append(float(np.exp(np.log(sampled).mean())))
    return found


def brute_then(track: PredicateTrack, pause_s: float) -> list[float]:
    a, b, times = track.column("a:x"), track.column("b:y"), track.time_s
    assert times is not None
    return [
        b[t] * max([a[s] for s in range(t) if times[t] - times[s] <= pause_s], default=0.0) for t in range(len(track))
    ]


def brute_while(track: PredicateTrack) -> list[float]:
    a, b, times = track.column("a:x"), track.column("b:y"), track.time_s
    assert times is not None
    width, found = np.diff(times, prepend=times[0]), []
    for t in range(len(track)):
        first = t
        while first > 0 and a[first] >= 0.5 and a[first - 1] >= 0.5:
            first -= 1
        weight = width[first : t + 1]
        logs = np.log(np.maximum(b[first : t + 1], 0.01))
        mean = np.exp(weight @ logs / weight.sum()) if a[t] >= 0.5 and weight.sum() else b[t]
        found.append(float(a[t] * mean))
    return found


def brute_until(track: PredicateTrack) -> list[float]:
    """Max over beginnings s of min(A_s, what B has left at each moment since)."""
    a, b = track.column("a:x"), track.column("b:y")
    return [max(min(a[s], (1.0 - b[s : t + 1]).min()) for s in range(t + 1)) for t in range(len(track))]


@pytest.mark.parametrize(
    ("text", "oracle", "tolerance"),
    [
        ("a:x for 0.4 s", lambda track: brute_for(track, 0.4), 5e-3),
        ("a:x then b:y within 0.5 s", lambda track: brute_then(track, 0.5), 1e-12),
        ("a:x then b:y", lambda track: brute_then(track, 5.0), 1e-12),
        ("a:x while b:y", brute_while, 1e-9),
        ("a:x until b:y", brute_until, 1e-12),
    ],
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_time_against_brute_force(
    text: str, oracle: Callable[[PredicateTrack], list[float]], tolerance: float, seed: int
) -> None:
    track = noisy(seed)
    np.testing.assert_allclose(values(text, track), oracle(track), atol=tolerance)


@pytest.mark.parametrize("rate_hz", [10, 50, 200])
def test_truths_do_not_depend_on_the_frame_rate(rate_hz: int) -> None:
    times = np.arange(0.0, 2.0, 1.0 / rate_hz)
    track = PredicateTrack.from_mapping({"a:x": np.full(len(times), 0.9), "b:y": np.full(len(times), 0.7)}, times)
    assert values("a:x for 0.5 s", track)[-1] == pytest.approx(0.9)
    assert values("a:x while b:y", track)[-1] == pytest.approx(0.63)
    assert values("a:x then b:y", track)[-1] == pytest.approx(0.63)
    assert values("a:x until b:y", track)[-1] == pytest.approx(0.3)


def test_a_minimum_duration_is_one() -> None:
    times = np.arange(0.0, 2.0, 0.05)
    track = PredicateTrack.from_mapping({"a:x": ((times > 0.5) & (times < 0.8)).astype(float)}, times)
    assert values("a:x for 0.2 s", track).max() > 0.99
    assert values("a:x for 0.6 s", track).max() < 0.2


def test_then_needs_the_order_and_the_pause() -> None:
    times = np.arange(0.0, 4.0, 0.1)
    first, second = ((times < 0.5) * 1.0), ((times > 2.0) * 1.0)
    track = PredicateTrack.from_mapping({"a:x": first, "b:y": second}, times)
    assert values("a:x then b:y within 2 s", track).max() == 1.0
    assert values("a:x then b:y within 1 s", track).max() == 0.0
    assert values("b:y then a:x within 9 s", track).max() == 0.0
    found = evaluate_condition(parse_condition("a:x then b:y within 2 s"), track)
    assert found.since_s[int(found.values.argmax())] == 0.0
    covered = found.over_its_span(times)
    assert covered[0] == 1.0 and found.values[0] == 0.0


def expressions(rng: np.random.Generator, depth: int) -> Expression:
    operator = Operator.IS if depth == 0 else list(Operator)[rng.integers(len(Operator))]
    if operator is Operator.IS:
        return Expression(operator, name=str(rng.choice(NAMES)))
    count = {Operator.NOT: 1, Operator.FOR: 1, Operator.AND: 3, Operator.OR: 2}.get(operator, 2)
    seconds = round(float(rng.uniform(0.05, 0.9)), 3) if operator in (Operator.FOR, Operator.THEN) else 0.0
    return Expression(operator, tuple(expressions(rng, depth - 1) for _ in range(count)), seconds=seconds)


@pytest.mark.parametrize("seed", range(40))
def test_what_is_written_is_read_and_live_is_offline(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree = expressions(rng, 3)
    assert parse_condition(str(tree)) == tree
    track = noisy(seed, frames=40)
    hidden = track.truths.copy()
    hidden[rng.uniform(size=hidden.shape) < 0.1] = np.nan
    track = PredicateTrack(names=NAMES, truths=hidden, time_s=track.time_s)
    whole, monitor = evaluate_condition(tree, track), ConditionMonitor(tree)
    assert track.time_s is not None
    for row, time_s in enumerate(track.time_s):
        live = monitor.update(float(time_s), dict(zip(NAMES, track.truths[row], strict=True)))
        assert live.value == pytest.approx(whole.values[row], abs=1e-12)
        assert live.since_s == pytest.approx(whole.since_s[row])
        assert 0.0 <= live.value <= 1.0 and live.since_s <= time_s


def test_a_monitor_does_not_grow() -> None:
    monitor = RuleMonitor(RuleBook.built_in(), memory_s=1.0)
    rng, sizes = np.random.default_rng(0), []
    for frame in range(600):
        truths = {"right_hand:hold": rng.uniform(), "thing:move": rng.uniform(), "hand:reach-for": rng.uniform()}
        monitor.update(frame / 30, truths)
        sizes.append(len(pickle.dumps(monitor)) if frame % 10 == 0 else 0)
    assert max(sizes[400:]) < 1.1 * max(sizes[200:300])


def test_a_monitor_says_what_the_book_says_and_why() -> None:
    book = RuleBook.from_yaml("behaviors:\n  grasp: hand:reach-for then hand:hold for 0.2 s within 1 s\n")
    times = np.arange(0.0, 2.0, 0.1)
    track = PredicateTrack.from_mapping(
        {"right_hand:reach-for": (times < 0.95) * 1.0, "right_hand:hold": (times > 0.95) * 0.9}, times
    )
    monitor = RuleMonitor(book)
    rows = [dict(zip(track.names, row, strict=True)) for row in track.truths]
    said = [monitor.update(time_s, row) for time_s, row in zip(times, rows, strict=True)]
    np.testing.assert_allclose([row["grasp"] for row in said], book.evaluate(track).truths[:, 0])
    assert monitor.explain("grasp") == book.explain(track, "grasp", row=-1)


def test_an_explanation_names_rules_literals_and_frames() -> None:
    book = RuleBook.from_yaml(
        "behaviors:\n  drink:\n    - {when: NOT head:eat, weight: 0.2}\n    - head:drink-with AND object:cup\n"
    )
    times = np.arange(0.0, 1.0, 0.1)
    track = PredicateTrack.from_mapping(
        {"head:drink-with": np.where(times > 0.45, 0.9, 0.1), "object:cup": np.ones(10), "head:eat": np.zeros(10)},
        times,
    )
    why = book.explain(track, "drink", row=7)
    assert why.probability == pytest.approx(1.0 - (1.0 - 0.9) * (1.0 - 0.2))
    assert [reason.rule for reason in why.reasons] == [
        "drink <- head:drink-with AND object:cup",
        "drink <- NOT head:eat",
    ]
    assert sum(reason.contribution for reason in why.reasons) == pytest.approx(-np.log(1.0 - why.probability))
    literal = why.reasons[0].evidence[0]
    assert (literal.predicate, literal.negated, literal.truth) == ("head:drink-with", False, 0.9)
    assert why.reasons[1].evidence[0].negated and why.reasons[1].evidence[0].truth == 1.0
    assert "head:drink-with" in str(why) and json.dumps(why.to_dict())


def test_an_explanation_gives_the_time_of_each_step() -> None:
    book = RuleBook.from_yaml("behaviors:\n  let_go: hand:hold then hand:release within 1 s\n")
    times = np.arange(0.0, 3.0, 0.25)
    hold, release = ((times >= 0.5) & (times <= 1.5)) * 1.0, (times == 2.0) * 1.0
    track = PredicateTrack.from_mapping({"hand:hold": hold, "hand:release": release}, times)
    why = book.explain(track, "let_go")
    assert why.time_s == 2.0 and why.probability == 1.0
    held, released = why.reasons[0].evidence
    assert held.intervals_s == ((0.5, 1.5),) and released.intervals_s == ((2.0, 2.0),)


def test_a_behavior_never_seen_is_told_by_its_rule_alone() -> None:
    times = np.arange(0.0, 4.0, 0.05)
    pouring = (times > 1.0) & (times < 2.5)
    track = PredicateTrack.from_mapping(
        {"right_hand:hold": np.where(times > 0.4, 0.95, 0.05), "thing:tilt": np.where(pouring, 0.9, 0.05)}, times
    )
    book = RuleBook.from_yaml("behaviors:\n  water_the_plant: (hand:hold AND thing:tilt) for 0.3 s\n")
    spans = book.evaluate(track).spans[:, 0] > 0.5
    assert np.mean(spans == pouring) > 0.9


def test_the_built_in_book_tells_of_what_robots_need() -> None:
    wanted = "idle reach grasp lift carry place release pour hand_over push drink walk run jump wave point".split()
    assert set(wanted) <= set(RuleBook.built_in().behaviors)


def test_a_book_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("objects: [jar]\nbehaviors:\n  open_jar: hand:twist AND object:jar\n")
    assert RuleBook.from_yaml(path) == RuleBook.from_yaml(str(path))
    with pytest.raises(InputError, match="mine.yaml: rule pour"):
        path.write_text("behaviors:\n  pour: hand:hld\n")
        RuleBook.from_yaml(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("behaviors:\n  pour: hand:hld AND object:bottle", "rule pour.*'hand:hld'.*did you mean hand:hold"),
        ("behaviors:\n  pour: object:cpu", "did you mean object:cup"),
        ("behaviors:\n  pour: nose:pick", "parts .*hand"),
        ("behaviors:\n  pour: hand:hold AND", "rule pour.*got the end"),
        ("behaviors:\n  pour: (hand:hold", r"expected \"\)\""),
        ("behaviors:\n  pour: hand:hold object:cup", "expected the end"),
        ("behaviors:\n  pour: hand:hold for 3", 'expected "s"'),
        ("behaviors:\n  pour: hand:hold for 0 s", "above 0"),
        ("behaviors:\n  pour: hand:hold & object:cup", "'& object:cup'"),
        ("behaviors:\n  pour:\n    - hand:hold\n    - hand:hold OR", r"rule pour \(2\)"),
        ("behaviors:\n  pour: {when: hand:hold, weight: 2}", "weight above 0, at most 1, got 2"),
        ("behaviors:\n  pour: {when: hand:hold, wait: 2}", "got wait"),
        ("behaviors:\n  pour: 3", "a condition as text"),
        ("behaviors: []", '"behaviors:"'),
        ("behaviours:\n  pour: hand:hold", '"behaviors:"'),
        ("behaviors: [", "expected YAML.*line 1"),
        ("", '"behaviors:"'),
        ("objects: cup\nbehaviors: {pour: hand:hold}", "a list of names"),
        ("behaviors:\n  pour: !!python/object/apply:os.getcwd []", "expected YAML"),
        (f"behaviors:\n  pour: {'(' * 3000}hand:hold", "nested"),
        (f"behaviors:\n  pour: {'NOT ' * 3000}hand:hold", "nested"),
        ("missing.yaml", "a readable YAML file"),
    ],
)
def test_a_fault_is_one_clear_line(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        RuleBook.from_yaml(text)
    assert "\n" not in str(caught.value)


def test_bad_tracks_are_told() -> None:
    with pytest.raises(InputError, match="0 to 1"):
        PredicateTrack.from_mapping({"a:x": 1.5})
    with pytest.raises(InputError, match="growing order"):
        PredicateTrack.from_mapping({"a:x": [0.0, 1.0]}, [1.0, 1.0])
    with pytest.raises(InputError, match="one length"):
        PredicateTrack.from_mapping({"a:x": [0.0, 1.0], "b:y": [0.0]})
    with pytest.raises(InputError, match="one column a name"):
        PredicateTrack(names=("a:x",), truths=np.zeros((3, 2)))
    with pytest.raises(InputError, match="twice"):
        PredicateTrack(names=("a:x", "a:x"), truths=np.zeros((3, 2)))
    with pytest.raises(InputError, match="time_s"):
        values("a:x then b:y", PredicateTrack.from_mapping({"a:x": 1.0, "b:y": 1.0}))


def test_bad_moments_are_told() -> None:
    monitor = RuleMonitor(RuleBook.from_yaml(POUR))
    with pytest.raises(InputError, match="a moment seen"):
        monitor.explain("pour")
    assert monitor.update(1.0, {}) == {"pour": 0.0}
    assert monitor.explain("pour").reasons == ()
    with pytest.raises(InputError, match="growing order"):
        monitor.update(1.0, {})
    with pytest.raises(InputError, match="0 to 1"):
        monitor.update(2.0, {"hand:hold": 7.0})
    with pytest.raises(InputError, match="one of pour"):
        RuleBook.from_yaml(POUR).explain(PredicateTrack.from_mapping({"hand:hold": 1.0}), "poor")
    empty = PredicateTrack(names=("hand:hold",), truths=np.zeros((0, 1)), time_s=np.zeros(0))
    assert RuleBook.from_yaml(POUR).evaluate(empty).truths.shape == (0, 1)
    with pytest.raises(InputError, match="empty track"):
        RuleBook.from_yaml(POUR).explain(empty, "pour")


def test_many_explanations_of_a_recording_need_one_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    book = RuleBook.from_yaml(
        "behaviors:\n  lift: right_hand:lift for 0.2 s\n  hold: right_hand:hold then hand:release\n"
    )
    rng = np.random.default_rng(3)
    names = ("right_hand:lift", "right_hand:hold", "hand:release")
    track = PredicateTrack(names=names, truths=rng.random((60, 3)), time_s=np.arange(60) / 30)
    said = evaluate_rules(book, track)
    wanted = [explain_rules(book, track, name, row) for name in book.behaviors for row in (0, 31, 59, None)]
    monkeypatch.setattr(reasoner, "evaluate_rules", lambda *_: pytest.fail("evaluated again"))
    given = [explain_rules(book, track, name, row, said=said) for name in book.behaviors for row in (0, 31, 59, None)]
    assert given == wanted
    with pytest.raises(InputError, match="truths of these 59 rows"):
        explain_rules(book, track.rows(np.arange(59)), "lift", said=said)
