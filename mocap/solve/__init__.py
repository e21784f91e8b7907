"""Keypoints to motion: clean, lift, solve, put on the ground. Needs neither video nor networks for images."""
