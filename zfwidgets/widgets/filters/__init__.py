"""Fig. 6: the first layers of one network or of two."""
