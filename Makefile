# Two commands matter: `make serve` and `make test`. Needs Python 3.11 or newer and make, nothing else.
SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PORT ?= 8000
VAR_DIR ?= $(CURDIR)/var
BIN := .venv/bin
DEMO ?= 1
TIMES ?= 1
MINUTES ?= 30
export PORT VAR_DIR DEMO CHROMIUM

.PHONY: help python install install-dev serve test test-doors test-faults test-mlflow test-airflow test-airflow2 test-figures test-outside test-upgrade check openapi rights lock sbom audit clean
.PHONY: soak bench bench-registry bench-fleet bench-waves bench-catalog bench-retraining bench-airflow

help: ## what can be done here
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

serve: install ## the whole portal with the demo company on http://127.0.0.1:8000 (PORT=8123, VAR_DIR=/path, DEMO=0)
	@exec $(BIN)/python -m portal.local.serve

# They need minutes each, and have a target of their own.
SLOWER := doors faults parity airflow figures outside upgrade
test: install-dev ## the whole suite on its own PostgreSQL, Valkey, Celery workers and Chromium
	@CHROMIUM="$$($(BIN)/python -m portal.local.browser)" && export CHROMIUM \
	&& exec $(BIN)/python -m portal.local.run_with_services -- $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(SLOWER:%=--ignore tests/%) $(ARGS)

test-doors: install-dev ## walks every address and every field, with what is there and with junk
	@exec $(BIN)/python -m portal.local.run_with_services -- $(BIN)/pytest -n 2 --dist load tests/doors $(ARGS)

test-faults: install-dev ## harms real processes and counts afterwards what was lost (TIMES=10: ten times in a row)
	@for time in $$(seq $(TIMES)); do \
	$(BIN)/python -m portal.local.run_with_services -- $(BIN)/pytest tests/faults $(ARGS) || exit 1; done

test-airflow: install-dev ## runs DAGs on a real Airflow 3.3.2, and harms it and the portal meanwhile
	@$(PYTHON) portal/local/install.py requirements-airflow.lock .venv-airflow
	@exec $(BIN)/python -m portal.local.run_with_services -- $(BIN)/pytest tests/airflow/test_airflow_3.py $(ARGS)

test-airflow2: install-dev ## the same on a real Airflow 2.11.2, with fewer cases; CI does not run it
	@$(PYTHON) portal/local/install.py requirements-airflow2.lock .venv-airflow2
	@exec $(BIN)/python -m portal.local.run_with_services -- $(BIN)/pytest tests/airflow/test_airflow_2.py $(ARGS)

test-mlflow: install-dev ## asks the portal and a real MLflow 3.17.2 server the same, call by call
	@$(PYTHON) portal/local/install.py requirements-mlflow.lock .venv-mlflow
	@exec $(BIN)/python -m portal.local.run_with_services -- $(BIN)/pytest tests/parity $(ARGS)

test-outside: install-dev ## the portal beside real products of others: an OpenID provider, an S3 server
	@$(PYTHON) portal/local/install.py requirements-outside.lock .venv-outside
	@CHROMIUM="$$($(BIN)/python -m portal.local.browser)" && export CHROMIUM \
	&& exec $(BIN)/python -m portal.local.run_with_services -- $(BIN)/pytest tests/outside $(ARGS)

test-upgrade: install-dev ## brings a filled portal of the release before to this one, and lets both work on it
	@exec $(BIN)/python -m portal.local.run_with_services -- $(BIN)/pytest tests/upgrade $(ARGS)

test-figures: install-dev ## computes from the raw data what docs and demo claim in figures
	@exec $(BIN)/python -m portal.local.run_with_services -- $(BIN)/pytest tests/figures $(ARGS)

soak: install-dev ## 50 people and 81 cities for half an hour (MINUTES=2); its table is kept in benchmarks/
	@exec $(BIN)/python -m benchmarks.soak --minutes $(MINUTES) $(ARGS)

bench: bench-registry bench-retraining ## measures registry and retraining beside their yardsticks, some twenty minutes; their tables are kept in benchmarks/

bench-registry: install-dev ## measures the portal beside a real MLflow 3.17.2 server
	@$(PYTHON) portal/local/install.py requirements-mlflow.lock .venv-mlflow
	@exec $(BIN)/python -m portal.local.run_with_services -- $(BIN)/python -m benchmarks.mlflow_registry $(ARGS)

