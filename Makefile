# A fresh machine needs Python 3.10 or newer, make and a package index.
PYTHON ?= python3
RUN := .venv/bin/python -m
UV := .venv/bin/uv
INSTALL := $(UV) pip install --quiet --compile-bytecode --python
# An environment beside .venv: what it is for, and the packages.
define environment
@echo "Installing $(1) into $(@D) …"
@$(UV) venv --quiet --allow-existing --python .venv/bin/python $(@D)
@$(INSTALL) $(@D) $(2)
@touch $@
endef

LOADERS := meltanolabs-target-postgres target-duckdb target-jsonl
# target-duckdb 0.8 loses the first row of each load with a newer one, which takes it for a header.
BESIDE_target-duckdb := "duckdb~=1.0.0"

.PHONY: demo test sweeps coverage proof mutants browser lint dist package docs recipes orchestrate generate bench clean

demo: .venv/ready .venv-meltano/ready ## Runs the main job on a simulated CRM
	@$(RUN) examples.demo

TESTS := pytest -n auto --maxprocesses 4 --dist worksteal --ignore=tests/browser --ignore=tests/package \
  --ignore=tests/recipes --ignore=tests/orchestrate

test: .venv/ready .venv-meltano/ready ## Runs the tests
	@echo "Testing against simulated CRMs …"
	@$(RUN) $(TESTS)

sweeps: .venv/ready .venv-meltano/ready ## Runs all cases of the sweeps, of which `make test` takes each value once
	@SWEEPS=all $(RUN) $(TESTS) -m sweep

coverage: .venv/ready .venv-meltano/ready ## Runs the tests and names what of the code they do not reach
	@$(RUN) $(TESTS) --cov --cov-report=term

proof: .venv/ready ## Proves the guarantees in about half an hour on two cores (SHORT=1: two minutes), and writes docs/proof.md
	$(RUN) proof $(if $(SHORT),--short)

mutants: .venv/ready ## Plants defects one by one, sees which test notices, and writes docs/mutants.md
	$(RUN) proof.mutants

browser: .venv/ready ## Looks at the report in a real Chromium
	@command -v chromium || command -v chromium-browser || command -v google-chrome || \
	  { echo "Installing Chromium …"; apt-get update -qq && apt-get install -qq -y chromium >/dev/null; }
	@echo "Looking at the report in Chromium …"
	@$(RUN) pytest tests/browser

lint: .venv/ready ## Style, types, architecture
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/bandit --quiet --configfile pyproject.toml --recursive crm_systems crm_singer tap_crm target_crm
	.venv/bin/zizmor --offline --quiet --config .github/zizmor.yml .github
	.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/crm.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.meltano meltano.yml
	.venv/bin/hadolint Dockerfile
	.venv/bin/kubernetes-validate --quiet --strict orchestrate/cronjob.yaml
	$(UV) lock --check --quiet

dist: .venv/ready ## Builds tap-crm and target-crm
	rm -rf dist
	$(UV) build --quiet --out-dir dist .
	$(UV) build --quiet --out-dir dist packaging/target-crm
	@# Else uv takes one of the same version that it installed before.
	$(UV) cache clean --quiet tap-crm target-crm

package: dist ## Checks both packages and installs them into empty environments
	.venv/bin/twine check --strict dist/*
	$(RUN) pytest tests/package

recipes: dist $(LOADERS:%=.venv-loaders/%/ready) ## Follows the recipes as printed, fills warehouses, with a real PostgreSQL
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || (apt-get update -qq && apt-get install -qq -y postgresql)
	$(RUN) pytest tests/recipes

orchestrate: .venv/ready .venv-dagster/ready .venv-airflow/ready .venv-loaders/meltanolabs-target-postgres/ready ## Runs orchestrate/
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || (apt-get update -qq && apt-get install -qq -y postgresql)
	$(RUN) pytest tests/orchestrate

docs: .venv/ready ## Builds the documentation into site/; a link to nowhere fails
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

bench: .venv/ready ## Measures our connectors beside others, in about half an hour, and writes docs/performance.md
	@for peer in dlt airbyte; do $(UV) venv --quiet --allow-existing --python .venv/bin/python .venv-bench/$$peer; done
	-$(INSTALL) .venv-bench/dlt "dlt[filesystem]~=1.31"
	-$(INSTALL) .venv-bench/airbyte "airbyte-cdk~=7.39"
	$(RUN) benchmarks

generate: .venv/ready ## Writes what follows from the code into meltano.yml, the README and docs/
	$(RUN) tools.generate
	$(UV) lock --quiet
	$(RUN) tools.pairs

.venv/ready: pyproject.toml
	@echo "Installing the connectors and what checks them into .venv …"
	@test -d .venv || $(PYTHON) -m venv .venv
	@.venv/bin/pip install -qq --disable-pip-version-check "uv~=0.13.8"
	@$(INSTALL) .venv --editable ".[dev]"
	@$(RUN) compileall -q crm_simulators crm_singer crm_systems tap_crm target_crm
	@touch $@

.venv-meltano/ready: | .venv/ready
	$(call environment,Meltano,"meltano~=4.4")

.venv-dagster/ready: | .venv/ready
	$(call environment,Dagster,"dagster~=1.13" dagster-webserver)

.venv-airflow/ready: | .venv/ready
	$(call environment,Airflow,"apache-airflow~=3.3")

.venv-loaders/%/ready: | .venv/ready
	$(call environment,$*,$* $(BESIDE_$*))

clean:
	rm -rf .venv .venv-meltano .venv-loaders .venv-dagster .venv-airflow .meltano demo-output proof-output dist site
