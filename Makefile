# `make help` lists the targets. Everything happens in .venv, which the first target makes.

PYTHON ?= python3
BIN := .venv/bin
PEERS := .venv-peers/bin
# No lower than what is reached.
COVERAGE := 100
PIP := $(BIN)/pip --disable-pip-version-check --quiet
NOX := 'nox>=2025.2.9'

.DEFAULT_GOAL := help
.PHONY: help demo unit test test_lowest test_all_pythons test_prerelease test_wheel \
	coverage integration_tests \
	prompt_cost profiles soak bench bench_peers lint format type type_public \
	build clean

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

.venv/dev: .venv/ready pyproject.toml langchain_onlysq/_version.py
	@echo "Installing the package and what its tests need; a minute or two the first time …"
	@$(PIP) install --editable '.[dev]'
	@touch $@ .venv/demo

demo: .venv/demo ## see a chat model answer, without network or key (LIVE=1: the real service)
	@$(BIN)/python examples/demo.py $(if $(LIVE),--live)

ROOMS := errors models outputs prompted_tools request response settings testing transport

unit: .venv/dev ## run the tests of the rooms that need no socket, in seconds
	$(BIN)/pytest -q --disable-socket --allow-unix-socket -m "not sockets and not processes" \
		$(ROOMS:%=tests/unit_tests/%) $(ARGS)

test: .venv/dev ## run every test that needs no network, and check the coverage
	$(BIN)/pytest --cov --cov-report=term --cov-fail-under=$(COVERAGE) $(ARGS)

test_lowest: .venv/ready ## run the tests with the oldest dependencies that pyproject.toml allows
	@$(PIP) install $(NOX)
	$(BIN)/nox --error-on-missing-interpreters --session lowest -- $(ARGS)

test_all_pythons: .venv/ready ## run the tests with the newest dependencies on every Python from 3.11 on
	@$(PIP) install $(NOX)
	$(BIN)/nox --session all_pythons -- $(ARGS)

test_prerelease: .venv/ready ## run the tests with the newest pre-release of langchain-core
	@$(PIP) install $(NOX)
	$(BIN)/nox --session prerelease -- $(ARGS)

test_wheel: build ## run the tests of the sdist on the installed wheel
	@$(PIP) install $(NOX)
	$(BIN)/nox --session wheel -- $(ARGS)

coverage: .venv/dev ## the same, with a report in htmlcov/
	$(BIN)/pytest --cov --cov-report=term --cov-report=html $(ARGS)

integration_tests: .venv/dev ## run the standard integration tests (ONLYSQ_LIVE=1: the real service)
	$(BIN)/pytest tests/integration_tests $(ARGS)

prompt_cost: .venv/demo ## print what tools cost in the prompt, in estimated tokens
	@$(BIN)/python examples/prompt_cost.py

soak: .venv/dev ## 1,000 conversations with a server that fails, 10,000 rounds of dropped streams
	@$(BIN)/python -m tests.soak $(ARGS)
	@echo "Ten thousand dropped streams, collected in the middle of calls; a minute or two …"
	@LEFTOVER_ROUNDS=2500 $(BIN)/pytest -q tests/unit_tests/transport/test_leftovers.py

profiles: .venv/dev ## rebuild the table of well-known models from the facts of models.dev
	$(BIN)/python scripts/build_profiles.py $(ARGS)

BENCH_ARGS = --rounds $(or $(ROUNDS),5) $(if $(ONLY),--only $(ONLY)) $(ARGS)

bench: .venv/demo ## measure what a call costs, some minutes (ROUNDS=2 ONLY=stream,invoke: less)
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

.venv-peers/ready: .venv/ready pyproject.toml
	@echo "Installing the package and its peers in .venv-peers …"
	@$(BIN)/python -m venv .venv-peers
	@$(PEERS)/pip --disable-pip-version-check --quiet install \
		--editable . langchain-openai langchain-mistralai
	@touch $@

bench_peers: .venv-peers/ready ## the same beside ChatOpenAI and ChatMistralAI
	@$(PEERS)/python -m benchmarks --peers $(BENCH_ARGS)

lint: .venv/dev ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/dev ## mend style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: .venv/dev ## check types
	$(BIN)/mypy

type_public: .venv/dev ## check the public types with pyright, too; it brings Node.js along
	@$(PIP) install 'pyright[nodejs]>=1.1.408'
	$(BIN)/pyright --pythonpath $(BIN)/python

build: .venv/ready ## make a wheel and an sdist in dist/, and check what an index would show
	@$(PIP) install 'build>=1.2' 'twine>=6.1'
	@rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*

clean: ## remove what the targets made
	rm -rf .venv .venv-peers .nox dist build htmlcov .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
