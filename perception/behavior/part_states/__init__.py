"""What body parts do, as soft predicates that keep their evidence."""

from perception.behavior.part_states.calibration import Reliability, fit_predicate, reliability
from perception.behavior.part_states.definitions import SIDES
from perception.behavior.part_states.part_states import (
    PartStates,
    PartStateTrack,
    feature_settings,
    load_predicates,
    save_predicates,
)
from perception.behavior.part_states.predicate import Factor, FactorEvidence, Predicate, StateEvidence

__all__ = [
    "SIDES",
    "StateEvidence",
    "Factor",
    "FactorEvidence",
    "PartStateTrack",
    "PartStates",
    "Predicate",
    "Reliability",
    "feature_settings",
    "fit_predicate",
    "load_predicates",
    "reliability",
    "save_predicates",
]
