"""SQL over leads, sends, events, pings, recordings, people and accounts: one SELECT, answered in a caged DuckDB.

``tables`` says what there is, ``statement`` what may be asked, ``rows`` how records become rows, ``cage`` and ``child`` run
the statement in a process of its own, ``live`` reads what a statement needs and answers it. DuckDB is the extra ``sql``;
this process never imports it.
"""
