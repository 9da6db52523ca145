"""Fig. 8 and Table 1: the same part hidden in different pictures."""
