"""Writes nobody has to fear: checked, shown, journalled, sent once, settled.

``forms`` checks what a caller wants to write, ``people`` finds the same person, ``intents`` say what each tool means to do,
``carry`` takes one intent through question, journal and vendor. Journal and vendors are told apart here and nowhere else.
"""
