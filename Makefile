# `make help` lists the targets. Everything happens in .venv, which the first target makes.

PYTHON ?= python3
BIN := .venv/bin
# No lower than what is reached.
COVERAGE := 100
PIP := $(BIN)/pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test coverage integration_tests prompt_cost soak lint format type build clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z_]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv/ready:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 …"; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/demo: .venv/ready pyproject.toml
	@echo "Installing the package …"
	@$(PIP) install --editable '.[testing]'
	@touch $@

.venv/dev: .venv/ready pyproject.toml
	@echo "Installing the package and what its tests need; a minute or two the first time …"
	@$(PIP) install --editable '.[dev]'
	@touch $@ .venv/demo

demo: .venv/demo ## see a chat model answer, without network or key (LIVE=1: the real service)
	@$(BIN)/python examples/demo.py $(if $(LIVE),--live)

test: .venv/dev ## run every test that needs no network, and check the coverage
	$(BIN)/pytest --cov --cov-report=term --cov-fail-under=$(COVERAGE) $(ARGS)

coverage: .venv/dev ## the same, with a report in htmlcov/
	$(BIN)/pytest --cov --cov-report=term --cov-report=html $(ARGS)

integration_tests: .venv/dev ## run the standard integration tests (ONLYSQ_LIVE=1: the real service)
	$(BIN)/pytest tests/integration_tests $(ARGS)

prompt_cost: .venv/demo ## print what tools cost in the prompt, in estimated tokens
	@$(BIN)/python examples/prompt_cost.py

soak: .venv/dev ## 1,000 conversations with a server that fails in every known way
	@$(BIN)/python -m tests.soak $(ARGS)

lint: .venv/dev ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/dev ## mend style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: .venv/dev ## check types
	$(BIN)/mypy

build: .venv/dev ## make a wheel and an sdist in dist/
	@$(PIP) install build
	$(BIN)/python -m build

clean: ## remove what the targets made
	rm -rf .venv dist build htmlcov .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
