# All targets make their virtual environment when it is missing or out of date.
PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
BIN = $(VENV)/bin
IN_PARALLEL = -n 2 --dist worksteal
READY = $(VENV)/.ready-$(CONSTRAINTS)
DOCS_READY = $(VENV)/.ready-docs-$(CONSTRAINTS)

.PHONY: demo paper env env-docs test test-all structure lint docs linkcheck audit
.DEFAULT_GOAL := demo

# The main job: a table of error rates; DATA=<folder of YouTube-8M shards> for real videos.
demo: $(READY)
	$(BIN)/python examples/demo.py $(if $(DATA),--data "$(DATA)")

# Every table of the paper on synthetic videos; an interrupted run is continued.
paper: $(READY)
	$(BIN)/python benchmarks/paper/run.py --out paper_output

env: $(READY)

env-docs: $(DOCS_READY)

# A few minutes: long campaigns are left out, and large tables of cases sampled with a new seed.
test: $(READY)
	$(BIN)/python -m pytest $(IN_PARALLEL) $(PYTEST_ARGS)
	@echo "Everything, nothing sampled: make test-all"

test-all: $(READY)
	$(BIN)/python -m pytest --all $(IN_PARALLEL) $(PYTEST_ARGS)

# The size, language, imports and call paths of the package, with the goals for them beside.
structure: $(READY)
	$(BIN)/python benchmarks/structure.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The pages, examples run and warnings as errors; opens them where there is a screen (OPEN=0: never).
# What was generated goes first: a name that is gone leaves no page behind.
docs: $(DOCS_READY)
	rm -rf docs/generated
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "The pages are in docs/_build/html/index.html"
	@if [ "$(OPEN)" != 0 ] && [ -n "$$DISPLAY$$WAYLAND_DISPLAY" -o "$$(uname)" = Darwin ]; then \
		$(BIN)/python -m webbrowser -t "file://$(CURDIR)/docs/_build/html/index.html"; fi

# Asks for every external address on the pages, so it needs the network.
linkcheck: $(DOCS_READY)
	$(BIN)/python -m sphinx -W --keep-going -q -b linkcheck docs docs/_build/linkcheck

# Known weaknesses of the tested versions; asks PyPI, so neither tests nor CI need it.
audit: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) pip-audit
	$(BIN)/pip-audit --strict --no-deps --disable-pip -r $(CONSTRAINTS)

$(READY): pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e ".[test]"
	touch $(READY)

$(DOCS_READY): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e ".[docs]"
	touch $(DOCS_READY)
