"""ClutterPick: a policy chooses among a detector's grasp proposals, or corrects one, until the table is empty."""

from envs.clutter_pick.environment import ClutterPickEnv, ClutterPickVector
from envs.clutter_pick.geometric_proposer import GeometricProposer
from envs.clutter_pick.proposals import PickProposals, Proposer

__all__ = ["ClutterPickEnv", "ClutterPickVector", "GeometricProposer", "PickProposals", "Proposer"]
