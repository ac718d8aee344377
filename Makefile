# Forwards only: meson builds, cargo tests.
.PHONY: build test demo bench soak sanitize mutants count install clean lint
BUILD ?= build
FACES = aiouring/capi-uring,aiouring/capi-aio

build:
	@scripts/setup.sh build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)
	meson compile -C $(BUILD)

test: build
	@scripts/setup.sh test
	cargo test --workspace --features $(FACES) --no-fail-fast

demo: build
	@scripts/setup.sh demo
	python3 examples/demo.py

# Ours against kernel AIO and against io_uring by hand, side by side: a table, and results.json and charts in target/bench
# or BENCH_OUT. BENCH=quick takes less than a minute.
bench: build
	@scripts/setup.sh bench
	@cargo run --quiet --package bench

# The C programs and the fuzzer with this many times the work: 20 are ten million requests for aio_soak; 100 takes hours.
SCALE ?= 20
soak: build
	@scripts/setup.sh test
	TEST_SCALE=$(SCALE) cargo test --package capi-tests --test c_programs --test fuzz --no-fail-fast

# What `make test` does under sanitizers and valgrind, with forty times the requests.
sanitize: build
	@scripts/setup.sh test
	SOAK_REQUESTS=200000 cargo test --package capi-tests --test sanitizers --no-fail-fast

# Every mistake in the inlines of the headers that the tool can think of, and which of them no test notices.
mutants: build
	@scripts/setup.sh test
	cargo run --package capi-tests --bin mutants

# The instructions of a program on the distribution's liburing and on ours.
count: build
	@scripts/setup.sh test
	cargo run --quiet --package capi-tests --bin count

# What has been built: root may have no Rust.
install:
	meson install -C $(BUILD) --no-rebuild

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --workspace --all-targets --features $(FACES),aiouring/symver,aiouring/preload,aiouring/faults -- -D warnings

clean:
	rm -rf $(BUILD) build-faults target