bench-fleet: install-dev ## measures the pages of 224 cities × 20 versions beside an empty family's and MLflow's list
	@$(PYTHON) portal/local/install.py requirements-mlflow.lock .venv-mlflow
	@exec $(BIN)/python -m portal.local.run_with_services -- $(BIN)/pytest -q -s benchmarks/fleet.py $(ARGS)

bench-waves: install-dev ## measures promotion and rollback of 224 cities beside one UPDATE and one INSERT by hand
	@exec $(BIN)/python -m portal.local.run_with_services -- $(BIN)/pytest -q -s benchmarks/waves.py $(ARGS)

bench-catalog: install-dev ## measures list, radar and search of the catalog at 50 and at 5,000 tools
	@exec $(BIN)/python -m portal.local.run_with_services -- $(BIN)/pytest -q -s benchmarks/catalog.py $(ARGS)

bench-retraining: install-dev ## measures what a segment run costs beside a plain Celery task
	@exec $(BIN)/python -m portal.local.run_with_services -- $(BIN)/python -m benchmarks.retraining $(ARGS)

bench-airflow: install-dev ## measures 200 DAG runs of a request beside a bare script's; its table is kept in benchmarks/
	@$(PYTHON) portal/local/install.py requirements-airflow.lock .venv-airflow
	@exec $(BIN)/python -m portal.local.run_with_services -- $(BIN)/pytest -q -s benchmarks/airflow.py $(ARGS)

CHECKS := lint format types contracts migrations templates deploy openapi
check: install-dev ## lint, format, types, import contracts, migrations, templates, deployment settings, OpenAPI
	@$(MAKE) --keep-going --jobs 2 --output-sync=target $(CHECKS:%=check-%)

# None of these needs a server; the settings only want addresses that look like some.
CHECKED := PORTAL_LOCAL=0 DATABASE_URL=postgres://nobody@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1/0 \
	SECRET_KEY=only-for-checks-that-start-no-server-0123456789-abcdefghijklmnopqrstuvwxyz \
	ENCRYPTION_KEYS=b25seS1mb3ItY2hlY2tzLW5vLXNlcnZlci1zdGFydHM=
.PHONY: $(CHECKS:%=check-%)
check-types:
	@$(CHECKED) $(BIN)/mypy
check-lint:
	@$(BIN)/ruff check
check-format:
	@$(BIN)/ruff format --check
check-contracts:
	@$(CHECKED) $(BIN)/lint-imports --no-cache
check-migrations:
	@$(CHECKED) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
check-templates:
	@$(BIN)/djlint --quiet --lint templates
check-deploy:
	@$(CHECKED) $(BIN)/python manage.py check --deploy --fail-level WARNING
check-openapi:
	@$(CHECKED) $(OPENAPI) | diff -u tests/architecture/openapi.yml - \
	|| { echo "The API is not that of tests/architecture/openapi.yml. Where that is meant: make openapi"; exit 1; }

OPENAPI := $(BIN)/python manage.py spectacular --validate --fail-on-warn
openapi: install-dev ## write down the API as it is now, where a change of it is meant
	@$(CHECKED) $(OPENAPI) --file tests/architecture/openapi.yml

rights: install-dev ## write docs/rights.md anew from the rules, where a change of them is meant
	@WRITE_RIGHTS=1 $(BIN)/python -m portal.local.run_with_services -- $(BIN)/pytest tests/doors/test_rights.py -k page_says

install: python ## .venv with the locked packages of requirements.lock
	@$(PYTHON) portal/local/install.py requirements.lock
install-dev: python
	@$(PYTHON) portal/local/install.py requirements-dev.lock

python:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here. Install Python 3.11 or newer" \
	"(apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3"; exit 1; }

lock: install ## write both locks anew from pyproject.toml
	@$(BIN)/python portal/local/lock.py

sbom: python ## what the portal is made of, with every package's digests: sbom.json, in CycloneDX
	@$(PYTHON) portal/local/install.py requirements-audit.lock .venv-audit
	@.venv-audit/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible \
	--index-url https://index.invalid/simple --output-file sbom.json 2>/dev/null && echo "sbom.json is written."

audit: python ## known holes in what is locked; asks the package index for them
	@$(PYTHON) portal/local/install.py requirements-audit.lock .venv-audit
	@.venv-audit/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock

clean: python ## remove the data folder, the database and the caches; .venv stays
	@$(PYTHON) -m portal.local.clean
