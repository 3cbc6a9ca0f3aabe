# `make up` runs the product, `make test` its tests; both set up what they need first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export JOBDECK_DATA ?= var
# Without compiled files each process compiles 900 modules anew: 2.5 s more for every start.
unexport PYTHONDONTWRITEBYTECODE
PYTEST_ARGS ?=

.PHONY: help up setup test long check format lint types layers templates soak bench screenshots pins messages clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

up: $(VENV)/.base ## Set up and run the whole product at http://127.0.0.1:8000
	@$(BIN)/python manage.py setup
	@exec $(BIN)/python manage.py serve

setup: $(VENV)/.dev ## Set up the development environment

# Once, and not by each of the workers at the same time; nothing when nothing has changed.
COMPILED := $(BIN)/python -m compileall -q -j 0 -x '/test_' jobs scheduler_site tests

# Three for two processors: the tests of whole products mostly wait.
test: $(VENV)/.dev ## Set up and run the tests
	@$(COMPILED)
	$(BIN)/pytest -n 3 --dist loadgroup -m "not long and not soak" $(PYTEST_ARGS)

# These wait even more: for processes to start, to die and to come back.
long: $(VENV)/.dev ## The tests that `make test` has no time for; .ci/run has
	$(BIN)/pytest -n 4 --dist loadgroup -m "long and not soak" $(PYTEST_ARGS)

check: format lint types layers templates ## Everything that needs no run: format, lint, types, layers

format: $(VENV)/.dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports

templates: $(VENV)/.dev
	$(BIN)/djade --target-version 5.2 --check $$(git ls-files 'templates/*.html' 'templates/**/*.html')

soak: $(VENV)/.dev ## The slow proofs: minutes of kills under load, every time zone
	$(BIN)/pytest -n 0 -m soak $(PYTEST_ARGS)
	JOBDECK_TESTS_TIMES=20 $(BIN)/pytest -n 2 tests/domain -m "not soak"

bench: $(VENV)/.dev ## Measure lateness, throughput, idle cost and page times
	$(BIN)/python -m benchmarks

screenshots: $(VENV)/.dev ## Take the pictures of docs/screenshots; FOLDER=... takes every page
	$(BIN)/python -m tests.browser.screenshots $(if $(FOLDER),--all $(FOLDER))

pins: $(VENV)/.dev ## Compile the hashed requirement files anew
	$(BIN)/uv pip compile pyproject.toml $(COMPILE) -o requirements/base.txt
	$(BIN)/uv pip compile requirements/build.in $(COMPILE) -o requirements/build.txt
	$(BIN)/uv pip compile pyproject.toml --extra scale $(COMPILE) -o requirements/scale.txt
	$(BIN)/uv pip compile pyproject.toml --extra otel $(COMPILE) -o requirements/otel.txt
	$(BIN)/uv pip compile pyproject.toml --extra scale --extra otel --group dev $(COMPILE) -o requirements/dev.txt

COMPILE := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command "make pins" $(PINS_ARGS)

# Needs GNU gettext. Both files are committed: a machine that only runs the product has no msgfmt.
messages: $(VENV)/.dev ## Collect new texts of the pages, and compile the Indonesian ones
	$(BIN)/python manage.py makemessages --locale id --no-location --ignore=var --ignore=.venv --ignore=tests --ignore=docs
	$(BIN)/python manage.py compilemessages --locale id --ignore=.venv

clean: ## Remove the environment and caches; data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# A changed requirement file installs again; an unchanged one costs nothing.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALL_SELF := $(PIP) --require-hashes -r requirements/build.txt && \
	$(PIP) --no-deps --no-build-isolation --editable .

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(BIN)/python requirements/base.txt requirements/build.txt pyproject.toml
	@echo "Setting up the environment in $(VENV); this takes a minute the first time."
	$(PIP) --require-hashes -r requirements/base.txt
	$(INSTALL_SELF)
	@touch $@

$(VENV)/.dev: $(BIN)/python requirements/dev.txt requirements/build.txt pyproject.toml
	@echo "Setting up the environment in $(VENV); this takes a minute the first time."
	$(PIP) --require-hashes -r requirements/dev.txt
	$(INSTALL_SELF)
	@touch $@ $(VENV)/.base
