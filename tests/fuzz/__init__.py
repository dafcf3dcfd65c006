"""Anything as input: arguments, URIs, cursors, statements, files, replies. ``make fuzz`` runs the coverage-guided part."""
