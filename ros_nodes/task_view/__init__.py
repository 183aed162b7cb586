"""What nodes that see a task as its environment does share: from messages to the environment's numbers."""
