"""The record of every write: what was meant, that it was about to leave, what became of it.

``store`` is the one way to it. Behind that: ``entries`` (its values), ``tables`` (the schema), ``migrations`` (from earlier
ones), ``database`` (transactions within a bound), ``steps`` (compare-and-set), ``chain`` and ``anchors`` (events chained by
hashes over digests of their values, so that values can be purged and the chain still verified), ``reading``, ``questions``,
``keeping``, ``owner`` (who is at work), ``failures``. SQLite by default, PostgreSQL by URL: the same code.
"""
