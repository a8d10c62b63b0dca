# `make demo` sets up and runs the default campaign; `make test` sets up and runs the tests.
VENV := .venv
PYTHON ?= python3
BIN := $(CURDIR)/$(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := pyproject.toml CMakeLists.txt envs/constraints.txt $(shell find native -name '*.?pp')
CXX_FILES := $(shell find native -name '*.?pp')

export PATH := $(BIN):$(PATH)
# Idle OpenMP threads sleep instead of spinning: two jobs on two cores would otherwise block each other.
export OMP_WAIT_POLICY := PASSIVE
export MPLBACKEND := Agg

.PHONY: help setup demo test test-all check format docs report clean

help:
	@echo "make demo      set up and run the default campaign (config/campaigns/digits.yaml)"
	@echo "make report    one HTML file with the figures and tables of the default campaign"
	@echo "make test      set up and run the tests"
	@echo "make test-all  the same with the slow tests"
	@echo "make check     linters, types, formats, generated files"
	@echo "make format    format Python, Snakemake and C++ sources"
	@echo "make docs      write the generated documentation again"

setup: $(STAMP)

$(STAMP): $(SOURCES)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint envs/constraints.txt --editable '.[dev]'
	touch $@

demo: $(STAMP)
	snakemake --cores all

report: demo
	snakemake --cores all --report results/report.html

test: $(STAMP)
	python -m pytest -m "not slow" --numprocesses auto

test-all: $(STAMP)
	python -m pytest

check: $(STAMP)
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile workflow
	snakemake --lint
	clang-format --dry-run --Werror $(CXX_FILES)

format: $(STAMP)
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow
	clang-format -i $(CXX_FILES)

docs: $(STAMP)
	cimsim docs --write
	python docs/corrections.py --write
	python docs/no_result.py --write

clean:
	rm -rf $(VENV) build
