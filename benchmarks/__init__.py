"""``python -m benchmarks``: lead-mcp beside a bare server of the same SDK, measured in turns in the same run.

``bare`` is what is measured against, ``driving`` starts and asks the processes, ``startup``, ``search``, ``many``, ``writes``,
``kills`` and ``summaries`` measure, ``report`` holds the goals and prints. Everything is on loopback; every process is ended
by its own id.
"""
