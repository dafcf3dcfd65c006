"""Persons: who is meant, by which searches a vendor finds them, and whose person is at another account too."""
