"""Reinforcement learning: lean learners on Stable-Baselines3, what they see, demonstrations, and trained policies."""

from policies.reinforcement.checkpoint import Progress
from policies.reinforcement.evaluation import Act, Evaluation, evaluate
from policies.reinforcement.filming import film_episodes
from policies.reinforcement.policy_file import TrainedPolicy, load_policy, save_policy
from policies.reinforcement.settings import TUNED, Algorithm, TrainSettings, settings_for
from policies.reinforcement.shipped import env_of_policy, expert_act, make_task_env, shipped_policy
from policies.reinforcement.training import Report, train

__all__ = [
    "TUNED",
    "Act",
    "Algorithm",
    "Evaluation",
    "Progress",
    "Report",
    "TrainSettings",
    "TrainedPolicy",
    "env_of_policy",
    "evaluate",
    "expert_act",
    "film_episodes",
    "load_policy",
    "make_task_env",
    "save_policy",
    "settings_for",
    "shipped_policy",
    "train",
]
