"""Pages of the registry's verbs: families, gates, promotions, rollbacks. What a family looks like is in dashboard."""
