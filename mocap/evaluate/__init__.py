"""Evaluation of a take against a reference, and of a pose network against labelled images."""
