"""One training: numbered batches, guarded steps, what is saved, where it goes on, and the record of what made a checkpoint."""
