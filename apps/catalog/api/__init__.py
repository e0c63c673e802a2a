"""API of the catalog."""
