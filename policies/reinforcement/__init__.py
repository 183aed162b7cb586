"""Reinforcement learning: lean learners on Stable-Baselines3, what they see, demonstrations, and trained policies."""
