"""Tables 4 to 7 and Fig. 9: what the features of a layer are worth to a simple classifier."""
