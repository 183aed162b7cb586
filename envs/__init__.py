"""The simulated world: physics, robots, cameras, scenes, Gymnasium tasks, benchmarks.

Importing this package registers the Gymnasium ids `graspmimic/<Task>-v0`.
"""

from envs.registration import register

register()
