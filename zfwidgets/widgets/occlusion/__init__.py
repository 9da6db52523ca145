"""Fig. 7: a grey square that wanders over the picture."""
