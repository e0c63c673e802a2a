"""Formats of other products: read into one shape, written out of ours. Pure but for the rows that are handed in."""
