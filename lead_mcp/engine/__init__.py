"""A question becomes a plan, a plan requests, requests pages, pages (our part done) an honest answer.

``query`` and ``resolve`` find fields, ``plan`` splits the clauses, ``readers`` ask for pages in order, ``reading`` runs them
side by side, ``merge`` and ``batches`` make a page, ``search`` an answer with its ledger and its cursor. ``summaries``,
``persons`` and ``story`` have rooms of their own. No vendor is named here.
"""
