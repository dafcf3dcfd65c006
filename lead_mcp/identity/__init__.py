"""Who calls over HTTP, and what they may: tokens, grants, and the principal that every call is made for.

``scopes`` and ``principal`` are plain values; ``grants`` says what a token's claims are worth. ``tokens`` are this server's
own; ``keys``, ``signed`` and ``introspection`` understand an OAuth issuer's, whose claims ``claims_cache`` keeps for a
moment. ``callers`` puts them together, ``authentication`` stands before the HTTP app, ``metadata`` tells clients where to
sign in, ``permitted`` narrows the settings to one principal.
"""
