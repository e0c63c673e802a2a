"""API of notifications: what I am told, where a team is told, webhooks and deliveries."""
