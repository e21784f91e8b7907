"""Tracking: detect people, follow them over time, choose the frames to estimate, and estimate the camera's rotation."""
