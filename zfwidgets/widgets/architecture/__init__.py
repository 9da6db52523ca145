"""Fig. 3 and Fig. 1: the layers of any network drawn to scale, and the deconvnet step by step."""
