"""The files of runs, logged models, uploads and versions: MLflow's artifact proxy."""
