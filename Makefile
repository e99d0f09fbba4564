# A fresh machine needs Python 3.10 or newer, make and a package index.
PYTHON ?= python3
RUN := .venv/bin/python -m
# Twice quiet: errors only.
PIP := bin/pip install -qq --disable-pip-version-check

.PHONY: demo test browser lint generate bench clean

demo: .venv/ready .venv-meltano/ready ## Runs the main job on a simulated CRM
	@$(RUN) examples.demo

test: .venv/ready .venv-meltano/ready ## Passes the tests
	@echo "Testing against simulated CRMs …"
	@$(RUN) pytest -n auto --maxprocesses 4 --dist worksteal --ignore=tests/browser

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

bench: .venv/ready ## Measures our connectors beside others, in about half an hour, and writes docs/performance.md
	@for peer in dlt airbyte; do test -d .venv-bench/$$peer || $(PYTHON) -m venv .venv-bench/$$peer; done
	.venv-bench/dlt/$(PIP) "dlt[filesystem]~=1.31"
	.venv-bench/airbyte/$(PIP) "airbyte-cdk~=7.39"
	$(RUN) benchmarks

generate: .venv/ready ## Writes what follows from the code into meltano.yml, the README and docs/
	$(RUN) tools.generate
	$(RUN) tools.pairs

.venv/ready: pyproject.toml
	@echo "Installing the connectors and what checks them into .venv …"
	@test -d .venv || $(PYTHON) -m venv .venv
	@.venv/$(PIP) --editable ".[dev]"
	@touch $@

.venv-meltano/ready:
	@echo "Installing Meltano into .venv-meltano …"
	@$(PYTHON) -m venv .venv-meltano
	@.venv-meltano/$(PIP) "meltano~=4.4"
	@touch $@

clean:
	rm -rf .venv .venv-meltano .meltano demo-output
