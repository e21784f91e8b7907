"""The command line: parse arguments, call the application, print results. The entry point is ``main``."""
