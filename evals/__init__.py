"""Questions that lead-ops people ask, with their truths: see docs/evals.md."""
