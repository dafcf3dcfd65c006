"""Every vendor, every fault, every tool: ``python -m tests.faults`` runs all cells and writes docs/faults.md."""
