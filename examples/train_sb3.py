"""Train a stock learner of Stable-Baselines3 on Reach, as on any Gymnasium environment.

    python examples/train_sb3.py

Takes 30 s of one core. `graspmimic train rl` trains the other tasks, and faster.
"""

import gymnasium
from stable_baselines3 import DDPG, HerReplayBuffer
from stable_baselines3.common.evaluation import evaluate_policy

import envs  # noqa: F401 - registers the ids

if __name__ == "__main__":
    env = gymnasium.make("graspmimic/Reach-v0")
    small = {"learning_rate": 1e-3, "gamma": 0.9, "policy_kwargs": {"net_arch": [64, 64]}}
    model = DDPG("MultiInputPolicy", env, replay_buffer_class=HerReplayBuffer, seed=0, **small)
    model.learn(3000)
    reward, _ = evaluate_policy(model, model.get_env(), n_eval_episodes=20)
    print(f"{-reward:.1f} of 50 steps are spent away from the goal")
