"""MLflow pyfuncs: asked in processes and environments of their own, never in the portal or the evaluator."""
