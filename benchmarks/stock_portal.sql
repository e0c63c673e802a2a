-- Up to %(models)s models with %(each)s versions each, an alias with its history, and tags; %(written)s more that
-- versions are added to. Only what is not there yet.
CREATE TEMPORARY TABLE fresh AS
SELECT named.name, named.at, team.id AS team, maker.id AS maker
FROM (
    SELECT 'm-' || m AS name, m AS at FROM generate_series(0, %(models)s - 1) AS m
    UNION ALL SELECT 'w-' || w, w FROM generate_series(0, %(written)s - 1) AS w
) AS named, accounts_team AS team, accounts_user AS maker
WHERE team.slug = 'parity' AND maker.username = 'parity'
    AND NOT EXISTS (SELECT FROM registry_registeredmodel AS known WHERE known.name = named.name);
INSERT INTO registry_registeredmodel (name, team_id, description, tags, created_by_id, created_at, updated_at, last_number)
SELECT name, team, '', CASE WHEN name LIKE 'm-%%' THEN jsonb_build_object('city', 'c' || at) ELSE '{}' END, maker,
    to_timestamp(1700000000 + at), to_timestamp(1700000000 + at), CASE WHEN name LIKE 'm-%%' THEN %(each)s ELSE 0 END
FROM fresh;
INSERT INTO registry_modelversion (model_id, number, status, status_message, kind, stage, run_ref, run_link, logged_model,
    source, location, digest, parameters, reported_params, reported_metrics, pipeline, created_by_id, created_at,
    updated_at, description, tags, card)
SELECT model.id, v, 'READY', '', 'trained', 'None', '', '', '', 's3://bucket/model', 's3://bucket/model', '', '{}', '{}',
    '[]', '', model.created_by_id, model.created_at, model.updated_at, '', jsonb_build_object('kind', 'k' || v), '{}'
FROM fresh JOIN registry_registeredmodel AS model USING (name), generate_series(1, %(each)s) AS v
WHERE name LIKE 'm-%%';
INSERT INTO registry_aliasmove (model_id, name, after_id, kind, by_id, reason, at)
SELECT version.model_id, 'prod', version.id, 'set', version.created_by_id, '', version.created_at
FROM fresh JOIN registry_registeredmodel AS model USING (name) JOIN registry_modelversion AS version ON version.model_id = model.id
WHERE version.number = 2;
INSERT INTO registry_alias (model_id, name, version_id)
SELECT version.model_id, 'prod', version.id
FROM fresh JOIN registry_registeredmodel AS model USING (name) JOIN registry_modelversion AS version ON version.model_id = model.id
WHERE version.number = 2;
DROP TABLE fresh;
