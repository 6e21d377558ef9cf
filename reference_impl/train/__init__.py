"""The training run: clock, losses, loop and log."""
