"""What our launcher adds to a host's training loop: numbered batches, guarded steps, checkpoints that survive; for any model."""
