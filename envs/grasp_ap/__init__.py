"""The average precision of grasps on simulated scenes, after GraspNet-1Billion's protocol."""

from envs.grasp_ap.antipodal import ClosingContacts, ContactCaster
from envs.grasp_ap.hand_boxes import HandCounts, count_points
from envs.grasp_ap.judge import MAX_WIDTH_M, Judgement, TrueObject, TrueScene, judge_grasps
from envs.grasp_ap.precision import FRICTIONS, TOP_GRASPS, average_precision, highest_precision, precision_at_k
from envs.grasp_ap.truth import surface_points, table_points, true_scene

__all__ = [
    "FRICTIONS",
    "MAX_WIDTH_M",
    "TOP_GRASPS",
    "ClosingContacts",
    "ContactCaster",
    "HandCounts",
    "Judgement",
    "TrueObject",
    "TrueScene",
    "average_precision",
    "count_points",
    "highest_precision",
    "judge_grasps",
    "precision_at_k",
    "surface_points",
    "table_points",
    "true_scene",
]
