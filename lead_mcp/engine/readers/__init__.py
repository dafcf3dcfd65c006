"""Ways of reading one partition of one account in order."""
