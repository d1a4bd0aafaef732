# Every command of the project. Needs python3 (>= 3.11) and nothing else.

PYTHON ?= python3
BIN := .venv/bin
PYTEST_WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: acceptance bench clean golden help lint lock run setup setup-dev test torture

ifeq (bench,$(firstword $(MAKECMDGOALS)))
# What is named after `bench` is measured, not made.
BENCHES := $(wordlist 2,99,$(MAKECMDGOALS))
.PHONY: $(BENCHES)
$(BENCHES):
	@:
endif

run: setup ## Start everything on this machine and serve on http://127.0.0.1:8000 (PORT=...)
	@$(BIN)/quartier up

test: setup-dev ## Run the whole test suite
	$(BIN)/pytest -n $(PYTEST_WORKERS)

lint: setup-dev ## Check style, types, the direction of imports and the golden files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/quartier golden --check

golden: setup-dev ## Write the golden files again: review their difference
	$(BIN)/quartier golden

bench: setup-dev ## Measure on this machine, all or `make bench growth`; the relay needs Java and Maven
	$(if $(and $(shell command -v mvn),$(if $(BENCHES),$(filter relay,$(BENCHES)),all)),infra/kafka/start) \
		$(BIN)/python -m tests.bench $(BENCHES) $(if $(CONTRACTS),--contracts $(CONTRACTS))

acceptance: setup-dev ## Run what takes long: every attack, every combination, and `torture`
	$(BIN)/pytest -n $(PYTEST_WORKERS) -m "acceptance or torture"

torture: setup-dev ## Kill, cut and overload on purpose, for minutes
	$(BIN)/pytest -m torture

lock: setup-dev ## Choose the dependencies' versions again (UPGRADE=1 for the newest)
	$(call compile,base,--extra build)
	$(call compile,dev,--extra build --extra dev --constraints requirements/base.txt)

setup: .venv/.base
setup-dev: .venv/.dev

clean: ## Remove what was installed and cached; the data in .quartier stay
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache \
		.hypothesis .coverage infra/kafka/target
	find api domain infra projections tests -name __pycache__ -prune -exec rm -rf {} +

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The stamps hold the locks they were installed from: `make run` again starts at once, and a
# changed lock is installed before anything else. The locks name no index and every hash, so
# whatever index a machine is set up with serves the same bytes or nothing.
.venv/.base: requirements/base.txt pyproject.toml | .venv/bin/python
	$(call install,base)
	@touch $@

.venv/.dev: requirements/dev.txt requirements/base.txt pyproject.toml | .venv/bin/python
	$(call install,dev)
	@touch .venv/.base $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Quartier needs Python 3.11 or newer; name one with PYTHON=..."; exit 2; }
	$(PYTHON) -m venv .venv

define install
$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$(1).txt
$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endef

define compile
$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) $(2) pyproject.toml \
	--output-file requirements/$(1).txt
endef
