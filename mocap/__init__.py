"""Single-camera motion capture: a video becomes a motion that animation tools can use.

The package is imported lazily: ``import mocap`` loads neither numpy nor a network runtime.
"""

__version__ = "0.1.0"
