"""The guard between commands and the arm's controller: checks before and during motion, stops with a reason."""
