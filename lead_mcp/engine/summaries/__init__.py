"""Summaries: how records are grouped and measured, what groups add up to, and the cheapest honest way to count them."""
