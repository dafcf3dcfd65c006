"""Thin: arguments to engine to result. One module a group of tools; ``catalogue`` says which of them a client sees."""
