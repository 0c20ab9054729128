# Every verb sets up what it needs: a virtual environment in .venv, made again only when a
# pyproject.toml or constraints.txt has changed. PYTHON=python3.12 chooses the interpreter of a new one.

VENV := .venv
BIN := $(VENV)/bin
MANIFESTS := $(wildcard core/pyproject.toml plugins/*/pyproject.toml conformance/pyproject.toml)
MEMBERS := $(MANIFESTS:/pyproject.toml=)
INSTALLED := $(VENV)/.installed
TOOLS := $(VENV)/.tools-installed

.DEFAULT_GOAL := help
.PHONY: help demo test lint type docs bench conformance wheels format pins clean

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(INSTALLED) ## Run the tour of what rota does (DEMO_ARGS=...)
	$(BIN)/python examples/audit/main.py $(DEMO_ARGS)

test: $(INSTALLED) ## Run all tests (PYTEST_ARGS="-k cron")
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(TOOLS) ## Check style, format and who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

type: $(TOOLS) ## Check types, with mypy and pyright
	$(BIN)/mypy
	$(BIN)/pyright

docs: $(INSTALLED) ## Run every example of the documents
	$(BIN)/python -m pytest tests/test_docs.py core/tests/cli/test_manual.py core/tests/plugins/test_hooks.py

bench: $(INSTALLED) ## Measure everything (BENCH_ARGS="--runs 3")
	for benchmark in core limits flows schedules process sqlite kv; do \
	  echo "== $$benchmark"; $(BIN)/python benchmarks/$$benchmark.py $(BENCH_ARGS) || exit 1; \
	done

conformance: $(INSTALLED) ## Hold every store against the whole suite, and write the reports (PROFILE=ci)
	$(BIN)/python .ci/run_conformance.py $(or $(PROFILE),ci)

wheels: $(INSTALLED) ## Build every wheel into dist/ and try each alone in a clean environment
	$(BIN)/python .ci/check_wheels.py

format: $(TOOLS) ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

pins: $(TOOLS) ## Write constraints.txt from what .venv holds now
	.ci/pin_versions $(BIN)/python

clean: ## Remove what was built and all caches (the environment stays: rm -r .venv)
	rm -rf dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find core plugins conformance tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(INSTALLED): pyproject.toml $(MANIFESTS) constraints.txt
	PYTHON='$(PYTHON)' .ci/make_environment $(VENV) $(MEMBERS)
	@touch $@

$(TOOLS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group lint
	@touch $@
