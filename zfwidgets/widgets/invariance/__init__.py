"""Fig. 5: pictures that move, and how far the layers follow."""
