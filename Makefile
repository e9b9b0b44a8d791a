# Every target makes .venv and installs what it needs by itself; a second call installs nothing.
# Any Python from 3.11 on: make PYTHON=python3.12 test

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SOURCES := environment agents brokers llm scenarios
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
BENCH_STAMP := $(VENV)/.installed-bench

.DEFAULT_GOAL := help
.PHONY: help install demo test slow lint bench controls chaos clean

help:
	@echo "make demo     a whole trading day, and a report of it"
	@echo "make test     lint, types and tests"
	@echo "make install  the command line, in $(VENV)"
	@echo "make slow     the long tests    make lint   lint and types only"
	@echo "make bench    the benchmarks    make chaos  ten minutes of kills on a live daemon"
	@echo "make clean    remove what these made"
	@echo "make controls breach every risk control, and keep the proof in runs/controls.json"

$(BIN)/python:
	@echo "== making $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, found " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "== installing outcry and its libraries (some minutes the first time)"
	@$(PIP) install --progress-bar on -c constraints.txt -e .
	@touch $@

$(DEV_STAMP): $(RUN_STAMP)
	@echo "== installing the test tools"
	@$(PIP) install --progress-bar on -c constraints.txt -e '.[dev]'
	@touch $@

$(BENCH_STAMP): $(DEV_STAMP)
	@echo "== installing what the benchmarks compare with"
	@$(PIP) install --progress-bar on -c constraints.txt -e '.[dev,bench]'
	@touch $@

install: $(RUN_STAMP)
	@echo "== ready: $(BIN)/outcry --help"

demo: $(RUN_STAMP)
	@$(BIN)/outcry run opening_bell --out runs/opening_bell
	@echo "== open $(CURDIR)/runs/opening_bell/report.html in a browser"

lint: $(DEV_STAMP)
	@echo "== ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@echo "== mypy"
	@$(BIN)/mypy

test: lint
	@echo "== pytest"
	@$(BIN)/pytest -n 2 --dist loadfile

slow: $(DEV_STAMP)
	@echo "== pytest, the long tests"
	@$(BIN)/pytest -m slow --timeout 3600

controls: $(RUN_STAMP)
	@$(BIN)/python -m scenarios.controls

chaos: $(DEV_STAMP)
	@$(BIN)/python -m tests.process.chaos

bench: $(BENCH_STAMP)
	@$(BIN)/python -m benchmarks

clean:
	@rm -rf $(VENV) runs build dist outcry.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find $(SOURCES) tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
