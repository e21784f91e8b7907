"""Whole jobs from start to end: one clip, many clips, a page to label on, what the machine lacks."""
