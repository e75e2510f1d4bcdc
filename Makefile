# Two commands do everything: `make demo` (the main job, running) and `make test` (everything that is checked).
# Both need Python 3.11 or newer, make and git, and install the rest into .venv by package name, pinned by hash.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: help demo test check lint bench docs pins clean

help:
	@grep -E '^# |^[a-z]+:.*##' Makefile | sed -E 's/^# //; s/:.*## /\t/'

demo: $(VENV)/run.stamp ## two systems in sync, live; ONCE=1 plays it once, proves that both agree, and ends
	$(BIN)/casemirror demo $(if $(ONCE),--once)

test: lint ## everything, in two halves at once: style, types, rooms, and all tests with SQLite, PostgreSQL, real processes and real servers
	$(BIN)/python -m pytest tests/acceptance > .acceptance.log 2>&1 & real=$$!; \
	$(BIN)/python -m pytest --ignore=tests/acceptance; rest=$$?; \
	echo "waiting for the tests with real processes (.acceptance.log) ..."; \
	wait $$real; real=$$?; cat .acceptance.log; [ $$real = 0 ] && [ $$rest = 0 ]
	$(BIN)/python -m coverage run -m pytest -q tests/unit/mapping
	$(BIN)/python -m coverage report

check: test docs ## what must pass before a commit

lint: $(VENV)/dev.stamp ## style, types, rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev.stamp ## the benchmarks; each prints ratios measured in one run
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

docs: $(VENV)/dev.stamp ## write the generated pages anew and check that all pages are complete
	$(BIN)/python docs/generate.py
	$(BIN)/python -m pytest -q tests/docs

pins: $(VENV)/dev.stamp ## resolve the dependencies anew (needs uv)
	printf 'hatchling\neditables\n' | uv pip compile -q $(PIN) - -o requirements/build.txt
	uv pip compile -q $(PIN) --extra demo pyproject.toml -o requirements/run.txt
	uv pip compile -q $(PIN) --extra demo --extra dev pyproject.toml -o requirements/dev.txt
PIN := --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11

clean: ## remove what the other commands made
	rm -rf $(VENV) demo-data .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "casemirror needs Python 3.11, 3.12 or 3.13; this is $$($(PYTHON) --version). Try: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -qq -y python3-venv; \
	  else echo "Python's venv module is missing; install it first: sudo apt-get install python3-venv"; exit 1; fi; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; } # a half-made one would be taken for done

$(VENV)/run.stamp: $(VENV)/bin/python requirements/run.txt requirements/build.txt pyproject.toml
	@echo "installing what casemirror needs (once, about a minute) ..."
	$(PIP) install --require-hashes -r requirements/build.txt -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	@echo "installing what the tests need (once, about a minute) ..."
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
