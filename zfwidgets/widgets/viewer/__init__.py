"""What viewers are made of: their control flow, a second network, and the unit that they look at."""
