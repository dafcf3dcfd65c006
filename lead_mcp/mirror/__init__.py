"""The mirror: the accounts' records kept on this machine, opt in, so that any question is answered without reading vendors.

Two kinds of files lie in its folder. ``records.sqlite`` is the truth: every record as its vendor sent it, and how far each
account has been read. Records and place are written in one transaction, so that a sync that is killed anywhere and run
again ends at the same records. The *generation* is made from it for SQL: a ``base-*.duckdb`` with the rows of every record
up to some change, and a ``delta-*.duckdb`` with the rows of those that changed since; now and then both become one new base.
These files never change once they are written. ``current.json`` names the two that hold together; it is replaced in one
step. Readers look there and open what it names: they wait for nobody, and nobody waits for them.

One process writes at a time (``lock``, a lock on a file); all the others read. Nothing here needs more of a platform than
replacing a file and locking one, so that Linux, macOS and Windows are served alike.

``place``: how far an account has been read. ``store`` and ``saving``: the truth. ``joining``: who is the same person.
``records``: a record as it is kept. ``changes`` and ``sync``: reading what is new. ``generation``, ``publishing`` and
``builder``: the files for SQL. ``connection``: an account as the mirror answers for it. ``answering``: SQL over it.
"""
