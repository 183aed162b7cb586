"""Verbs from part states and the object: readable rules against a network, on the fixed split.

The metric is the mean over verbs of the average precision over the test images (verbs without a test image are left
out). Part states and objects are the annotated ones: this measures the reasoning, not the seeing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.reasoning.average_precision import MeanPrecision, mean_average_precision
from perception.behavior.reasoning.hake.annotations import HakeImages
from perception.behavior.reasoning.hake.verb_rules import learn_verb_rules
from perception.behavior.reasoning.rule_model import RuleModel


def evaluate_hake(
    images: HakeImages, model: RuleModel | None = None, *, seeds: Iterable[int] = (0, 1, 2), resamples: int = 300
) -> dict[str, Any]:
    """Mean average precision of rules and networks on the test images.

    Args:
        images: what `read_hake` gives.
        model: rules learned from the training images; None: learn them now.
        seeds: of the networks; their figure is the mean over them (without objects, the first alone).
        resamples: bootstraps over the test images.
    Returns:
        flat results; intervals are of 95 % over test images.
    """
    from perception.behavior.reasoning.hake.verb_network import VerbNetwork, VerbNetworkSettings  # torch

    seeds = tuple(seeds)
    if not seeds:
        raise InputError("evaluate_hake", expected="at least one seed", got="none")
    train, test = images.split()
    results: dict[str, Any] = {"train_images": len(train), "test_images": len(test)}
    labels = images.verbs[test]
    results["verbs_scored"] = int(labels.any(axis=0).sum())

    def scored(name: str, scores: FloatArray) -> MeanPrecision:
        mean = mean_average_precision(scores, labels, rng=np.random.default_rng(0), resamples=resamples)
        results[f"{name}_map"], results[f"{name}_low"], results[f"{name}_high"] = mean.value, mean.low, mean.high
        return mean

    for suffix, with_objects, used in (("", True, seeds), ("_states_only", False, seeds[:1])):
        track = images.track(with_objects)
        chosen = model if model is not None and with_objects else None
        chosen = chosen or learn_verb_rules(images, with_objects=with_objects)
        rules = scored(f"rules{suffix}", chosen.evaluate(track.rows(test)).truths)
        results[f"rules{suffix}_count"] = len(chosen.rules)
        truths, runs = track.truths, []
        for seed in used:
            network = VerbNetwork.train(truths[train], images.verbs[train], seed=seed)
            runs.append(scored(f"network{suffix}_{seed}", network.evaluate(truths[test])))
        results[f"network{suffix}_map"] = float(np.mean([run.value for run in runs]))
        gap, draws = results[f"network{suffix}_map"] - rules.value, runs[0].draws - rules.draws
        low, high = gap + np.quantile(draws, (0.025, 0.975)) - draws.mean()
        results |= {f"network_minus_rules{suffix}{end}": x for end, x in (("", gap), ("_low", low), ("_high", high))}
        settings = VerbNetworkSettings(hidden=0, learning_rate=1e-2)
        linear = VerbNetwork.train(truths[train], images.verbs[train], settings, seeds[0])
        scored(f"linear{suffix}", linear.evaluate(truths[test]))
    return {name: value if isinstance(value, int) else float(value) for name, value in results.items()}
