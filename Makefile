# Each target is one line: it sets up .venv and calls `python -m labkit`, which also works without make.
PYTHON ?= python3
JOBS ?= 1
LAB = $(PYTHON) -m labkit setup --extra $(1) && $(VENV_PYTHON) -m labkit
VENV_PYTHON = .venv/bin/python
.PHONY: help setup book student test quick lab sync doctor clean

help:    ## this list
	@$(PYTHON) -m labkit help
setup:   ## make .venv with everything
	@$(PYTHON) -m labkit setup
book:    ## execute the lessons and render the HTML book (JOBS=2: two lessons side by side)
	@$(call LAB,book) book --jobs $(JOBS)
student: ## write the lessons with blanks for students
	@$(call LAB,book) student
test:    ## all tests
	@$(call LAB,test) test
quick:   ## the tests that take under two minutes
	@$(call LAB,test) test --quick
lab:     ## JupyterLab on the lessons
	@$(call LAB,lab) lab
sync:    ## write notebooks/*.ipynb from notebooks/*.py
	@$(call LAB,book) sync
doctor:  ## what is well and what is not on this machine
	@$(or $(wildcard $(VENV_PYTHON)),$(PYTHON)) -m labkit doctor
clean:   ## remove what was built; .venv and the cached data stay
	@$(PYTHON) -m labkit clean
