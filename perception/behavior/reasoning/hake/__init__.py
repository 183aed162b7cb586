"""HAKE's part states and HICO's verbs: reading them, learning the one from the other, and measuring it."""

from perception.behavior.reasoning.hake.annotations import HakeImages, read_hake
from perception.behavior.reasoning.hake.evaluation import evaluate_hake
from perception.behavior.reasoning.hake.learners import network_learner, rule_learner
from perception.behavior.reasoning.hake.unseen_pairs import evaluate_unseen_pairs
from perception.behavior.reasoning.hake.verb_rules import learn_verb_rules, save_verb_rules

__all__ = [
    "HakeImages",
    "evaluate_hake",
    "evaluate_unseen_pairs",
    "learn_verb_rules",
    "network_learner",
    "read_hake",
    "rule_learner",
    "save_verb_rules",
]
