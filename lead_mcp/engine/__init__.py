"""A question becomes a plan, a plan requests, requests pages, pages (our part done) an honest answer.

``resolve`` finds fields, ``planner`` splits a query, ``reader`` asks pages, ``feeds`` put them in order, ``search`` merges
several accounts and keeps the ledger, ``cursor`` seals where a page ended. No vendor is named here.
"""
