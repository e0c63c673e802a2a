"""What the docs and the demo claim in figures, computed anew from the raw data: takes a minute, so it stands alone."""
