"""Section 2.1: every map of a layer, one unit of it, and its projection."""
