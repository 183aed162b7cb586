"""Rules from part states and the object to HICO's verbs: how the shipped ones were learned."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception.behavior.reasoning.average_precision import mean_average_precision
from perception.behavior.reasoning.hake.annotations import HakeImages
from perception.behavior.reasoning.rule_fitting import FittingSettings, learn_rules
from perception.behavior.reasoning.rule_mining import MiningSettings
from perception.behavior.reasoning.rule_model import RuleModel


def learn_verb_rules(
    images: HakeImages,
    rows: NDArray[np.int64] | None = None,
    *,
    with_objects: bool = True,
    mining: MiningSettings | None = None,
    fitting: FittingSettings | None = None,
) -> RuleModel:
    """Rules for all verbs. Only part states may stand under NOT.

    The settings' defaults were chosen on a fifth of the training images; the test images had no part in it.

    Args:
        images: what `read_hake` gives.
        rows: which of them to learn from; None: the training images of the fixed split.
        with_objects: whether rules may name the object.
        mining: what counts as a condition.
        fitting: how many rules, how weighed.
    """
    mining, fitting = mining or MiningSettings(), fitting or FittingSettings()
    rows = images.split()[0] if rows is None else rows
    track = images.track(with_objects).rows(rows)
    may_negate = np.array([not name.startswith("object:") for name in track.names])
    model = learn_rules(track, images.verbs[rows], images.verb_names, mining, fitting, may_negate)
    record = {
        "task": "verbs of HICO from HAKE's annotated part states" + (" and the object" if with_objects else ""),
        "data": "hico-image-level.tar.gz of github.com/DirtyHarryLYL/HAKE (MIT)",
        "images": len(rows),
        "mining": asdict(mining),
        "fitting": asdict(fitting),
        "made_by": "perception.behavior.reasoning.hake.save_verb_rules(folder, path)",
    }
    return replace(model, record=record)


def save_verb_rules(images: HakeImages, path: str | Path) -> RuleModel:
    """Learn from the training images of the fixed split, and write the file that comes with the house.

    The record tells what the test images give, as the mean average precision over verbs.
    """
    began = time.perf_counter()
    model = learn_verb_rules(images)
    seconds = time.perf_counter() - began
    _, test = images.split()
    scores = model.evaluate(images.track().rows(test)).truths
    found = mean_average_precision(scores, images.verbs[test], rng=np.random.default_rng(0))
    figures = {"test_map": found.value, "test_map_low": found.low, "test_map_high": found.high}
    rounded = {"test_images": len(test)} | {name: round(value, 4) for name, value in figures.items()}
    model = replace(model, record={**model.record, **rounded, "seconds": round(seconds, 1)})
    model.save(path)
    return model
