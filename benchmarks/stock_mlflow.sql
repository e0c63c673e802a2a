-- Up to %(models)s models with %(each)s versions each, an alias and tags; %(written)s more that versions are added to.
INSERT INTO registered_models (workspace, name, creation_time, last_updated_time)
SELECT 'default', 'm-' || m, 1700000000000 + m, 1700000000000 + m FROM generate_series(0, %(models)s - 1) AS m
ON CONFLICT DO NOTHING;
INSERT INTO registered_models (workspace, name, creation_time, last_updated_time)
SELECT 'default', 'w-' || w, 1700000000000 + w, 1700000000000 + w FROM generate_series(0, %(written)s - 1) AS w
ON CONFLICT DO NOTHING;
INSERT INTO registered_model_tags (workspace, name, key, value)
SELECT 'default', 'm-' || m, 'city', 'c' || m FROM generate_series(0, %(models)s - 1) AS m
ON CONFLICT DO NOTHING;
INSERT INTO model_versions (workspace, name, version, creation_time, last_updated_time, current_stage, source, storage_location, run_id, status)
SELECT 'default', 'm-' || m, v, 1700000000000 + m, 1700000000000 + m, 'None', 's3://bucket/model', 's3://bucket/model', '', 'READY'
FROM generate_series(0, %(models)s - 1) AS m, generate_series(1, %(each)s) AS v
ON CONFLICT DO NOTHING;
INSERT INTO model_version_tags (workspace, name, version, key, value)
SELECT 'default', 'm-' || m, v, 'kind', 'k' || v
FROM generate_series(0, %(models)s - 1) AS m, generate_series(1, %(each)s) AS v
ON CONFLICT DO NOTHING;
INSERT INTO registered_model_aliases (workspace, name, alias, version)
SELECT 'default', 'm-' || m, 'prod', 2 FROM generate_series(0, %(models)s - 1) AS m
ON CONFLICT DO NOTHING;
