"""The demo company, loaded by the same public actions that people use, as its own users. Each part may run again."""
