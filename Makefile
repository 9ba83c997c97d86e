# What a person types here; `make` alone lists it. Every step is quick when there is nothing left to do.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Where cargo puts installed tools may not be on the PATH of a fresh shell.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
SERVER := $(TARGET_DIR)/release/inferboard-server
# What the page is made of: a change here, folders included, builds it again.
PAGE_SOURCES := $(wildcard Cargo.toml Cargo.lock Trunk.toml index.html rust-toolchain.toml .cargo/config.toml scripts/boot.sh) \
	$(shell find src public crates/catalogue crates/findings crates/plot crates/prometheus-api 2>/dev/null)

.PHONY: help
help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r goal text; do printf '  make %-12s %s\n' "$$goal" "$$text"; done

.PHONY: run
run: server ## Build what is missing and start the companion with the page: make run ARGS="--target http://127.0.0.1:8000"
	@exec $(SERVER) $(ARGS)

.PHONY: demo
demo: server ## Build what is missing and show a simulated fleet with a week of history: make demo ARGS="--scenario surge"
	@exec $(SERVER) demo $(ARGS)

.PHONY: setup-build
setup-build: ## Install what building needs: a C compiler, the toolchain, trunk, wasm-bindgen, wasm-opt
	@scripts/setup-build

.PHONY: setup-test
setup-test: ## Install what the tests need: what building needs, browsers, and peers to compare with
	@scripts/setup-test

.PHONY: page
page: dist/index.html ## Build the page into dist/

dist/index.html: $(PAGE_SOURCES) | setup-build
	@echo "Building the page into dist/."
	@cargo fetch
	@env -u NO_COLOR PATH="$(CURDIR)/scripts/bin:$$PATH" TRUNK_OFFLINE=true TRUNK_SKIP_VERSION_CHECK=true trunk build --release
	@touch $@

.PHONY: dist
dist: page ## Build the page for a static host: dist/, with a config.json of yours beside index.html
	@echo "dist/ can be served from any static host or folder; docs/static-hosting.md says what config.json may say."

.PHONY: server
server: page ## Build the companion, the page inside it
	@echo "Building the companion."
	@cargo build --release -p inferboard-server

.PHONY: deb
deb: server ## Make a Debian package of the companion with its service, into target/packages
	@scripts/package deb --program $(SERVER) --out $(TARGET_DIR)/packages

.PHONY: try-package
try-package: deb ## Install the Debian package on a bare Debian that boots in a container; needs root, debootstrap and systemd-nspawn
	@scripts/try-package

.PHONY: image
image: server ## Make a container image of the companion without a daemon, into target/packages
	@scripts/package image --program $(SERVER) --out $(TARGET_DIR)/packages

.PHONY: chart
chart: ## Render the Helm chart for the tests, after a change of it; needs helm
	@scripts/chart

.PHONY: release
release: page ## Make the files of a release for this machine, into target/release-files: make release ARGS="--target x86_64-unknown-linux-musl"
	@scripts/release $(ARGS)

.PHONY: test
test: setup-test page ## Run every test: native, in the browser, and the parts together
	@scripts/test

.PHONY: setup-lint
setup-lint: setup-build ## Install what linting needs: what building needs, and cargo-deny
	@scripts/setup-lint

.PHONY: lint
lint: setup-lint ## Check the format, the dependencies and the lints, natively and for wasm
	@scripts/lint

.PHONY: audit
audit: setup-lint ## Look for security advisories about the dependencies; needs a network
	@.tools/lint/bin/cargo-deny --workspace check advisories

.PHONY: shots
shots: setup-test server ## Take pictures of the page, in both themes and five widths, into target/shots, and README's picture
	@echo "Taking pictures into $(TARGET_DIR)/shots."
	@INFERBOARD_SERVER="$(abspath $(SERVER))" cargo run -p inferboard-tests --bin shots -- $(TARGET_DIR)/shots
	@cp $(TARGET_DIR)/shots/requests-light-1280.png docs/page.png

.PHONY: truth
truth: setup-test server ## Compare every figure of the page with the truth, over each backend and range (an hour)
	@scripts/truth

.PHONY: upstream
upstream: ## List what the newest releases of engines define beside what the catalogue reads, into docs; needs a network: make upstream RELEASES="vllm my.whl"
	@scripts/upstream --download --out docs/coverage-upstream.md $(RELEASES)

