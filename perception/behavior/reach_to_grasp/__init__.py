"""A reaching hand: when it reaches, grasps and moves, and how large the thing is that it is about to take."""

from perception.behavior.reach_to_grasp.evaluation import PUBLISHED, ReachEvaluation, evaluate_reach_to_grasp
from perception.behavior.reach_to_grasp.figure import draw_reach_evaluation
from perception.behavior.reach_to_grasp.learning import learn_bounds, learn_sizes, reach_table
from perception.behavior.reach_to_grasp.phases import PHASES, PhaseDetector, PhaseSettings, ReachPhases, find_phases
from perception.behavior.reach_to_grasp.reach_to_grasp import ReachReading, ReachToGrasp
from perception.behavior.reach_to_grasp.reaching_arm import SHOULDERS_PX, ReachingArm, reaching_arm
from perception.behavior.reach_to_grasp.size_model import OwnScale, SizeGuess, SizeModel
from perception.behavior.reach_to_grasp.stream import ReachStream
from perception.behavior.reach_to_grasp.training import train_reach_to_grasp
from perception.behavior.reach_to_grasp.weights import save_model

__all__ = [
    "PHASES",
    "PUBLISHED",
    "SHOULDERS_PX",
    "OwnScale",
    "PhaseDetector",
    "PhaseSettings",
    "ReachEvaluation",
    "ReachPhases",
    "ReachReading",
    "ReachStream",
    "ReachToGrasp",
    "ReachingArm",
    "SizeGuess",
    "SizeModel",
    "draw_reach_evaluation",
    "evaluate_reach_to_grasp",
    "find_phases",
    "learn_bounds",
    "learn_sizes",
    "reach_table",
    "reaching_arm",
    "save_model",
    "train_reach_to_grasp",
]
