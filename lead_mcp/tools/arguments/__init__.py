"""The arguments of every tool: models that make the schemas a client sees, and readers that take what a model sends.

``readers`` and ``conditions`` say what is taken, ``types`` what a model is told, ``models`` which arguments a tool has.
"""
