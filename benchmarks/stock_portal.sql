-- %(models)s models with %(each)s versions each, an alias with its history, and tags.
INSERT INTO registry_registeredmodel (name, team_id, description, tags, created_by_id, created_at, updated_at, last_number)
SELECT 'm-' || m, team.id, '', jsonb_build_object('city', 'c' || m), maker.id,
    to_timestamp(1700000000 + m), to_timestamp(1700000000 + m), %(each)s
FROM generate_series(0, %(models)s - 1) AS m, accounts_team AS team, accounts_user AS maker
WHERE team.slug = 'parity' AND maker.username = 'parity';
INSERT INTO registry_modelversion (model_id, number, status, status_message, kind, stage, run_ref, run_link, logged_model,
    source, location, digest, parameters, reported_params, reported_metrics, pipeline, created_by_id, created_at,
    updated_at, description, tags, card)
SELECT model.id, v, 'READY', '', 'trained', 'None', '', '', '', 's3://bucket/model', 's3://bucket/model', '', '{}', '{}',
    '[]', '', model.created_by_id, model.created_at, model.updated_at, '', jsonb_build_object('kind', 'k' || v), '{}'
FROM registry_registeredmodel AS model, generate_series(1, %(each)s) AS v;
INSERT INTO registry_aliasmove (model_id, name, after_id, kind, by_id, reason, at)
SELECT model_id, 'prod', id, 'set', created_by_id, '', created_at FROM registry_modelversion WHERE number = 2;
INSERT INTO registry_alias (model_id, name, version_id)
SELECT model_id, 'prod', id FROM registry_modelversion WHERE number = 2;
