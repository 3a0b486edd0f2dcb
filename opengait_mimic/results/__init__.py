"""What `evaluate` says: numbers of cells, summaries over seeds, references, the result folder. Pure but for `pictures`."""
