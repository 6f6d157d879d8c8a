# Everything a contributor or CI runs.  Needs Python 3.11 or newer and make; everything else is fetched.

UV_VERSION := 0.13.9
BIN        := .venv/bin
PYTHON     ?= $(firstword $(foreach name,python3 python3.11 python3.12 python3.13 python3.14,$(shell \
                $(name) -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $(name))))
ARGS       ?=
JOBS       ?= 2

# Proxies that open TLS are known to the machine's certificates, not to uv's own.
export UV_SYSTEM_CERTS := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),true,false)
export UV_PYTHON_DOWNLOADS := never
export UV_COMPILE_BYTECODE := true

.DEFAULT_GOAL := help
.PHONY: help setup demo-data demo test check fix dev bench

help: ## say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

setup: .venv/.synced ## make .venv with the `sojourn` command in it, and compile the kernels

.venv/bin/uv:
	@test -n "$(PYTHON)" || { echo "Sojourn needs Python 3.11 to 3.14; none was found. (PYTHON=/path/to/python make ...)" >&2; exit 1; }
	$(PYTHON) tools/environment.py .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.synced: .venv/bin/uv pyproject.toml uv.lock
	$(BIN)/uv sync --quiet --frozen --inexact
	$(BIN)/sojourn doctor
	@touch $@

demo-data: .venv/.synced ## fetch the two data sets of the demo into .demo/data
	@$(BIN)/python tools/demo_data.py .demo/data

demo: setup demo-data ## the whole thing on real input (ARGS=--once: without a person, then reconcile)
	$(BIN)/sojourn demo $(ARGS)

test: setup ## every test; those whose means cannot be fetched say so and are skipped
	@$(BIN)/python tools/demo_data.py .demo/data || echo "Tests that read it are skipped." >&2
	$(BIN)/pytest -n $(JOBS) --dist loadgroup $(ARGS)

check: .venv/.synced ## lint, format, types, who imports whom, and the house
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/pure/test_house.py

fix: .venv/.synced ## what can be mended by machine: lint, format, generated documents
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/python tools/house_map.py
	$(BIN)/python tools/journey_reference.py

dev: setup ## serve from ./data with what a developer wants to see
	$(BIN)/sojourn serve --data data --verbose $(ARGS)

bench: setup ## the bars of the project as ratios within one run, as JSON
	$(BIN)/uv sync --quiet --frozen --inexact --group bench
	$(BIN)/python -m bench $(ARGS)
