"""Pages that bring several parts of the portal together."""
