# Forwards only: meson builds, cargo tests.
.PHONY: build test demo soak install clean lint
BUILD ?= build

build:
	@scripts/setup.sh build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)
	meson compile -C $(BUILD)

test: build
	@scripts/setup.sh test
	cargo test --workspace

demo: build
	@scripts/setup.sh test
	scripts/demo.sh

soak: build
	@scripts/setup.sh test
	scripts/soak.sh

install: build
	meson install -C $(BUILD) --no-rebuild

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --workspace --all-targets --features aiouring/capi-uring,aiouring/capi-aio -- -D warnings

clean:
	rm -rf $(BUILD) build-faults target
