"""Thin: arguments to engine to result. One module a group of tools; what a client sees of them is made in ``kit``."""
