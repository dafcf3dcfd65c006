"""Servers under mixed load for an hour: do they keep their size, answer everybody, and tell and write the truth?

``make soak`` (``MINUTES=60``) starts the emulators, one server on stdio, one over HTTP with sessions and one without, and a
mirror that syncs with ``--watch``; all share one state folder. Clients read, write, are asked, export, come and go, some of
them rudely, while the vendors fail now and then. Whatever it starts ends with it, by its own process id.
"""
