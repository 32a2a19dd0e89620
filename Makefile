# make run    do the course task            make bench  measure beside the alternatives
# make test   check everything              make lock   resolve the dependencies anew
# make hooks  check style and types before every commit
# make course build the report and the talks

SHELL := /bin/sh
LOCK := uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
	--only-binary :all: --emit-build-options
# 3.11 is recommended: all tests run on it, and it has wheels for the most systems.
RECOMMENDED_FIRST := python3.11 python3.12 python3.13 python3.14 python3 python
# The lock has wheels for these versions and no others.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for p in $(RECOMMENDED_FIRST); do \
	$$p -c '$(FITS)' 2>/dev/null && echo $$p && break; done)

# Make the virtual environment and install a lock file into it, checking every hash.
define install
@"$(PYTHON)" -c '$(FITS)' 2>/dev/null || { echo "benkit needs Python 3.11 to 3.14; found \
$(or $(PYTHON),none on the PATH). \
Install Python 3.11, or name one that is there: make run PYTHON=/path/to/python" >&2; exit 2; }
@echo "Setting up .venv from $(1); this is needed once" >&2
@if command -v uv >/dev/null; then \
	uv venv --quiet --allow-existing --python "$(PYTHON)" .venv && \
	uv pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes -r $(1); \
else \
	"$(PYTHON)" -m venv .venv && \
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); \
fi >&2
@touch $@
endef

.PHONY: run test format bench course lock hooks

run: .venv/run.stamp
	@.venv/bin/python main.py

test: .venv/test.stamp
	.venv/bin/ruff format --check --quiet .
	.venv/bin/ruff check --quiet .
	.venv/bin/mypy
	.venv/bin/python -m pytest --numprocesses 2

format: .venv/test.stamp
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

bench: .venv/test.stamp
	PYTHONPATH=. .venv/bin/python benchmarks/run.py

hooks: .venv/test.stamp
	git config core.hooksPath hooks

course: .venv/test.stamp
	.venv/bin/python -m course.build $(if $(MEASURE),--measure)

lock: .venv/test.stamp
	.venv/bin/$(LOCK) --upgrade pyproject.toml --output-file requirements.lock
	.venv/bin/$(LOCK) --upgrade --group dev --constraints requirements.lock \
		--output-file requirements-dev.lock

.venv/run.stamp: requirements.lock
	$(call install,requirements.lock)

.venv/test.stamp: requirements-dev.lock .venv/run.stamp
	$(call install,requirements-dev.lock)
