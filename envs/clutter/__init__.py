"""The clutter-removal benchmark: `run_clutter_removal(planner, ...)`."""

from envs.clutter.benchmark import run_clutter_removal
from envs.clutter.noisy_depth import needs_normals, noisy_depth
from envs.clutter.observation import Observation, Planner, Proposals, RankedGrasps, single_view_tsdf
from envs.clutter.oracle import OracleConfig, OraclePlanner
from envs.clutter.parallel import PlayRound, play_rounds
from envs.clutter.protocol import DIALECT_A, DIALECT_B, Dialect, View, dialect
from envs.clutter.rounds import Attempt, FailureRecorder, PrivilegedPlanner, Round, run_round
from envs.clutter.simulation import ClutterSimulation, Execution, Graspable, try_and_shake, try_grasp
from envs.clutter.statistics import ClutterResult, Rate, rate, summarise

__all__ = [
    "DIALECT_A",
    "DIALECT_B",
    "Attempt",
    "ClutterResult",
    "ClutterSimulation",
    "Dialect",
    "Execution",
    "FailureRecorder",
    "Graspable",
    "Observation",
    "OracleConfig",
    "OraclePlanner",
    "Planner",
    "PlayRound",
    "PrivilegedPlanner",
    "Proposals",
    "RankedGrasps",
    "Rate",
    "Round",
    "View",
    "dialect",
    "needs_normals",
    "noisy_depth",
    "play_rounds",
    "rate",
    "run_clutter_removal",
    "run_round",
    "single_view_tsdf",
    "summarise",
    "try_and_shake",
    "try_grasp",
]
