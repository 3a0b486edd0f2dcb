"""Room networks."""
