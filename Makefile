# The commands of the project; each installs what it lacks (scripts/need) and does its job.
#   make demo [ARGS="--exit --json"]   a synthetic city's departments through the hub, in one process
#   make test                          all tests, against a PostgreSQL and a Kafka that they start themselves
#   make bench [ARGS="--quick --json"]  the hub in release beside its limits (hub/docs/performance.md)
#   make bench-link [ARGS="--json"]    how well and how fast `hub link` links, beside splink (hub/docs/linkage.md)
#   make lint                          formatting, clippy, documentation, licences

.PHONY: demo test bench bench-link lint deny vendored
.DEFAULT_GOAL := demo
ARGS ?=

# Only the hub writes to stdout: with --json it is one object.
demo:
	@scripts/need build
	@CFLAGS="-g0 -O1" cargo run --profile demo -p hub -- demo $(ARGS)

# The hub's binary first: cargo builds the binary of another package for no test, and the cases start it as a process.
# `--tests` makes cargo choose the same features of the dependencies for both lines, so that nothing is built twice.
test:
	@scripts/need build test
	cargo build --workspace --bins --tests
	cargo test --workspace

# Exit code 3: a target is not met and the page on performance does not say why.
bench:
	@scripts/need build test
	@cargo build --release -p hub -p integration-tests --bin hub --bin bench
	@"$${CARGO_TARGET_DIR:-target}/release/bench" $(ARGS)

# Exit code 3: a target is not met.
bench-link:
	@scripts/need build
	@cargo build --release -p integration-tests --bin bench-link
	@"$${CARGO_TARGET_DIR:-target}/release/bench-link" $(ARGS)

lint:
	@scripts/need build lint
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items
	@scripts/deny

# Everything that is a library of the system otherwise is built from the crates' own copies: takes long, tried by hand.
vendored:
	@scripts/need build vendored
	cargo build --release -p hub --features vendored
