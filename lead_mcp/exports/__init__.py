"""An answer of any length as a file: formats, the file on its way, what is kept of it. Nothing here asks a vendor."""
