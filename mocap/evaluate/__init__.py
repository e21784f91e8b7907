"""Measuring a take against a reference, and a pose network against labelled images."""
