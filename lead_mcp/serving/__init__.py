"""The server for clients outside this process: over stdin and stdout, or over HTTP with all that stands before it there.

``stdio`` reads lines, of which ``unreadable`` answers those that are no message. ``http`` puts the app together, with
``operations`` (probes, metrics), ``guards``, ``downloads`` and ``posts`` before it; ``listening`` serves it, by
``http_connection``.
"""
