"""One person's story over every account."""
