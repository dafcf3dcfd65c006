"""``lead-mcp import``: ``rows`` reads the file, ``columns`` names its fields, ``plan`` says what is to be done.

``sending`` does it, ``results`` holds what became of each row; ``command`` calls them in this order.
"""
