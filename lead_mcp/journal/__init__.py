"""The record of every write: what was meant, that it was about to leave, what became of it.

``tables`` is the schema, ``store`` the one door to it. Each step of a write is an event; events are chained by hashes over
digests of their values, so that values can be purged and the chain still verified. SQLite by default, PostgreSQL by URL:
the same code.
"""
