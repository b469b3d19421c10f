# Everything a newcomer needs; `make` alone lists it. Only Python (3.11 or newer) and make are assumed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help venv demo serve test check format soak bench pictures lock clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(READY) ## Make the environment in .venv; .venv/bin/dunghen then runs

$(READY): pyproject.toml requirements-dev.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: venv ## Serve a generated sample city on http://127.0.0.1:8000
	$(BIN)/dunghen demo

serve: venv ## Serve with your own data on http://127.0.0.1:8000
	$(BIN)/dunghen serve

test: venv ## Run the tests (real PostgreSQL, nothing to install first)
	$(BIN)/python -m pytest

check: venv ## Static checks: lint, format, types, import direction, containers, workflow files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/yamllint --strict compose.yaml

format: venv ## Put the code into the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

soak: venv ## The long forms of the fault and property tests
	$(BIN)/python -m pytest -m "soak or not soak" --timeout 3600

bench: venv ## Measure speed and size against the goals; table and raw figures go to benchmarks/results/
	$(BIN)/python -m benchmarks

pictures: venv ## Take the pictures of the documentation anew, of the sample city (needs Chromium)
	PICTURES=docs/pictures $(BIN)/python -m pytest -m soak tests/browser/test_pictures.py --numprocesses 0 --timeout 600

lock: ## Resolve the dependencies again (needs uv on the PATH or in UV)
	$(or $(UV),uv) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --output-file requirements.lock
	$(or $(UV),uv) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links --group dev pyproject.toml --constraint requirements.lock --output-file requirements-dev.lock

clean: ## Remove the environment and caches (never data)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
