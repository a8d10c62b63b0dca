# `make demo` sets up and runs the default campaign; `make test` sets up and runs the tests.
VENV := .venv
PYTHON ?= python3
BIN := $(CURDIR)/$(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := pyproject.toml CMakeLists.txt envs/constraints.txt $(shell find native -name '*.?pp')
CXX_FILES := $(shell find native -name '*.?pp')
# Bindings pass values on, and their library's headers are only there while they are built.
TIDY_FILES := $(shell find native -name '*.cpp' -not -path 'native/bindings/*')
SANITIZE := $(CURDIR)/build/sanitize
# Tests of the native module; those that load PyTorch are left out, which is not built for sanitizers.
SANITIZE_TESTS := $(shell grep --files-without-match --recursive --include='test_*.py' \
	'torch\|cimsim.campaign.pipeline' tests/ppa tests/arrays)

export PATH := $(BIN):$(PATH)
# Idle OpenMP threads sleep instead of spinning: two jobs on two cores would otherwise block each other.
export OMP_WAIT_POLICY := PASSIVE
export MPLBACKEND := Agg

.PHONY: help setup demo test test-all test-gpu test-slurm test-sanitize check tidy format docs report clean

help:
	@echo "make demo      set up and run the default campaign (config/campaigns/digits.yaml)"
	@echo "make report    the same with an HTML report, results/campaigns/digits/report.html"
	@echo "make test      set up and run the tests"
	@echo "make test-all  the same with the slow tests"
	@echo "make test-gpu  install Triton (1 GB) and run the tests of the GPU kernels, interpreted without a GPU"
	@echo "make test-slurm  install Slurm (Debian, as root), start it on this machine and run the workflow through it"
	@echo "make test-sanitize  tests of the native module with address and undefined-behaviour checks"
	@echo "make check     linters, types, formats, generated files"
	@echo "make tidy      clang-tidy on the C++ sources (part of make check)"
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
	snakemake --cores all reports

test: $(STAMP)
	python -m pytest -m "not slow" --numprocesses auto

test-all: $(STAMP) test-sanitize test-gpu
	python -m pytest

test-gpu: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint envs/constraints.txt --editable '.[gpu]'
	python -m pytest tests/arrays/test_gpu.py

# Without root, or where there is no apt-get, the tests say what is missing and are skipped.
test-slurm: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint envs/constraints.txt --editable '.[slurm]'
	if ! test -x /usr/sbin/slurmctld && test "$$(id -u)" = 0 && command -v apt-get; then \
		apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive \
		apt-get install --quiet=2 --yes --no-install-recommends slurm-wlm munge; fi
	CIMSIM_TEST_SLURM=1 python -m pytest tests/integration/test_slurm.py

# A second copy of the package, whose native module stops at a memory error or undefined behaviour.
# Without the site module (-S) the editable installation does not hide it. Leaks are not looked for:
# the interpreter keeps memory until its end. Pytest would swallow a finding with --capture=fd. The
# test left out needs the presets of a clone.
test-sanitize: $(STAMP)
	python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
		--target $(SANITIZE) --config-settings=build-dir=$(SANITIZE)-objects \
		--config-settings=cmake.build-type=RelWithDebInfo \
		--config-settings=cmake.define.CIMSIM_SANITIZE=ON .
	PYTHONPATH="$(SANITIZE):$$(python -c 'import sys; print(":".join(filter(None, sys.path)))')" \
	LD_PRELOAD="$$(cat $(SANITIZE)-objects/preload.txt)" ASAN_OPTIONS=detect_leaks=0 \
	UBSAN_OPTIONS=print_stacktrace=1 \
		$(BIN)/python -S -P -m pytest --capture=sys -m "not slow" $(SANITIZE_TESTS) \
		--deselect tests/ppa/test_neurosim_files.py::test_every_documented_command_runs

check: $(STAMP)
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile workflow
	snakemake --lint
	clang-format --dry-run --Werror $(CXX_FILES)
	$(MAKE) --no-print-directory tidy

tidy: $(STAMP)
	printf '%s\n' $(TIDY_FILES) | xargs -P $$(nproc) -n 1 \
		sh -c 'clang-tidy --quiet "$$1" -- -std=c++20 -Inative' tidy

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
