"""Training of the learned detector: the data set, sensor faults, losses, the loop."""
