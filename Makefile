# `make help` lists the targets.
# Variables: T narrows tests (make test T=tests/unit/engine), N is the number of test processes,
# PYTHON makes the environment (3.11 or 3.12), ARGS goes to the command behind a target, ROUNDS is
# of make chaos and make simulate, RUNS and WORKERS of a large make simulate, SECONDS of make fuzz
# and make sandbox-load, SEED of all four.

PYTHON ?= python3
BIN := .venv/bin
N ?= 2
T ?= tests
ARGS ?=
ROUNDS ?= 200
RUNS ?=
WORKERS ?=
SECONDS ?=
SEED ?=

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run stop status logs setup setup-dev lock clean check format lint types imports arch \
	catalogue test simulate chaos fuzz fairness sandbox-load bench bench-smoke

## Run

run: setup ## start everything and run the example application
	@$(BIN)/heddle up
	@$(BIN)/heddle example

stop: ## stop everything; data stays in .heddle/
	@$(BIN)/heddle down

status: ## show what runs and where
	@$(BIN)/heddle status

logs: ## show the last log lines (ARGS="engine -f" follows one service)
	@$(BIN)/heddle logs $(ARGS)

## Environment

setup: ## make .venv with what running needs
	@$(PYTHON) deploy/local/prerequisites.py
	@$(PYTHON) deploy/local/virtual_environment.py runtime

setup-dev: ## make .venv with what tests and checks need too
	@$(PYTHON) deploy/local/prerequisites.py
	@$(PYTHON) deploy/local/virtual_environment.py dev

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links
lock: setup-dev ## compile requirements/*.txt anew from pyproject.toml (ARGS=--upgrade)
	@$(LOCK) $(ARGS) requirements/bootstrap.in -o requirements/bootstrap.txt
	@$(LOCK) $(ARGS) pyproject.toml --extra dev -o requirements/dev.txt
	@$(LOCK) pyproject.toml --extra local -c requirements/dev.txt -o requirements/runtime.txt
	@for service in backend inference plugin engine; do \
		$(LOCK) pyproject.toml --extra $$service -c requirements/dev.txt \
			-o requirements/service-$$service.txt; \
	done
	@$(LOCK) $(ARGS) requirements/bench.in -o requirements/bench.txt

clean: ## stop and remove data, caches and the environment
	@test ! -x $(BIN)/heddle || $(BIN)/heddle down
	rm -rf .heddle .venv .venv-bench .pytest_cache .ruff_cache .hypothesis .schemathesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

## Check

check: lint types imports arch catalogue ## everything below that reads the code

format: setup-dev ## rewrite the code in the house's format
	@$(BIN)/ruff check --fix-only -q .
	@$(BIN)/ruff format .

lint: setup-dev ## format and lint, changing nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: setup-dev ## pyright, strict
	@$(BIN)/pyright

imports: setup-dev ## the walls between rooms and services
	@$(BIN)/lint-imports

arch: setup-dev ## rooms, catalogues, sizes, names, error pages
	@$(BIN)/pytest -q tests/architecture

catalogue: setup-dev ## validate every provider and tool sheet
	@$(BIN)/python -m services.inference.main --check
	@$(BIN)/python -m services.plugin.main --check

## Test

test: setup-dev ## every test but the long ones; servers are started by the tests
	@$(BIN)/pytest -q -n $(N) --dist loadgroup \
		$(if $(filter tests,$(T)),--ignore tests/architecture --ignore tests/chaos \
			--ignore tests/fuzz --ignore tests/load) $(T)

simulate: setup-dev ## engines on simulated time (ROUNDS=2000, or RUNS=1000000 WORKERS=2000, SEED=...)
	@HEDDLE_SIMULATE_RUNS=$(RUNS) HEDDLE_SIMULATE_WORKERS=$(WORKERS) \
		HEDDLE_SIMULATE_ROUNDS=$(if $(filter file,$(origin ROUNDS)),2000,$(ROUNDS)) \
		HEDDLE_SIMULATE_SEED=$(or $(SEED),$(shell date +%s)) \
		$(BIN)/pytest -q -s --timeout 0 tests/simulation $(ARGS)

chaos: setup-dev ## kill services and servers in turn under load, and audit (ROUNDS=200, SEED=...)
	@HEDDLE_CHAOS_ROUNDS=$(ROUNDS) HEDDLE_CHAOS_SEED=$(SEED) $(BIN)/pytest -q tests/chaos $(ARGS)

fuzz: setup-dev ## ask every HTTP door whatever its OpenAPI document allows (SECONDS=60, SEED=...)
	@HEDDLE_FUZZ_SECONDS=$(SECONDS) HEDDLE_FUZZ_SEED=$(SEED) $(BIN)/pytest -q tests/fuzz $(ARGS)

fairness: setup-dev ## how soon a run starts while another tenant has 10,000 queued
	@$(BIN)/pytest -q tests/load/test_fairness.py $(ARGS)

sandbox-load: setup-dev ## much harmful code at once, and a little good code (SECONDS=30, SEED=...)
	@HEDDLE_LOAD_SECONDS=$(SECONDS) HEDDLE_LOAD_SEED=$(SEED) $(BIN)/pytest -q tests/load/test_sandbox_load.py $(ARGS)

bench: setup-dev .venv-bench/synced ## the benchmarks, beside their floors and peers
	@$(BIN)/python -m benchmarks engine $(ARGS)
	@$(BIN)/python -m benchmarks http

bench-smoke: setup-dev ## a minute of the engine's rows, to notice a slow engine (no peers)
	@$(BIN)/python -m benchmarks engine --smoke

# The peers clash with what the services need.
.venv-bench/synced: requirements/bench.txt
	@$(BIN)/uv venv -q --clear --python $(BIN)/python .venv-bench
	@$(BIN)/uv pip sync -q --python .venv-bench/bin/python --require-hashes requirements/bench.txt
	@touch $@

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^## / { printf "\n\033[1m%s\033[0m\n", substr($$0, 4) } \
		/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
