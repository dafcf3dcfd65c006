"""The mirror in a lakehouse: the tables in DuckLake, its catalog in PostgreSQL, Parquet in a folder or on object storage.

The lake holds the truth that ``records.sqlite`` holds for one machine (``records``, ``gone``, ``shared``, ``forgotten``), the
tables that SQL is asked over, and one row that says what all of it comes to (``state``). Every replica keeps a copy of it in a
folder of its own, in the very files of a local mirror, and brings it up to the lake before it answers. So SQL runs as it does
everywhere: in a process without network, over files that never change. That process never knows of the lake. The copy of the
tables and that of the records are brought up apart: who only asks SQL needs no records.

One replica writes at a time, for all accounts: who is the same person is decided over all of them, and changes are counted
through. It holds a lease in the catalog's database (``lease``). It brings its records up, changes them as a local mirror
would, and puts what has changed into the lake in one transaction, which replaces the row of ``state`` that it began from.
Another writer's transaction would have replaced the same row: the later of the two fails. So a writer that lost its lease
without noticing puts nothing in.

``address``: the setting taken apart. ``state``: that row. ``engine`` (with ``opened`` and ``copies``): the process that
speaks to the lake, with credentials and network, and runs no statement but ours; ``process``: the server's side of it.
``lake``: a replica's copy. ``pushing``: what has changed, into the lake. ``turn``: being the one who writes. ``copying``:
records out of the file and into it.
"""
