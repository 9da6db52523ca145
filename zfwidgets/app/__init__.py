"""The Explorer page and the command line."""
