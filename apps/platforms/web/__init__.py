"""Pages of connections to platforms, and of links out to other products."""
