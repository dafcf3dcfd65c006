"""A question becomes a plan, a plan requests, requests pages, pages (our part done) an honest answer.

``query`` and ``resolve`` find fields, ``planner`` splits the clauses into a ``plan``, ``readers`` ask for pages in order,
``reading`` runs them side by side, ``merge`` and ``batches`` make a page, ``search`` an answer with its ledger and its cursor.
``lookup`` and ``by_ids`` find records by id, ``recordings`` a lead's calls. Folders of their own: ``persons`` (who is the same
person), ``story`` (all of one person's leads and events), ``summaries`` (measures over leads). No vendor is named here.
"""
