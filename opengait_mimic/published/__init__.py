"""Room published."""
