# A fresh machine needs Python 3.10 or newer, make and a package index.
PYTHON ?= python3
RUN := .venv/bin/python -m

.PHONY: demo test browser lint generate bench clean

demo: .venv/ready .venv-meltano/ready ## Runs the main job on a simulated CRM
	@$(RUN) examples.demo

test: .venv/ready .venv-meltano/ready ## Passes the tests
	$(RUN) pytest -n 2 --dist worksteal --ignore=tests/browser

browser: .venv/ready ## Looks at the report in a real Chromium
	@command -v chromium >/dev/null || (apt-get update -qq && apt-get install -qq -y chromium)
	$(RUN) pytest tests/browser

lint: .venv/ready ## Style, types, architecture
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: .venv/ready ## Measures our connectors beside others, in about half an hour, and writes docs/performance.md
	@for peer in dlt airbyte; do test -d .venv-bench/$$peer || $(PYTHON) -m venv .venv-bench/$$peer; done
	.venv-bench/dlt/bin/pip install --quiet --disable-pip-version-check "dlt[filesystem]~=1.31"
	.venv-bench/airbyte/bin/pip install --quiet --disable-pip-version-check "airbyte-cdk~=7.39"
	$(RUN) benchmarks

generate: .venv/ready ## Writes what follows from the code into meltano.yml, the README and docs/
	$(RUN) tools.generate
	$(RUN) tools.pairs

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

.venv-meltano/ready:
	$(PYTHON) -m venv .venv-meltano
	.venv-meltano/bin/pip install --quiet --disable-pip-version-check "meltano~=4.4"
	@touch $@

clean:
	rm -rf .venv .venv-meltano .meltano demo-output
