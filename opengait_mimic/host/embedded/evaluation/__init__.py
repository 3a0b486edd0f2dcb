"""Distances and the evaluation functions of the data sets."""
