"""What nodes that look through a camera share: images joined with camera information, and the care for their times."""
