"""What people do: features, part states, networks, rules and decoders, from keypoints to explained segments."""
