# Build, run, test and check Trine; `make help` lists what there is to make.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
BIN := .venv/bin
BUILT := .venv/.built
READY := .venv/.ready
SOURCES := $(shell find crates -name '*.rs' -o -name '*.toml' -o -path '*/page/*' -type f)
TEST_FLAGS ?=
# Processes that share the Python tests; those on networks wait for the most part. What one file
# tests stays together: it shares networks.
PROCESSES := --dist loadscope --no-loadscope-reorder --numprocesses
# Files that have tests with a mark: to read all others takes longer than some tests.
marked = $(shell grep -rlE --include='test_*.py' 'mark\.$(1)\b' tests | LC_ALL=C sort)
# Schedules that the simulation plays on the second suite; the first has its own number.
GM_SEEDS := 4
# Tests that run chains, which run on either suite, and the token that has SM2.
GM_TESTS := $(addprefix --test ,simulation kill network blocks failures turns votes) \
	--example sm2_module
# Python tests that depend on the suite.
GM_PYTESTS := tests/model tests/cli tests/page \
	$(patsubst %,tests/services/test_%.py,court_pack_chain service witness) \
	$(patsubst %,tests/apps/health/test_%.py,access breakglass claims health_chain patient \
	recording records research)
# The interpreter for which cargo checks the extension, whatever else is installed.
export PYO3_PYTHON := $(CURDIR)/.venv/bin/python
say = @printf '\n==> %s (%s)\n' '$(1)' "$$(date +%T)" >&2

.PHONY: help
help: ## List what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): pyproject.toml uv.lock tools/environment.sh
	@tools/environment.sh
	@touch $@

$(BUILT): $(READY) $(SOURCES) Cargo.toml Cargo.lock rust-toolchain.toml
	$(call say,Building the Rust core (the first time takes minutes: later only what changed))
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/maturin develop --uv --locked
	@touch $@

.PHONY: build
build: $(BUILT) ## Set up .venv and build the `trine` command into it

.PHONY: up
up: build ## Start four validators on loopback, or resume them
	@$(BIN)/trine up --detach

.PHONY: down
down: ## Stop what `make up` started
	@$(BIN)/trine down

.PHONY: test
test: build ## Run all tests
	$(call say,Rust tests)
	@cargo test --locked --workspace $(TEST_FLAGS)
	$(call say,Rust tests of the suite gm)
	@TRINE_TEST_SUITE=gm TRINE_SEEDS=$${TRINE_SEEDS:-$(GM_SEEDS)} \
		cargo test --locked --workspace $(GM_TESTS) $(TEST_FLAGS)
	$(call say,JavaScript verifier)
	@tools/javascript.sh
	$(call say,Python tests without a network)
	@$(BIN)/python -m pytest -m 'not network' $(PROCESSES) 2
	$(call say,Python tests on networks)
	@$(BIN)/python -m pytest $(call marked,network) -m 'network and not alone' \
		$(PROCESSES) 2 $(if $(CI),--durations=25)
	$(call say,Python tests that need the whole machine)
	@$(BIN)/python -m pytest $(call marked,alone) -m alone
	$(call say,Python tests of the suite gm)
	@TRINE_TEST_SUITE=gm $(BIN)/python -m pytest $(GM_PYTESTS) $(PROCESSES) 2 \
		$(if $(CI),--durations=10)

.PHONY: soak
soak: $(READY) ## Play the simulation with SOAK_SEEDS (2000) seeds a scenario, long ones get fewer
	$(call say,Simulation)
	@TRINE_SEEDS=$${SOAK_SEEDS:-2000} \
		cargo test --locked -p trine-consensus --test simulation $(TEST_FLAGS)

.PHONY: fuzz
fuzz: $(READY) ## Let every decoder meet hostile bytes, FUZZ_SECONDS (10) each
	$(call say,Fuzz targets)
	@$(BIN)/python -m tools.fuzz

.PHONY: format
format: $(READY) ## Format Rust and Python
	@cargo fmt --all
	@cargo fmt --manifest-path fuzz/Cargo.toml
	@$(BIN)/ruff check --quiet --fix src tests tools || true
	@$(BIN)/ruff format --quiet src tests tools

.PHONY: lint
lint: build ## Check form, types, layers and documentation
	$(call say,House rules)
	@$(BIN)/python -m tools.tidy
	$(call say,Layers)
	@$(BIN)/python -m tools.layers
	@$(BIN)/python -m tools.features
	@$(BIN)/lint-imports
	$(call say,Format)
	@cargo fmt --all --check
	@cargo fmt --manifest-path fuzz/Cargo.toml --check
	@$(BIN)/ruff format --check src tests tools
	$(call say,Lint)
	@$(BIN)/ruff check src tests tools
	@cargo clippy --locked --workspace --all-targets -- --deny warnings
	$(call say,Types)
	@$(BIN)/mypy src/trine tools
	@$(BIN)/stubtest trine._core

.PHONY: check
check: lint test ## Everything that a change must pass

.PHONY: clean
clean: ## Remove what was built; a CARGO_TARGET_DIR outside stays
	@rm -rf clients/verify-js/node_modules clients/verify-js/dist
	@rm -rf .venv target dist src/trine/_core*.so .pytest_cache .mypy_cache .ruff_cache \
		.import_linter_cache .hypothesis fuzz/corpus fuzz/artifacts
