# Needs git, make and Python 3.11, 3.12 or 3.13. `make` alone prints the targets.

VENV := .venv
OLDEST := .venv-oldest
PY := $(VENV)/bin/python
PIP := -m pip install --quiet --disable-pip-version-check
CACHE := $(CURDIR)/.cache

# Compiled kernels are kept apart by mode and by the text of all kernels: numba itself misses a change in another file.
KERNELS := $(shell cat synfwp/kernels/*.py | cksum | tr ' ' '-')
export SYNFWP_MODE := jit
export NUMBA_CACHE_DIR := $(CACHE)/numba/jit-$(KERNELS)

# Leaves in $$py the first interpreter that really runs, is 3.11 to 3.13 and can make environments.
define FIND_PYTHON
py=; seen=; \
for p in $(if $(PYTHON),"$(PYTHON)",python3.13 python3.12 python3.11 python3 python); do \
  v=$$("$$p" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || v="not one that runs"; \
  case "$$v" in \
    3.11|3.12|3.13) if "$$p" -c 'import ensurepip' >/dev/null 2>&1; then py="$$p"; break; else v="$$v without venv"; fi ;; \
  esac; \
  seen="$$seen; $$p is $$v"; \
done; \
if [ -z "$$py" ]; then \
  echo "synfwp needs Python 3.11, 3.12 or 3.13 with its venv module$$seen." >&2; \
  echo "Install one, or name one: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; \
fi
endef

.PHONY: help demo test tests-one tests-two fuzz test-programs programs-one programs-two test-modes mode-nojit mode-bounds mode-oldest test-torch warm figures coverage bench docs picture lint stubs clean python FORCE
.DEFAULT_GOAL := help

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.core  ## set up, run the main job on real numbers, draw the first figure
	$(VENV)/bin/synfwp demo --force

# Folders of tests that the second process runs; the first runs the doctests and all other tests, new ones too.
SECOND := inference measures memory plastic plasticity plot programmer reference results spiking substrates tasks theory

# Programs and notebooks in quick mode, which take as long as all other tests; by two processes again.
PROGRAMS_ONE := tests/models tests/test_settings.py
PROGRAMS_TWO := tests/analyses tests/test_notebooks.py

# Two processes share the tests and the cache of compiled kernels.
test: lint  ## set up, then lint, types, import contracts and all tests but slow ones and programs
	$(MAKE) --no-print-directory -j2 tests-one tests-two

tests-one:
	$(PY) -m pytest -q -m "not slow" synfwp tests $(addprefix --ignore=tests/,$(SECOND)) \
	  $(addprefix --ignore=,$(PROGRAMS_ONE) $(PROGRAMS_TWO)) -o cache_dir="$(CACHE)/pytest-one"

tests-two:
	$(PY) -m pytest -q -m "not slow" $(addprefix tests/,$(SECOND)) -o cache_dir="$(CACHE)/pytest-two"

test-programs: $(VENV)/.test  ## models, analyses and notebooks in quick mode
	$(MAKE) --no-print-directory -j2 programs-one programs-two

programs-one:
	$(PY) -m pytest -q -m "not slow" $(PROGRAMS_ONE) -o cache_dir="$(CACHE)/pytest-programs-one"

programs-two:
	$(PY) -m pytest -q -m "not slow" $(PROGRAMS_TWO) -o cache_dir="$(CACHE)/pytest-programs-two"

# Two at a time: each mode is one process with a cache of its own, and prints when it has ended.
test-modes: $(VENV)/.test $(OLDEST)/.test  ## kernel tests without the compiler, with bounds checks, on the oldest versions
	$(MAKE) --no-print-directory -j2 --output-sync=target mode-nojit mode-bounds mode-oldest

mode-nojit:
	SYNFWP_MODE=nojit NUMBA_DISABLE_JIT=1 $(PY) -m pytest -q -m kernels tests -o cache_dir="$(CACHE)/pytest-nojit" \
	  --cov=synfwp.kernels --cov=synfwp.reference --cov-report=term-missing:skip-covered

mode-bounds:
	SYNFWP_MODE=bounds NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR="$(CACHE)/numba/bounds-$(KERNELS)" \
	  $(PY) -m pytest -q -m kernels tests -o cache_dir="$(CACHE)/pytest-bounds"

mode-oldest:
	SYNFWP_MODE=oldest NUMBA_CACHE_DIR="$(CACHE)/numba/oldest-$(KERNELS)" \
	  $(OLDEST)/bin/python -m pytest -q -m kernels tests -o cache_dir="$(CACHE)/pytest-oldest"

test-torch: $(VENV)/.torch  ## tests of the PyTorch bridge (installs PyTorch into .venv)
	$(PY) -m pytest -q tests/test_torch.py

fuzz: $(VENV)/.test  ## 100,000 random calls of all entry points (CALLS=, FUZZ_SEED=); one of them: make fuzz CASE=number
	PYTHONPATH=tests $(PY) -m fuzz --calls $(or $(CALLS),100000) $(if $(FUZZ_SEED),--seed $(FUZZ_SEED)) \
	  $(if $(CASE),--case $(CASE),$(if $(CALLS),,--out docs/results/fuzz.txt))

kills: $(VENV)/.test  ## 200 kills at random moments of saves, checkpoints, cells and other writes (KILLS=)
	PYTHONPATH=tests OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(PY) -m kills --kills $(or $(KILLS),200) \
	  $(if $(KILLS),,--out docs/results/kills.txt)

warm: $(VENV)/.test  ## compile every kernel into the cache, by running the kernel tests once
	$(PY) -m pytest -q -m kernels tests

figures: $(VENV)/.test  ## every model and analysis at full size (hours; finished parts are kept), scorecard, slow tests
	mkdir -p results
	failed=; for f in models/*.py analyses/*.py; do if [ -e "$$f" ]; then \
	  n=$$(basename "$$f" .py); \
	  if $(VENV)/bin/synfwp figures --only "$$n" --force --jobs 2 --cells docs/cells > results/$$n.txt; then \
	    cat results/$$n.txt; cp results/$$n.txt results/$$n.json docs/results/; cp figures/$$n.png docs/figures/; \
	  else failed="$$failed $$n"; fi; fi; done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi
	$(VENV)/bin/synfwp scorecard > /dev/null
	$(PY) tests/pages.py
	$(PY) -m pytest -q -m slow || [ $$? -eq 5 ]  # 5: no test is marked slow

coverage: $(VENV)/.test  ## how often intervals of fits hold the truth, on 5200 simulated tables (three quarters of an hour)
	PYTHONPATH=tests $(PY) tests/interval_coverage.py --out docs/results/coverage.txt

bench: $(VENV)/.test  ## run every program of benchmarks/
	for f in benchmarks/*.py; do if [ -e "$$f" ]; then $(PY) "$$f" || exit 1; fi; done

docs: $(VENV)/.docs  ## the documentation as a site, docs/_build/html/index.html: every page, rule, model and public name
	$(PY) -m sphinx -W --keep-going -q -j 2 -b html -d docs/_build/trees docs docs/_build/html

picture: $(VENV)/.test  ## draw docs/figures/four_forms.png, the picture of the README, and those of the journeys
	$(PY) docs/site/four_forms.py
	$(PY) docs/site/journeys.py

lint: $(VENV)/.test  ## style, spelling, types and import contracts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/typos
	$(PY) -m mypy synfwp
	for d in models analyses; do if ls $$d/*.py >/dev/null 2>&1; then $(PY) -m mypy $$d || exit 1; fi; done
	$(VENV)/bin/lint-imports --cache-dir "$(CACHE)/import-linter"

stubs: $(VENV)/.test  ## write synfwp/__init__.pyi, the types of the public names
	$(PY) tests/public_types.py

clean:  ## remove environments, caches and builds; results/ and figures/ stay
	rm -rf $(VENV) $(OLDEST) .cache dist build docs/_build docs/generated .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@$(FIND_PYTHON); echo "$$py"

# Made once; again with another PYTHON=. Writing no new stamp means that nothing below has to be installed again.
$(VENV)/.created: $(if $(PYTHON),FORCE)
	@$(FIND_PYTHON); \
	v=$$("$$py" -c 'import platform; print(platform.python_version())'); \
	if [ "$$(cat $@ 2>/dev/null)" != "$$v" ]; then \
	  echo "Python $$v ($$py) makes $(VENV)"; "$$py" -m venv --clear $(VENV) && echo "$$v" > $@; \
	fi

$(OLDEST)/.created: $(VENV)/.created
	$(PY) -m venv --clear $(OLDEST)
	@touch $@

$(VENV)/.core: $(VENV)/.created pyproject.toml constraints.txt
	@echo "Installing synfwp into $(VENV), once (a minute or two)"
	$(PY) $(PIP) -c constraints.txt -e .
	@touch $@

$(VENV)/.test: $(VENV)/.created pyproject.toml constraints.txt
	@echo "Installing synfwp and its test tools into $(VENV), once (a minute or two)"
	$(PY) $(PIP) -c constraints.txt -e ".[test,data,sweep,cluster]"
	@touch $(VENV)/.core $@

$(VENV)/.docs: $(VENV)/.test
	$(PY) $(PIP) -c constraints.txt -e ".[test,data,sweep,cluster,docs]"
	@touch $@

$(VENV)/.torch: $(VENV)/.test
	$(PY) $(PIP) -c constraints.txt -e ".[test,data,sweep,cluster,torch]"
	@touch $@

$(OLDEST)/.test: $(OLDEST)/.created pyproject.toml constraints-oldest.txt
	@echo "Installing the oldest supported versions into $(OLDEST), once (a minute or two)"
	$(OLDEST)/bin/python $(PIP) -c constraints-oldest.txt -e ".[test]"
	@touch $@
