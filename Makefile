# `make mnist` and `make test` are the two commands; `make help` lists the rest.
# Needs Python 3.11 or newer, a C++20 compiler and the Python package registry; everything else comes into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help mnist test quick check format reproduce bench clean

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# Folders are listed too, so that a deleted file is noticed.
SOURCES := $(shell find src csrc -not -name __pycache__ -not -name '*.pyc' -not -name '* *' 2>/dev/null)
# One worker per core, at most four: each loads the package, and some tests start servers and trainings of their own.
PARALLEL := -n auto --maxprocesses 4 --dist worksteal
# The foundations. What builds on them trains, judges, starts processes or drives a browser, which takes minutes.
QUICK := $(wildcard tests/data/test_*.py) tests/test_randomness.py $(addprefix tests/,data/arrays engine explaining metrics models project recipes runs storage) \
	--ignore=tests/engine/test_sanitizers.py --ignore=tests/project/test_guides.py
CHECKED := $(wildcard src tests checks reproduce benchmarks)
CPP_FILES := $(shell find csrc -name '*.cpp' -o -name '*.hpp' 2>/dev/null)

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

mnist: .venv/installed ## train and judge a classifier on the full MNIST
	@$(BIN)/optotype train mnist --judge

test: check ## every check and every test
	@$(BIN)/python -m pytest $(PARALLEL)

quick: .venv/tested ## lint, and the tests of the foundations, in less than a minute
	@$(BIN)/ruff check $(CHECKED)
	@$(BIN)/python -m pytest $(PARALLEL) -x $(QUICK)

check: .venv/tested ## format, lint (Python, C++, JavaScript, CSS), types, import contracts, lengths
	@$(BIN)/ruff format --check $(CHECKED)
	@$(BIN)/ruff check $(CHECKED)
	@if test -x $(BIN)/biome; then $(BIN)/biome lint --error-on-warnings; else echo "Biome has no wheel for this system: JavaScript and CSS are not linted"; fi
	@$(BIN)/mypy $(CHECKED)
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/clang-format --dry-run -Werror $(CPP_FILES)
	@$(BIN)/python -m checks.includes csrc
	@$(BIN)/python -m checks.stub
	@$(BIN)/python -m checks.lengths src csrc tests checks reproduce benchmarks

format: .venv/tested ## rewrite the sources in the project's format
	@$(BIN)/ruff format $(CHECKED)
	@$(BIN)/ruff check --fix-only $(CHECKED)
	@$(BIN)/clang-format -i $(CPP_FILES)
	@$(BIN)/python -m checks.stub --write

reproduce: .venv/tested ## measure every recipe and its Keras counterpart, and render RESULTS.md
	@$(BIN)/python -m reproduce

bench: .venv/tested ## time optotype beside its peers, and render benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks $(BENCH)

clean: ## remove what these targets made, but not runs
	rm -rf .venv .venv-peers .venv-torch .venv-onnx .venv-servers build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.venv/made:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found. Install one, or name it: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: its modules venv and ensurepip are missing. Install them (on Debian and Ubuntu: apt-get install python3-venv), or name another Python: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@echo "making .venv with $$($(PYTHON) --version)"
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@$(PIP) install --upgrade pip
	@touch $@

.venv/tools: .venv/made pyproject.toml
	@echo "installing the build tools and what optotype needs"
	@$(PIP) install --group build
	@touch $@

.venv/installed: .venv/tools CMakeLists.txt $(SOURCES)
	@{ command -v "$${CXX:-c++}" || command -v g++ || command -v clang++; } >/dev/null || { echo "No C++ compiler was found. Install one (on Debian and Ubuntu: apt-get install g++), or name it: make CXX=/path/to/compiler ..." >&2; exit 1; }
	@echo "building and installing optotype"
	@$(PIP) install --no-build-isolation .
	@touch $@

.venv/tested: .venv/installed pyproject.toml
	@echo "installing the tools of the tests and checks"
	@$(PIP) install --group test --group check
	@touch $@
