"""Runs a trained policy on the robot, on the observations and at the rate that it was trained with."""
