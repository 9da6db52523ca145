"""Fig. 4: features growing from checkpoint to checkpoint."""
