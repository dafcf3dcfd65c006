"""Writes that wait for a person: answered at a terminal or on a web page, by the same steps.

``answering`` looks at a write, sends it and records who said yes; ``waiting`` is which writes a principal may answer.
The page: ``markup`` (text that cannot become markup), ``pages``, ``sessions`` (a sealed cookie), ``requests`` (forms in,
pages out), ``at_issuer`` (signing in there), ``visit`` (one write), ``site`` (who asks for what).
"""
