# `make demo`, `make test` and `make check` set everything up by themselves: a .venv in this folder, from python3 and pip alone.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
SITE := .venv/.site
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' lead_mcp/__init__.py)
CHECKSUMS := cd dist && rm -f SHA256SUMS && sha256sum * > SHA256SUMS
# As many processes as tests/conftest.py says; a module's tests stay together, since they share servers and emulators.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: demo test check thorough clients docs format bench bench-peers mcpb dist sbom image audit soak faults fuzz engines clean

demo: $(READY)
	$(BIN)/lead-mcp demo

# In three minutes: few examples of each property, none of the tests marked slow.
test: $(READY)
	$(PYTEST) -m "not slow and not clients"

# Everything, and what CI runs: format, lint, types, all tests with as many examples as they name.
check: $(READY) $(SITE)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(PYTEST) -rs -m "not clients" --hypothesis-profile=usual

# All tests with three times as many examples of each property.
thorough: $(READY)
	$(PYTEST) -rs -m "not clients" --hypothesis-profile=thorough

# Every vendor, every fault, every tool, and docs/faults.md: about ten minutes of processor time.
faults: $(READY)
	$(BIN)/python -m tests.faults

# The coverage-guided fuzzer (Linux), so many seconds over all its targets. What it finds stays in tests/fuzz/samples.
SECONDS ?= 60
fuzz: $(READY)
	@$(BIN)/python -c 'import atheris' 2>/dev/null || \
	  $(PYTHON) -m pip --python $(BIN)/python install -q --disable-pip-version-check 'atheris>=3,<4'
	$(BIN)/python -m tests.fuzz $(SECONDS)

# Other people's clients, installed outside this folder: conformance suites, SDKs, the MCP Inspector, and what turns tools
# into providers' forms.
clients: $(READY)
	$(BIN)/python -m pytest -rs tests/clients

# The docs site, into site/: built strictly, and every link of it followed.
docs: $(SITE)
	$(BIN)/python -m channels.site

# An export read by ClickHouse's engine, which is 180 MB and no dependency.
engines: $(READY)
	$(BIN)/python -m pip install -q --disable-pip-version-check 'chdb>=4,<5'
	$(BIN)/python -m pytest -rs tests/mirror/test_erasing.py -k another_engine

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The bundle for desktop clients, into dist/. `make clients` checks it with the bundles' own command.
mcpb: $(READY)
	$(BIN)/python -m channels.bundle dist

# Everything that is handed out, with checksums: wheel, sdist, bundle, and a list of what is in the wheel's environment.
dist: $(READY)
	rm -rf dist
	$(BIN)/python -m hatchling build -d dist
	$(BIN)/python -m channels.bundle dist
	$(BIN)/python -m channels.sbom dist
	$(CHECKSUMS)

# What comes with the wheel in dist/ and all its extras, as CycloneDX, beside it.
sbom: $(READY)
	$(BIN)/python -m channels.sbom dist

# The container image as a file in dist/, for `docker load`. Needs docker.
image:
	mkdir -p dist
	docker build -t lead-mcp:$(VERSION) .
	docker save lead-mcp:$(VERSION) | gzip -n > dist/lead-mcp-$(VERSION)-image.tar.gz
	$(CHECKSUMS)

# Known weaknesses in what constraints.txt names. Exit code 2, and words, where whoever knows cannot be asked.
audit: $(READY)
	$(BIN)/python -m channels.audit

bench: $(READY)
	$(BIN)/python -m benchmarks

# Beside public servers of the same kind, installed outside this folder; over loopback alone.
bench-peers: $(READY)
	$(BIN)/python -m benchmarks.peers --write docs/benchmarks.md

# Servers under mixed load for an hour, or as long as MINUTES says: nothing may grow, stall, get lost or be written twice.
MINUTES ?= 60
soak: $(READY)
	$(BIN)/python -m soak --minutes $(MINUTES)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "lead-mcp needs Python 3.11 or newer; set PYTHON=..."; exit 1; }
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv -q --allow-existing --python $(PYTHON) .venv && uv pip install -q --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[dev]'; \
	elif $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
	  $(PYTHON) -m venv .venv && $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'; \
	else \
	  $(PYTHON) -m venv --without-pip .venv && \
	  $(PYTHON) -m pip --python $(BIN)/python install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'; \
	fi
	@touch $(READY)

# What builds the docs site is no small thing, and nothing else needs it.
$(SITE): $(READY)
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install -q --python $(BIN)/python -c constraints.txt zensical; \
	elif $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt zensical; \
	else \
	  $(PYTHON) -m pip --python $(BIN)/python install -q --disable-pip-version-check -c constraints.txt zensical; \
	fi
	@touch $(SITE)
