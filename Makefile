# From a checkout and Python 3.11: `make run` serves the sample articles, `make check` runs every check.

PYTHON ?= python3
UV ?= uv
DOCKER ?= docker
VENV ?= .venv

BIN := $(VENV)/bin
# pip-audit has an environment of its own: the lock files do not have its packages.
PIP_AUDIT := 2.10.1
AUDIT := $(VENV)-audit
# Another Python, or a changed lock file, makes a new environment.
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
BASE := $(VENV)/.base-$(VERSION)
RUNTIME := $(VENV)/.runtime-$(VERSION)
ALL := $(VENV)/.all-$(VERSION)
DEV := $(VENV)/.dev-$(VERSION)
RAY := $(VENV)/.ray-$(VERSION)
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input
# Unset the developer's keys and settings before running tests.
NO_KEYS := for name in $$(env | sed -n -e 's/^\(DATELINE_[A-Z0-9_]*\)=.*/\1/p' -e 's/^\(OPENAI_[A-Z0-9_]*\)=.*/\1/p'); \
    do unset $$name; done; unset CHROMA_URL;

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help install install-all install-ray dev run test check soak bench audit lock docs image clean

help:
	@echo 'make run      install, ingest articles/ unless an index exists, serve on http://127.0.0.1:8000 (PORT=… for another port)'
	@echo 'make install  install $(BIN)/dateline into $(VENV)'
	@echo 'make install-all  install it with the optional parts: MCP, and limits in Redis or Valkey'
	@echo 'make install-ray  install it with Ray, whose clusters can embed a large archive (270 MB more)'
	@echo 'make test     install, run the tests'
	@echo 'make check    format, lint, types, imports, the offline eval gate, tests: what CI runs'
	@echo 'make soak     run the load, fault and attack programs (an hour)'
	@echo 'make bench    measure beside stock LlamaIndex (BENCH="--quick", "--bench PATH", "--work PATH", "--write")'
	@echo 'make audit    check the locked packages for known vulnerabilities (needs the network)'
	@echo 'make docs     generate docs/settings.md and .env.example from the settings'
	@echo 'make lock     resolve requirements*.lock from pyproject.toml (needs uv)'
	@echo 'make image    build the container image `dateline`'
	@echo 'make clean    remove the environment and all caches, but not data/'

install: $(RUNTIME)

install-all: $(ALL)

install-ray: $(RAY)

dev: $(DEV)

run: install
	@$(BIN)/python -c 'from index.layout import current_name; from index.settings import IndexSettings; \
	    raise SystemExit(current_name(IndexSettings().data) is None)' || $(BIN)/dateline ingest articles
	@exec $(BIN)/dateline serve $(if $(PORT),--port $(PORT))

# One process runs each group of tests, see tests/conftest.py; the slow files of one test come early. Tests start many
# processes of Python, which keep what they compile.
TESTS := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n auto --dist loadgroup --no-loadscope-reorder

test: dev
	@$(NO_KEYS) $(TESTS)

check: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --no-cache .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(CHECK_WIDGET)
	@$(NO_KEYS) $(BIN)/dateline eval gate
	@$(NO_KEYS) $(TESTS)

# Check the widget's JSDoc types if Node is installed; npx fetches the compiler into its own cache.
TYPESCRIPT := typescript@7.0.2
TSC := npm_config_fetch_retries=0 npx --yes --package $(TYPESCRIPT) -- tsc
define CHECK_WIDGET
if ! command -v npx >/dev/null; then \
    echo 'npx is not installed (apt install nodejs npm): the type check of the widget is skipped.' >&2; \
elif ! $(TSC) --version </dev/null >/dev/null 2>&1; then \
    echo '$(TYPESCRIPT) cannot be fetched or run: the type check of the widget is skipped.' >&2; \
else echo 'tsc --project service/widget/jsconfig.json'; $(TSC) --project service/widget/jsconfig.json </dev/null; fi
endef

soak: dev
	@$(NO_KEYS) $(BIN)/python -m tests.soak

bench: dev
	@$(NO_KEYS) OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.suite $(BENCH)

audit: $(AUDIT)/.pip-audit-$(PIP_AUDIT)
	@$(AUDIT)/bin/python -m tests.audit

$(AUDIT)/.pip-audit-$(PIP_AUDIT):
	@$(PYTHON) -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/python -m pip --quiet --disable-pip-version-check --no-input install pip-audit==$(PIP_AUDIT)
	@touch $@

docs: dev
	$(BIN)/python -m tests.settings_page
	$(BIN)/python -m tests.sources_page

lock:
	@command -v $(UV) >/dev/null || { echo 'uv is not installed. Fix: pipx install uv' >&2; exit 1; }
	$(UV) pip compile $(LOCKED) --group build --group model $(OPTIONAL) --group dev --output-file requirements-dev.lock
	$(UV) pip compile $(SAME) --group build --group model $(OPTIONAL) --output-file requirements-all.lock
	$(UV) pip compile $(SAME) --group build --group model --output-file requirements.lock
	$(UV) pip compile $(SAME) --group build --group model --group ray --output-file requirements-ray.lock

# The largest lock comes first, because each contains the smaller ones.
OPTIONAL := --group mcp --group redis
LOCKED := pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(UPGRADE)
SAME := $(LOCKED) --constraint requirements-dev.lock

image:
	$(DOCKER) build --tag dateline .

clean:
	rm -rf $(VENV) $(AUDIT) dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(RUNTIME): $(BASE) pyproject.toml
	@test -f $@ || echo 'Installing Dateline into $(VENV); the first time takes a few minutes.'
	@$(PIP) install --no-deps --require-hashes -r requirements.lock || { $(WHY_PIP_FAILED); exit 1; }
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# requirements-all.lock contains requirements.lock as well.
$(ALL): $(BASE) pyproject.toml
	@test -f $@ || echo 'Installing Dateline with all its parts into $(VENV); the first time takes a few minutes.'
	@$(PIP) install --no-deps --require-hashes -r requirements-all.lock || { $(WHY_PIP_FAILED); exit 1; }
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(RUNTIME) $@

# Its versions are those of the other locks, so that they can be installed into one environment.
$(RAY): $(BASE) pyproject.toml
	@test -f $@ || echo 'Installing Dateline with Ray into $(VENV); the first time takes a few minutes.'
	@$(PIP) install --no-deps --require-hashes -r requirements-ray.lock || { $(WHY_PIP_FAILED); exit 1; }
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(RUNTIME) $@

# requirements-dev.lock contains requirements-all.lock as well.
$(DEV): $(BASE) pyproject.toml
	@test -f $@ || echo 'Installing Dateline and its tools into $(VENV); the first time takes a few minutes.'
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.lock || { $(WHY_PIP_FAILED); exit 1; }
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(RUNTIME) $(ALL) $@

$(BASE): requirements.lock requirements-all.lock requirements-dev.lock requirements-ray.lock
	@command -v $(PYTHON) >/dev/null || { \
	    echo '$(PYTHON) is not installed. Fix: apt install python3 python3-venv ca-certificates' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "$$($(PYTHON) -V 2>&1) is too old: Dateline needs 3.11 or newer. Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo '$(PYTHON) has no venv module. Fix: apt install $(notdir $(PYTHON))-venv ca-certificates' >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# pip on Debian uses the system's certificates, which a minimal system lacks.
define WHY_PIP_FAILED
$(BIN)/python -c 'import os; from pip._vendor import certifi; raise SystemExit(not os.path.isfile(certifi.where()))' || \
    echo 'The system has no CA certificates. Fix: apt install ca-certificates' >&2
endef
