"""One unit by the paper's rule and by others, and with random weights."""
