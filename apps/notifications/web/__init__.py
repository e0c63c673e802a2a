"""Pages of notifications: what I am told, where my team is told, webhooks."""
