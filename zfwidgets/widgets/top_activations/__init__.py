"""Fig. 2: the nine strongest activations of every feature map."""
