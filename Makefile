# The commands of a working day. Each makes .venv and installs what it needs, once.
.PHONY: demo test test-fast lint bench bench-chaos bench-clients soak clean
.DEFAULT_GOAL := demo

PYTHON ?= python3
BIN := .venv/bin
# Tests that run side by side.
WORKERS ?= 2

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: .venv/installed
	@bash deploy/scripts/system-parts demo
	@exec $(BIN)/carewatch up --demo

test: .venv/installed
	@bash deploy/scripts/system-parts test
	$(BIN)/pytest tests --numprocesses $(WORKERS) --dist loadfile

test-fast: .venv/installed
	$(BIN)/pytest tests --numprocesses $(WORKERS) \
	  -m "not edge and not system and not browser and not chaos and not slow"

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@bash deploy/scripts/check-javascript

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
