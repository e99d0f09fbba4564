# A fresh machine needs Python 3.10 or newer, make and a package index.
PYTHON ?= python3
RUN := .venv/bin/python -m

.PHONY: demo test lint generate clean

demo: .venv/ready .venv-meltano/ready ## Runs the main job on a simulated CRM
	@$(RUN) examples.demo

test: .venv/ready ## Passes the tests
	$(RUN) pytest

lint: .venv/ready ## Style, types, architecture
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

generate: .venv/ready ## Writes the settings into meltano.yml and the README
	$(RUN) tools.generate

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
