# One command for everything. All of it stays inside this clone (.venv and its kind, .demo, .docker-check, tool caches), but
# for the programs that test-celery and docker-check have Debian install.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help serve setup check docs format test test-python test-airflow test-celery test-clients test-ui ui benchmark demo docker-check packages sbom clean

BIN := .venv/bin
# The user's own settings of these tools are none of the project's: same result for everybody.
unexport PYTHONPATH PYTHONHOME MYPYPATH PYTEST_ADDOPTS PYTEST_PLUGINS
export PRE_COMMIT_HOME := $(CURDIR)/.venv/pre-commit

# Each has a directory in tests/clients and an environment in .client-venvs.
CLIENTS := aws sdk2 sdk3 airflow

# What depends on the version of Airflow.
AIRFLOW_SIDE := $(addprefix tests/unit/,compatibility hooks plugins requests links operators sensors task_groups translation triggers test_same_end.py) tests/live

help: ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | column -t -s '|'

setup: ## Create or update .venv (nothing to do is quick)
	@.ci/setup

demo: setup ## Run the two example Dags on Airflow and a local endpoint; ARGS=--once ends instead of serving the UI
	@exec $(BIN)/python -m demo --die-with-parent $(ARGS)

serve: setup ## Run Airflow and a local endpoint on your Dags: DAGS=folder; ARGS goes to sm-pipelines serve
	@exec $(BIN)/sm-pipelines serve $(if $(DAGS),"$(DAGS)",$(error DAGS= names no folder of Dags)) $(ARGS)

test: setup ## Run every test: unit, integration, live; ARGS goes to pytest
	@exec $(BIN)/python -m airflow_sm_pipelines.serving.guard $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup $(ARGS)

test-python: ## Run the unit and integration tests on another Python: PYTHON=python3.14; ARGS goes to pytest
	@PYTHON=$(PYTHON) .ci/setup python
	@exec .python-venvs/$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')/bin/python -m pytest --numprocesses 2 --dist loadgroup tests/unit tests/integration $(ARGS)

test-airflow: ## Run the tests that hold on every Airflow on another one: AIRFLOW=3.0.6; ARGS goes to pytest
	@.ci/setup airflow $(AIRFLOW)
	@exec .airflow-venvs/$(AIRFLOW)/bin/python -m airflow_sm_pipelines.serving.guard .airflow-venvs/$(AIRFLOW)/bin/python -m pytest -m "not live or every_airflow" --numprocesses 2 --dist loadgroup $(AIRFLOW_SIDE) $(ARGS)

test-celery: ## Run the live tests of CeleryExecutor, PostgreSQL and Redis, in .celery-venv; ARGS goes to pytest
	@.ci/setup celery
	@exec .celery-venv/bin/python -m airflow_sm_pipelines.serving.guard .celery-venv/bin/python -m pytest tests/celery $(ARGS)

test-clients: setup ## Run SageMaker SDK 2 and 3, Airflow's own operators and the aws command line against the endpoint: CLIENTS="sdk2 sdk3"; ARGS goes to pytest
	@for client in $(CLIENTS); do .ci/setup client $$client; done
	@exec $(BIN)/python -m airflow_sm_pipelines.serving.guard $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup $(addprefix tests/clients/,$(CLIENTS)) $(ARGS)

ui: ## Build the bundle of the tabs in Airflow's UI; fails when the committed one is another. Needs Node 20.19 or later
	@cd ui && npm ci --no-audit --no-fund && npm run build
	@changed=$$(git status --porcelain -- airflow_sm_pipelines/plugins/static); [[ -z "$$changed" ]] || \
	  { printf 'The built bundle is not the committed one: commit it with what changed.\n%s\n' "$$changed" >&2; exit 1; }

test-ui: ## Check and test the tabs in Airflow's UI: types, lint, Vitest, axe; ARGS goes to vitest. Needs Node 20.19 or later
	@cd ui && if [[ ! node_modules/.package-lock.json -nt package-lock.json ]]; then npm ci --no-audit --no-fund; fi
	@cd ui && npm run types && npm run lint && npm test -- $(ARGS)

benchmark: ## Measure against the SageMaker SDK and Airflow's own operators, in .benchmark-venv; ARGS=--quick for no numbers
	@.ci/setup benchmark
	@.benchmark-venv/bin/python -m pytest benchmarks $(ARGS)

docker-check: setup ## Build the image and run docker/compose.yaml, with Debian's buildah; as root; ARGS goes to pytest
	@exec .ci/docker-check $(ARGS)

check: setup ## Lint, format, types, layers, configuration files, the built packages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pre-commit validate-config .pre-commit-config.yaml
	@if command -v docker-compose >/dev/null; then docker-compose -f docker/compose.yaml config --quiet && echo "docker/compose.yaml is valid"; \
	  else echo "docker-compose is not installed: docker/compose.yaml not checked"; fi
	@$(MAKE) --no-print-directory packages

docs: setup ## Build the site in build/site: a warning is an error
	@AIRFLOW_HOME=$(CURDIR)/build/airflow $(BIN)/python -m sphinx --builder html --fresh-env --fail-on-warning --keep-going --quiet -d build/doctrees docs build/site
	@printf 'docs: build/site/index.html\n'

packages: setup ## Build the sdist and the wheel into dist/ and check them: reproducible, valid, importable
	@.ci/check-packages

sbom: setup ## Write dist/sbom.cdx.json: what an installation with the extra `local` has, with licences (CycloneDX)
	@.ci/setup sbom
	@mkdir -p dist
	@$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --mc-type library --output-reproducible --output-file dist/sbom.cdx.json .sbom-venv/bin/python
	@printf 'sbom: dist/sbom.cdx.json\n'

format: setup ## Format the code and apply safe lint fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove everything that make created
	rm -rf .venv ui/node_modules .benchmark-venv .python-venvs .airflow-venvs .celery-venv .client-venvs .sbom-venv .setup.lock .setup.log .demo .docker-check dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
	find . -path ./.git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +
