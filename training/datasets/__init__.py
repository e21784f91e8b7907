"""Labelled pictures of people, brought to one form: an ``Example`` with the 14 joints of Leeds Sports Pose."""
