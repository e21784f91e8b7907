"""Changes to a solved take: the motion bent to keypoints that somebody placed."""
