"""Records demonstrations on a robot, real or simulated, as the project's sets of demonstrations hold them."""
