# The commands of a working day. Each makes .venv and installs what it needs, once.
.PHONY: demo test test-fast test-hours test-any-order lint lock upgrade bench bench-chaos bench-clients clean
.DEFAULT_GOAL := demo

PYTHON ?= python3
BIN := .venv/bin
# Tests that run side by side.
WORKERS ?= 4
# The order of `make test-any-order`; a run that fell is repeated by giving its number.
SEED := $(or $(SEED),$(shell date +%s))
# Each start of a service would compile it anew.
unexport PYTHONDONTWRITEBYTECODE
PYTEST := $(BIN)/pytest tests --numprocesses $(WORKERS)
BY_FILE := --dist loadfile --no-loadscope-reorder

PIP := $(BIN)/pip --quiet --disable-pip-version-check install --no-deps

# Exactly what the lock names, every file by its hash; nothing is resolved, nothing is built.
.venv/installed: pyproject.toml deploy/lock/development.txt
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes --only-binary :all: --requirement deploy/lock/development.txt
	$(PIP) --no-build-isolation --editable .
	touch $@

demo: .venv/installed
	@bash deploy/scripts/system-parts demo
	@exec $(BIN)/carewatch up --demo

test: .venv/installed
	@bash deploy/scripts/system-parts test
	$(PYTEST) $(BY_FILE)

test-fast: .venv/installed
	$(PYTEST) --dist worksteal \
	  -m "not edge and not system and not browser and not chaos and not slow"

# Everything without a browser under other clocks; MOMENT=15:59 takes some of them.
test-hours: .venv/installed
	@bash deploy/scripts/system-parts test
	$(BIN)/python -m tests.hours --workers $(WORKERS) --only '$(MOMENT)'

test-any-order: .venv/installed
	@bash deploy/scripts/system-parts test
	$(PYTEST) $(BY_FILE) --random-order --random-order-seed=$(SEED)

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@bash deploy/scripts/check-javascript

# After a change of pyproject.toml's dependencies: the other versions stay.
lock:
	@bash deploy/scripts/lock

# The newest versions that pyproject.toml allows, and a list of what changed.
upgrade:
	@bash deploy/scripts/lock --upgrade

bench: .venv/installed
	@bash deploy/scripts/system-parts test
	$(BIN)/python -m tests.bench

# gmqtt lies beside the rest: its wheel has a package `tests` that hides ours.
bench-clients: .venv/installed
	@bash deploy/scripts/system-parts test
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps \
	  --upgrade --target .venv/beside 'gmqtt==0.8.0'
	$(BIN)/python -m tests.bench --only clients

bench-chaos: .venv/installed
	@bash deploy/scripts/system-parts test
	$(BIN)/python -m tests.bench.chaos

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis node_modules
