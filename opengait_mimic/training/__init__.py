"""What our launcher adds to a host's training loop: numbered batches, guarded steps, checkpoints that survive; for any model."""


class TrainingStopped(RuntimeError):
    """A training ended before its last iteration because going on would not train."""
