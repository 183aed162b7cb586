"""Rules over part states, objects and time: written by people or mined from data, and every decision explained."""

from perception.behavior.reasoning.condition_text import parse_condition
from perception.behavior.reasoning.explanation import Evidence, Explanation, Reason
from perception.behavior.reasoning.mined_rules import mine_rules
from perception.behavior.reasoning.predicate_track import PredicateTrack
from perception.behavior.reasoning.reasoner import Reasoner, RuleTruths
from perception.behavior.reasoning.rule import Rule
from perception.behavior.reasoning.rule_book import RuleBook
from perception.behavior.reasoning.rule_fitting import FittingSettings, learn_rules
from perception.behavior.reasoning.rule_mining import MiningSettings
from perception.behavior.reasoning.rule_model import RuleModel
from perception.behavior.reasoning.rule_monitor import RuleMonitor

__all__ = [
    "Evidence",
    "Explanation",
    "FittingSettings",
    "MiningSettings",
    "PredicateTrack",
    "Reason",
    "Reasoner",
    "Rule",
    "RuleBook",
    "RuleModel",
    "RuleMonitor",
    "RuleTruths",
    "learn_rules",
    "mine_rules",
    "parse_condition",
]
