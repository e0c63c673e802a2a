"""Backups: a consistent dump of the database and every file it names, in a folder; and the way back."""