.PHONY: faults
faults: setup-test server ## Attack the companion, row by row, beside its peers: FAULTS_ROWS=S60,T01 make faults (ten minutes)
	@scripts/faults

.PHONY: nightly
nightly: ## Fuzz each parser for a minute, and run the long tests: FUZZ_SECONDS=600 make nightly
	@scripts/setup-nightly
	@scripts/nightly

.PHONY: bench
bench: setup-test server .tools/bench/package.json ## Measure: reading and scraping beside peers; the page's size, drawing, refreshing, crosshair, a day's memory; many viewers
	@echo "Measuring how fast pages are read."
	@PROMETHEUS_CLIENT_PYTHON="$${PROMETHEUS_CLIENT_PYTHON:-$(CURDIR)/.tools/python/bin/python}" \
		cargo bench --quiet -p exposition --bench metrics_pages
	@command -v node >/dev/null || { echo "skipped: node is not installed." && exit; }; \
		INFERBOARD_SERVER="$(abspath $(SERVER))" exec node benches/scrape.mjs
	@echo "Building the drawing benchmark."
	@cargo build --quiet --profile wasm-release --example draw --target wasm32-unknown-unknown
	@wasm-bindgen --target web --no-typescript --out-dir $(TARGET_DIR)/bench \
		$(TARGET_DIR)/wasm32-unknown-unknown/wasm-release/examples/draw.wasm
	@command -v node >/dev/null || { echo "skipped: node is not installed." && exit; }; \
		INFERBOARD_SERVER="$(abspath $(SERVER))" node benches/page.mjs "$(abspath $(TARGET_DIR))/bench"; \
		INFERBOARD_SERVER="$(abspath $(SERVER))" node benches/crosshair.mjs; \
		INFERBOARD_SERVER="$(abspath $(SERVER))" node benches/day.mjs; \
		INFERBOARD_SERVER="$(abspath $(SERVER))" node benches/timeline.mjs; \
		INFERBOARD_SERVER="$(abspath $(SERVER))" node benches/watched.mjs; \
		INFERBOARD_SERVER="$(abspath $(SERVER))" exec node benches/viewers.mjs

.PHONY: bench-peers
bench-peers: setup-test server ## Measure history beside Prometheus and VictoriaMetrics: size, queries, load (15 minutes)
	@echo "Building what gives each a history."
	@cargo build --quiet --release -p inferboard-benches
	@command -v node >/dev/null || { echo "skipped: node is not installed." && exit; }; \
		export INFERBOARD_SERVER="$(abspath $(SERVER))"; \
		node benches/peers.mjs "$(abspath $(TARGET_DIR))/release/fleet"; \
		node benches/long.mjs "$(abspath $(TARGET_DIR))/release/fleet" 7 15; \
		exec node benches/growth.mjs "$(abspath $(TARGET_DIR))/release" targets=200

.PHONY: growth
growth: setup-test server ## Measure how costs grow with targets, series, labels and history, beside peers (an hour): make growth ARGS="targets=20,1000"
	$(measure_growth) $(ARGS)

.PHONY: growth-quick
growth-quick: setup-test server ## Measure how costs grow with targets, beside peers (three minutes for each server)
	$(measure_growth) --quick $(ARGS)

define measure_growth
@echo "Building what serves targets and what gives a history."
@cargo build --quiet --release -p inferboard-benches
@command -v node >/dev/null || { echo "skipped: node is not installed." && exit; }; \
	INFERBOARD_SERVER="$(abspath $(SERVER))" exec node benches/growth.mjs "$(abspath $(TARGET_DIR))/release"
endef

.PHONY: soak
soak: server ## Watch 200 targets for an hour, with viewers and heavy queries, and see that nothing grows: SOAK_MINUTES=10 make soak
	@cargo build --quiet --release -p inferboard-benches
	@command -v node >/dev/null || { echo "skipped: node is not installed." && exit; }; \
		INFERBOARD_SERVER="$(abspath $(SERVER))" exec node benches/soak.mjs "$(abspath $(TARGET_DIR))/release/targets" $${SOAK_MINUTES:-60}

.tools/bench/package.json: benches/package.json
	@echo "Fetching what the page is measured with."
	@mkdir -p $(@D) && cp $< $@
	@npm install --prefix $(@D) --no-package-lock --no-audit --no-fund --loglevel error || rm $@

.PHONY: clean
clean: ## Remove what was built; the tools stay
	@echo "Removing what was built."
	@cargo clean
	@rm -rf dist
