# Two commands from a fresh clone: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Most of the end-to-end tests' time is waiting, so more workers than cores are of use.
WORKERS ?= 5

.PHONY: demo test nightly bench bench-cluster soak check format docs clean

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	$(BIN)/python -m compileall -q crmsh_py  # pip does it for what it copies, but not for this
	touch $@

demo: $(VENV)/.installed
	$(BIN)/python examples/demo.py

test: $(VENV)/.installed check
	$(BIN)/pytest -q -n $(WORKERS) -m "not alone"
	$(BIN)/pytest -q -m alone

# What takes too long for every change: whole collections, ten thousand mutations.
nightly: $(VENV)/.installed
	CRM_NIGHTLY=1 $(BIN)/pytest -q -n auto --dist load --timeout 3600 \
		tests/scheduler/test_determinism.py tests/scheduler/test_mutations.py \
		tests/scheduler/test_sums.py

# Beside Pacemaker's and crmsh's own programs, where they are installed (docs/performance.md).
bench: $(VENV)/.installed
	$(BIN)/python -m compileall -q crmsh_py
	$(BIN)/python bench

# What is made from the program's own declarations; a test says when it is out of step.
docs: $(VENV)/.installed
	$(BIN)/crm help --markdown > docs/commands.md
	$(BIN)/crm help --man > docs/crm.8

# A lab beside Corosync and Pacemaker, and our shell beside crmsh on these: as root, with both
# and crmsh installed.
bench-cluster: $(VENV)/.installed
	$(BIN)/python bench/live.py
	$(BIN)/python bench/cluster_shell.py

# What takes hours: seeds without end, hundreds of other chaos, every planted bug, the log cut
# at every byte, ten minutes of real faults on five nodes, a million damaged inputs for every
# decoder.
# `make soak SEEDS=1000 FIRST=0 INPUTS=10000` runs fewer. The seeds go on where they were ended.
SEEDS ?= 100000
INPUTS ?= 1000000
FIRST ?= 10000
LOG ?= soak.log
MEMORY := $(firstword $(wildcard /dev/shm /tmp))
soak: $(VENV)/.installed
	$(BIN)/python tests/sim/soak.py --first $(FIRST) --seeds $(SEEDS) --log $(LOG)
	CRM_SOAK=1 TMPDIR=$(MEMORY) $(BIN)/pytest -q -s --timeout 7200 \
		tests/sim/test_cluster_mutations.py tests/node/test_store_crashes.py
	CRM_SOAK=1 $(BIN)/pytest -q -n auto --timeout 7200 tests/sim/test_quorum_chaos.py \
		tests/sim/test_migration_chaos.py tests/sim/test_onfail_chaos.py \
		tests/sim/test_remote_chaos.py tests/sim/test_guests.py tests/sim/test_mixed_chaos.py
	CRM_SOAK=1 $(BIN)/pytest -q -s --timeout 7200 tests/e2e/test_nemesis.py
	$(BIN)/python tests/soak/decoders.py --inputs $(INPUTS)

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache

# The screens of docs/shell.md, from real runs on a real lab.
.PHONY: pictures
pictures: $(VENV)/.installed
	PYTHONPATH=tests $(BIN)/python -m e2e.pictures
