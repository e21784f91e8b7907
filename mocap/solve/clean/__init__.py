"""Keypoints over time made clean: left/right repair, outliers, gaps, filters."""
