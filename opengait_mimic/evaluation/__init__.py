"""Evaluation: embed a test set once per condition, score cells, write results, report and compare them."""
