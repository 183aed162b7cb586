"""Demonstrations: one record of what was seen and done, whoever did it."""

from policies.demonstrations.episode import Episode

__all__ = ["Episode"]
