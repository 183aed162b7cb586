"""From images or keypoints of people to what they do, since when, how surely and why: a node around `Watcher`."""
