"""The simulated world: physics, robots, cameras, scenes, benchmarks."""
