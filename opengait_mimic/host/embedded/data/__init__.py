"""Data sets, samplers, collation and transforms."""
