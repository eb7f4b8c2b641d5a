# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# What people type; meson and ninja do the work. "make help" lists it.
#
# SAN=1 builds and tests with AddressSanitizer and UBSan, in a directory of its own.

PREFIX ?= /usr/local
# where Debian's linker looks below a prefix; meson knows it only where dpkg-dev is installed
LIBDIR ?= lib/$(shell gcc -print-multiarch 2>/dev/null)
DESTDIR ?=
CLANG ?= clang
FUZZ_SECONDS ?= 10
FUZZ_STRANGERS ?= $(FUZZ_SECONDS)
MESON ?= meson
JOBS ?=

ifeq ($(SAN),1)
B := build-san
# gcc's warnings about values go wrong with its own checks in between (its manual says so), so they do not end the build
MESON_OPTIONS := -Db_sanitize=address,undefined -Db_lundef=false -Dwerror=false
else
B := build
MESON_OPTIONS :=
endif

NINJA := ninja $(if $(JOBS),-j $(JOBS))
# meson configures a directory once; the prefix may change later
CONFIGURE = test -f $(1)/build.ninja || $(MESON) setup $(2) $(1) >$(1).log 2>&1 || { cat $(1).log; exit 1; }; rm -f $(1).log

.PHONY: all setup demo check tsan install static static-arm64 bench fuzz format lint clean help

all: $(B)/build.ninja
	@$(NINJA) -C $(B)

$(B)/build.ninja:
	@command -v $(MESON) >/dev/null || { echo "make: meson is missing; run: make setup" >&2; exit 1; }
	@$(call CONFIGURE,$(B),--prefix=$(PREFIX) --libdir=$(LIBDIR) $(MESON_OPTIONS))

setup:
	@scripts/setup.sh all
	@scripts/so-libs.sh
	@scripts/clients.sh || true

demo:
	@scripts/setup.sh build
	@$(MAKE) --no-print-directory all
	@scripts/demo.sh $(B)/src/cli/coolbpf

check:
	@scripts/setup.sh all
	@$(MAKE) --no-print-directory all static
	@$(if $(filter 1,$(SAN)),,$(MAKE) --no-print-directory static-arm64 || \
		echo "make: without build-arm64/coolbpf, what needs it is skipped" >&2)
	@scripts/kernels.sh $(B)/src/cli/coolbpf
	@$(if $(filter 1,$(SAN)),,COOLBPF_SLOW=1) scripts/check.sh $(B)

# What has threads, or is called by several: handles of the runtime (one thread each), the HTTP client, the lab's builds.
TSAN := --suite runtime --suite http --suite lab threads client tls builds
tsan:
	@scripts/setup.sh all
	@$(call CONFIGURE,build-tsan,-Db_sanitize=thread -Db_lundef=false -Dwerror=false)
	@$(NINJA) -C build-tsan tests/runtime/test_threads tests/http/test_http_client tests/http/test_http_tls \
		tests/lab/test_lab_builds src/cli/coolbpf
	@scripts/check.sh build-tsan $(TSAN)

install: all
	@$(MESON) configure $(B) -Dprefix=$(PREFIX) -Dlibdir=$(LIBDIR)
	@DESTDIR=$(abspath $(DESTDIR)) $(MESON) install -C $(B)
	@test -n "$(DESTDIR)" || ldconfig

SMALL = size=$$(stat -c %s $(1)); echo "$(1): $$size bytes"; \
	test $$size -lt 10000000 || { echo "make: that is more than 10 MB" >&2; exit 1; }

static: build-static/build.ninja
	@$(NINJA) -C build-static src/cli/coolbpf
	@strip -o build-static/coolbpf build-static/src/cli/coolbpf
	@$(call SMALL,build-static/coolbpf)

static-arm64:
	@JOBS=$(JOBS) scripts/static-arm64.sh build-arm64
	@$(call SMALL,build-arm64/coolbpf)

build-static/build.ninja:
	@$(call CONFIGURE,build-static,-Dstatic=true -Dbuildtype=release)

bench:
	@scripts/setup.sh all
	@bench/run.sh

fuzz:
	@CLANG=$(CLANG) scripts/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_STRANGERS)

format:
	@scripts/lint.sh --format

lint: all
	@scripts/lint.sh $(B)

clean:
	rm -rf build build-san build-tsan build-static build-arm64 build-fuzz build-bench

help:
	@echo 'make            build the command and the library in build/'
	@echo 'make demo       install what is missing, build, and show live events of this machine for ten seconds (root)'
	@echo 'make check      install what is missing, build, run every test (root; without it many are skipped)'
	@echo '                SAN=1: the same with AddressSanitizer and UBSan, in build-san/'
	@echo 'make tsan       the tests with threads under ThreadSanitizer (root)'
	@echo 'make setup      install the packages that are missing (Debian 12, 13; root), fetch what the format .so is built of,'
	@echo '                and the Python packages that the server is tried with'
	@echo 'make install    to PREFIX (/usr/local) and LIBDIR below it, all below DESTDIR'
	@echo 'make static     one static file that runs on any Linux of this architecture: build-static/coolbpf'
	@echo 'make static-arm64 the same for arm64, built here with a cross compiler: build-arm64/coolbpf'
	@echo 'make bench      start-up time, memory and throughput against libbpf by hand and bpftrace (root)'
	@echo 'make fuzz       every fuzz target for FUZZ_SECONDS (10); FUZZ_STRANGERS for those that read what clients send'
	@echo 'make lint       clang-format (check only), clang-tidy, shellcheck'
	@echo 'make format     clang-format'
	@echo 'make clean      remove the build directories'
