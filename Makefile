# estated: make demo and make test are all a newcomer needs.  `make help` lists the rest.

VERSION  = 0.1.0
PREFIX  ?= /usr
SYSCONFDIR ?= /etc
DESTDIR ?=
CC      ?= gcc

# A variant is a set of flags with a build folder of its own:
#   release   what is installed
#   san       ASan + UBSan + test levers: unit and scenario tests run it too
#   levers    release + test levers (kill at a named step): what crash tests run.  Levers are the daemon's alone
#   noflush   levers with the journal's flush taken out: the durability test must fail on it
VARIANT ?= release
B_release = build
B_san     = build/san
B_levers  = build/levers
B_noflush = build/noflush
B        := $(B_$(VARIANT))

# What the build and the tests need, by their names in Debian 12.
PACKAGES_BUILD = \
	gcc \
	libc6-dev \
	libcurl4-openssl-dev \
	libevent-dev \
	libical-dev \
	libjansson-dev \
	liblmdb-dev \
	libmsgpack-dev \
	libsodium-dev \
	libsystemd-dev \
	libxxhash-dev \
	libyaml-dev \
	libzstd-dev \
	libzmq3-dev \
	make \
	pkg-config \
	tzdata
PACKAGES_TEST = \
	e2fsprogs \
	gammu-smsd \
	kannel \
	kannel-extras \
	libcmocka-dev \
	mandoc \
	mount \
	openssl \
	python3 \
	python3-icalendar \
	python3-aiosmtpd \
	python3-msgpack \
	python3-pytest \
	python3-zmq \
	systemd \
	tmux \
	util-linux \
	zstd
# Other durable queues to measure beside: PEERS="redis jetstream beanstalkd rabbitmq".
PEERS ?= redis
PACKAGE_redis = redis-server
PACKAGE_jetstream = nats-server
PACKAGE_beanstalkd = beanstalkd
PACKAGE_rabbitmq = rabbitmq-server
PACKAGES_BENCH = \
	libhiredis-dev \
	librabbitmq-dev \
	strace \
	$(foreach peer,$(PEERS),$(or $(PACKAGE_$(peer)),$(error PEERS: $(peer) is none of redis jetstream beanstalkd rabbitmq)))
PACKAGES_LINT = \
	clang-tidy \
	cppcheck
PACKAGES_FUZZ = \
	clang \
	libclang-rt-14-dev

PKGS     = libzmq libevent_core libevent_extra lmdb msgpack libxxhash libsodium libzstd yaml-0.1 jansson libsystemd
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   = $(shell pkg-config --libs $(PKGS)) -lpthread -lm

WARN     = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla
HARDEN   = -fstack-protector-strong -fPIE
F_release = -O2 -g -D_FORTIFY_SOURCE=2
F_san     = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DESTATE_LEVERS
F_levers  = -O2 -g -DESTATE_LEVERS
F_noflush = -O2 -g -DESTATE_LEVERS -DESTATE_WITHOUT_FLUSH
CPPFLAGS_ALL = -D_GNU_SOURCE -DESTATE_VERSION='"$(VERSION)"' -iquote proto -iquote proto/base -iquote daemon -iquote clients/libestate -iquote clients/estate -iquote clients/alarm -iquote workers/harness -iquote workers/escalate -iquote workers/callback -iquote workers/notify -iquote workers/dunning -iquote workers/stats
CFLAGS_ALL = -std=c11 $(CPPFLAGS_ALL) $(WARN) $(HARDEN) $(F_$(VARIANT)) $(PKG_CFLAGS) $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now $(F_$(VARIANT)) $(LDFLAGS)

# Parts as libraries, thin mains; one name a line.
include proto/sources.mk
include daemon/sources.mk
include clients/sources.mk
include workers/sources.mk
include tests/sources.mk

OBJ = $(patsubst %.c,$(B)/obj/%.o,$(1))
BINARIES = $(B)/bin/estated $(B)/bin/estate $(B)/bin/estate-example $(B)/bin/estate-escalate $(B)/bin/estate-callback $(B)/bin/estate-notify $(B)/bin/estate-dunning $(B)/bin/estate-stats $(B)/bin/estate-alarm

.PHONY: all
all: $(BINARIES)

$(B)/lib/libproto.a: $(call OBJ,$(PROTO_SRC))
$(B)/lib/libdaemon.a: $(call OBJ,$(DAEMON_SRC))
$(B)/lib/libestate.a: $(call OBJ,$(LIBESTATE_SRC))
$(B)/lib/libharness.a: $(call OBJ,$(HARNESS_SRC))
$(B)/lib/libescalate.a: $(call OBJ,$(ESCALATE_SRC))
$(B)/lib/libcallback.a: $(call OBJ,$(CALLBACK_SRC))
$(B)/lib/libnotify.a: $(call OBJ,$(NOTIFY_SRC))
$(B)/lib/libdunning.a: $(call OBJ,$(DUNNING_SRC))
$(B)/lib/libstats.a: $(call OBJ,$(STATS_SRC))
$(B)/lib/libverbs.a: $(call OBJ,$(filter-out clients/estate/main.c,$(ESTATE_SRC)))

ifeq ($(VARIANT),noflush)
# One object differs; the linker takes the first.
$(B)/bin/estated: $(B)/obj/daemon/journal.o $(B_levers)/obj/daemon/main.o $(B_levers)/lib/libdaemon.a $(B_levers)/lib/libproto.a
else
$(B)/bin/estated: $(call OBJ,daemon/main.c) $(B)/lib/libdaemon.a $(B)/lib/libproto.a
endif

ifneq ($(filter levers noflush,$(VARIANT)),)
# The others are the release's.
$(filter-out $(B)/bin/estated,$(BINARIES)): $(B)/bin/%: $(B_release)/bin/%
	@mkdir -p $(@D)
	ln -sf ../../bin/$* $@
else
$(B)/bin/estate: $(call OBJ,clients/estate/main.c) $(B)/lib/libverbs.a $(B)/lib/libharness.a $(B)/lib/libestate.a $(B)/lib/libdaemon.a $(B)/lib/libproto.a
LIBS_estate = $(shell pkg-config --libs libical)
$(B)/bin/estate-example: $(call OBJ,workers/example/example.c) $(B)/lib/libharness.a $(B)/lib/libverbs.a $(B)/lib/libestate.a $(B)/lib/libdaemon.a $(B)/lib/libproto.a

$(B)/bin/estate-escalate: $(call OBJ,workers/escalate/escalate.c) $(B)/lib/libescalate.a $(B)/lib/libharness.a $(B)/lib/libverbs.a $(B)/lib/libestate.a $(B)/lib/libdaemon.a $(B)/lib/libproto.a

$(B)/bin/estate-callback: $(call OBJ,workers/callback/callback.c) $(B)/lib/libcallback.a $(B)/lib/libharness.a $(B)/lib/libverbs.a $(B)/lib/libestate.a $(B)/lib/libdaemon.a $(B)/lib/libproto.a

$(B)/bin/estate-dunning: $(call OBJ,workers/dunning/dunning.c) $(B)/lib/libdunning.a $(B)/lib/libharness.a $(B)/lib/libverbs.a $(B)/lib/libestate.a $(B)/lib/libdaemon.a $(B)/lib/libproto.a

$(B)/bin/estate-stats: $(call OBJ,workers/stats/stats.c) $(B)/lib/libstats.a $(B)/lib/libharness.a $(B)/lib/libverbs.a $(B)/lib/libestate.a $(B)/lib/libdaemon.a $(B)/lib/libproto.a

$(B)/bin/estate-alarm: $(call OBJ,$(ALARM_SRC)) $(B)/lib/libharness.a $(B)/lib/libverbs.a $(B)/lib/libestate.a $(B)/lib/libdaemon.a $(B)/lib/libproto.a
LIBS_estate-alarm = -lcurl

$(B)/bin/estate-notify: $(call OBJ,workers/notify/notify.c) $(B)/lib/libnotify.a $(B)/lib/libharness.a $(B)/lib/libverbs.a $(B)/lib/libestate.a $(B)/lib/libdaemon.a $(B)/lib/libproto.a
LIBS_estate-notify = -lcurl
endif

$(B)/lib/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

$(B)/bin/%:
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) $(LIBS_$*)

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# ---- what people call --------------------------------------------------------------------------------------------------------

.PHONY: help
help:
	@echo "make demo         install what is missing, build, and watch a day of an estate arrive (INPUT=FILE for real events)"
	@echo "make test         everything a change must pass, in under 8 minutes"
	@echo "make check-long   the full campaigns, in parts, resumable"
	@echo "make bench        measure beside the disk and other durable queues (PEERS=\"redis jetstream beanstalkd rabbitmq\")"
	@echo "make fuzz         coverage-guided fuzzing of the decoders (SECONDS=1800)"
	@echo "make lint         clang-tidy and cppcheck"
	@echo "make deps         install the Debian packages that are missing"
	@echo "make install      DESTDIR, PREFIX, SYSCONFDIR"
	@echo "make docs         the generated references, in build/doc"
	@echo "make clean"

# Installs only what is missing, and says so; as root or with sudo.
.PHONY: deps deps-lint deps-fuzz deps-bench
deps:
	@tests/harness/deps $(PACKAGES_BUILD) $(PACKAGES_TEST)
deps-lint:
	@tests/harness/deps $(PACKAGES_BUILD) $(PACKAGES_LINT)
deps-bench:
	@tests/harness/deps $(PACKAGES_BUILD) $(PACKAGES_TEST) $(PACKAGES_BENCH)
deps-fuzz:
	@tests/harness/deps $(PACKAGES_BUILD) $(PACKAGES_FUZZ)

.PHONY: demo
demo: deps
	@$(MAKE) --no-print-directory -s -j2 all
	@tests/harness/demo

.PHONY: test
test: deps
	@$(MAKE) --no-print-directory -s -j2 all test-helpers
	@$(MAKE) --no-print-directory -s -j2 VARIANT=san all test-helpers test-binaries
	@$(MAKE) --no-print-directory -s -j2 VARIANT=levers all
	@$(MAKE) --no-print-directory -s -j2 VARIANT=noflush all
	@/usr/bin/python3 tests/harness/run.py

.PHONY: check-long
check-long: deps
	@$(MAKE) --no-print-directory -s -j2 all test-helpers
	@$(MAKE) --no-print-directory -s -j2 VARIANT=san all test-helpers test-binaries
	@$(MAKE) --no-print-directory -s -j2 VARIANT=levers all
	@$(MAKE) --no-print-directory -s -j2 VARIANT=noflush all
	@/usr/bin/python3 tests/harness/run.py --long

.PHONY: bench
bench: deps-bench
	@$(MAKE) --no-print-directory -s -j2 all bench-binaries
	@/usr/bin/python3 tests/bench/bench.py --peers "$(PEERS)"
	@/usr/bin/python3 tests/bench/worker.py
	@/usr/bin/python3 tests/bench/stopped.py
	@/usr/bin/python3 tests/bench/escalate.py
	@/usr/bin/python3 tests/bench/callback.py
	@/usr/bin/python3 tests/bench/dunning.py
	@/usr/bin/python3 tests/bench/stats.py

.PHONY: fuzz
fuzz: deps-fuzz
	@tests/fuzz/run $(SECONDS)

.PHONY: lint
lint: deps-lint
	@tests/harness/lint $(CPPFLAGS_ALL) -- $(PKG_CFLAGS)

.PHONY: docs
docs: all
	@mkdir -p build/doc
	build/bin/estate types --markdown > build/doc/CATALOGUE.md
	build/bin/estated --settings > build/doc/SETTINGS.md

.PHONY: install
install: all
	install -D -m 755 build/bin/estated $(DESTDIR)$(PREFIX)/bin/estated
	install -D -m 755 build/bin/estate $(DESTDIR)$(PREFIX)/bin/estate
	install -D -m 755 build/bin/estate-alarm $(DESTDIR)$(PREFIX)/bin/estate-alarm
	install -D -m 755 build/bin/estate-example $(DESTDIR)$(PREFIX)/bin/estate-example
	install -D -m 755 build/bin/estate-escalate $(DESTDIR)$(PREFIX)/bin/estate-escalate
	install -D -m 755 build/bin/estate-callback $(DESTDIR)$(PREFIX)/bin/estate-callback
	install -D -m 755 build/bin/estate-notify $(DESTDIR)$(PREFIX)/bin/estate-notify
	install -D -m 755 build/bin/estate-dunning $(DESTDIR)$(PREFIX)/bin/estate-dunning
	install -D -m 755 build/bin/estate-stats $(DESTDIR)$(PREFIX)/bin/estate-stats
	install -D -m 644 build/lib/libestate.a $(DESTDIR)$(PREFIX)/lib/libestate.a
	install -D -m 644 build/lib/libproto.a $(DESTDIR)$(PREFIX)/lib/libestate-proto.a
	install -D -m 644 clients/libestate/estate.h $(DESTDIR)$(PREFIX)/include/estate.h
	install -D -m 644 clients/libestate/estate_outbox.h $(DESTDIR)$(PREFIX)/include/estate_outbox.h
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' clients/libestate/libestate.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/libestate.pc
	install -D -m 644 clients/python/estate.py $(DESTDIR)$(PREFIX)/share/estated/estate.py
	install -D -m 644 systemd/estated.service $(DESTDIR)$(PREFIX)/lib/systemd/system/estated.service
	install -D -m 644 systemd/estate-alarm.service $(DESTDIR)$(PREFIX)/lib/systemd/system/estate-alarm.service
	install -D -m 644 systemd/estate-alarm@.service $(DESTDIR)$(PREFIX)/lib/systemd/system/estate-alarm@.service
	install -D -m 644 systemd/estate-alarm.timer $(DESTDIR)$(PREFIX)/lib/systemd/system/estate-alarm.timer
	install -D -m 644 systemd/estate-worker@.service $(DESTDIR)$(PREFIX)/lib/systemd/system/estate-worker@.service
	install -D -m 644 systemd/estate-workers.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/estate-workers.conf
	install -D -m 644 workers/GUIDE.md $(DESTDIR)$(PREFIX)/share/doc/estated/GUIDE.md
	install -D -m 644 config/alarm.yaml $(DESTDIR)$(PREFIX)/share/doc/estated/alarm.yaml
	install -D -m 644 systemd/estated.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/estated.conf
	install -D -m 644 systemd/estated.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/estated.conf
	install -D -m 644 daemon/estated.8 $(DESTDIR)$(PREFIX)/share/man/man8/estated.8
	install -D -m 644 config/estated.yaml.5 $(DESTDIR)$(PREFIX)/share/man/man5/estated.yaml.5
	install -D -m 644 config/clients.yaml.5 $(DESTDIR)$(PREFIX)/share/man/man5/clients.yaml.5
	install -D -m 644 config/clients.yaml $(DESTDIR)$(PREFIX)/share/doc/estated/clients.yaml
	install -D -m 644 clients/alarm/estate-alarm.8 $(DESTDIR)$(PREFIX)/share/man/man8/estate-alarm.8
	install -D -m 644 clients/estate/estate.1 $(DESTDIR)$(PREFIX)/share/man/man1/estate.1
	install -D -m 644 proto/PROTOCOL.md $(DESTDIR)$(PREFIX)/share/doc/estated/PROTOCOL.md
	install -D -m 644 proto/BUNDLE.md $(DESTDIR)$(PREFIX)/share/doc/estated/BUNDLE.md
	@test -e $(DESTDIR)$(SYSCONFDIR)/estated/estated.yaml || \
	    install -D -m 644 config/estated.yaml $(DESTDIR)$(SYSCONFDIR)/estated/estated.yaml
	@test -e $(DESTDIR)$(SYSCONFDIR)/estated/retention.yaml || \
	    install -D -m 644 config/retention.yaml $(DESTDIR)$(SYSCONFDIR)/estated/retention.yaml
	@test -e $(DESTDIR)$(SYSCONFDIR)/estated/example/example.yaml || \
	    install -D -m 644 workers/example/example.yaml $(DESTDIR)$(SYSCONFDIR)/estated/example/example.yaml
	install -D -m 644 systemd/estate-worker@escalate.service.d/config.conf $(DESTDIR)$(PREFIX)/lib/systemd/system/estate-worker@escalate.service.d/config.conf
	install -D -m 644 systemd/estate-worker@callback.service.d/config.conf $(DESTDIR)$(PREFIX)/lib/systemd/system/estate-worker@callback.service.d/config.conf
	install -D -m 644 workers/callback/estate-callback.8 $(DESTDIR)$(PREFIX)/share/man/man8/estate-callback.8
	@test -e $(DESTDIR)$(SYSCONFDIR)/estated/rules/callback.yaml || \
	    install -D -m 644 config/rules/callback.yaml $(DESTDIR)$(SYSCONFDIR)/estated/rules/callback.yaml
	install -D -m 644 systemd/estate-worker@notify.service.d/config.conf $(DESTDIR)$(PREFIX)/lib/systemd/system/estate-worker@notify.service.d/config.conf
	install -D -m 644 workers/notify/estate-notify.8 $(DESTDIR)$(PREFIX)/share/man/man8/estate-notify.8
	@test -e $(DESTDIR)$(SYSCONFDIR)/estated/notify.yaml || \
	    install -D -m 644 config/notify.yaml $(DESTDIR)$(SYSCONFDIR)/estated/notify.yaml
	@for f in config/templates/*.yaml; do test -e $(DESTDIR)$(SYSCONFDIR)/estated/templates/$${f##*/} || \
	    install -D -m 644 $$f $(DESTDIR)$(SYSCONFDIR)/estated/templates/$${f##*/}; done
	install -D -m 644 systemd/estate-worker@dunning.service.d/config.conf $(DESTDIR)$(PREFIX)/lib/systemd/system/estate-worker@dunning.service.d/config.conf
	install -D -m 644 workers/dunning/estate-dunning.8 $(DESTDIR)$(PREFIX)/share/man/man8/estate-dunning.8
	@test -e $(DESTDIR)$(SYSCONFDIR)/estated/rules/dunning.yaml || \
	    install -D -m 644 config/rules/dunning.yaml $(DESTDIR)$(SYSCONFDIR)/estated/rules/dunning.yaml
	install -D -m 644 systemd/estate-worker@stats.service.d/config.conf $(DESTDIR)$(PREFIX)/lib/systemd/system/estate-worker@stats.service.d/config.conf
	install -D -m 644 workers/stats/estate-stats.8 $(DESTDIR)$(PREFIX)/share/man/man8/estate-stats.8
	@test -e $(DESTDIR)$(SYSCONFDIR)/estated/measures.yaml || \
	    install -D -m 644 config/measures.yaml $(DESTDIR)$(SYSCONFDIR)/estated/measures.yaml
	install -D -m 644 workers/escalate/estate-escalate.8 $(DESTDIR)$(PREFIX)/share/man/man8/estate-escalate.8
	@test -e $(DESTDIR)$(SYSCONFDIR)/estated/rules/escalate.yaml || \
	    install -D -m 644 config/rules/escalate.yaml $(DESTDIR)$(SYSCONFDIR)/estated/rules/escalate.yaml
	install -D -m 644 config/respond/callback.yaml $(DESTDIR)$(PREFIX)/share/doc/estated/respond/callback.yaml
	install -D -m 644 config/respond/dunning.yaml $(DESTDIR)$(PREFIX)/share/doc/estated/respond/dunning.yaml
	@test -e $(DESTDIR)$(SYSCONFDIR)/estated/roster.yaml || \
	    install -D -m 644 config/roster.yaml $(DESTDIR)$(SYSCONFDIR)/estated/roster.yaml
	@test -e $(DESTDIR)$(SYSCONFDIR)/estated/calendars/cn.yaml || \
	    install -D -m 644 config/calendars/cn.yaml $(DESTDIR)$(SYSCONFDIR)/estated/calendars/cn.yaml
	@# The units name programs and pages where they are without PREFIX.
	@sed -i -e 's|/usr/bin/|$(PREFIX)/bin/|' -e 's|file:///usr/share/|file://$(PREFIX)/share/|' \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system/estate*.service $(DESTDIR)$(PREFIX)/lib/systemd/system/estate-worker@*.service.d/config.conf

.PHONY: clean
clean:
	rm -rf build

# ---- tests -------------------------------------------------------------------------------------------------------------------

.PHONY: test-helpers
test-helpers: $(patsubst %,$(B)/test/%,parrot powercut boxcut interpose.so)

# Run in the sanitizer build only.
.PHONY: test-binaries
test-binaries: $(patsubst %,$(B)/test/%,$(UNIT_TESTS) $(FUZZ_REPLAYS)) test-helpers

$(B)/test/test_%: $(B)/obj/tests/unit/test_%.o $(B)/lib/libstats.a $(B)/lib/libdunning.a $(B)/lib/libcallback.a $(B)/lib/libescalate.a $(B)/lib/libharness.a $(B)/lib/libverbs.a $(B)/lib/libestate.a $(B)/lib/libdaemon.a $(B)/lib/libproto.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(PKG_LIBS) -lcmocka

$(B)/test/replay_%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/obj/tests/fuzz/replay.o $(B)/lib/libdaemon.a $(B)/lib/libproto.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(B)/test/powercut: $(call OBJ,tests/crash/powercut.c tests/crash/disk.c) $(B)/lib/libdaemon.a $(B)/lib/libproto.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(B)/test/boxcut: $(call OBJ,tests/crash/boxcut.c tests/crash/disk.c) $(B)/lib/libestate.a $(B)/lib/libproto.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(B)/test/parrot: $(call OBJ,tests/harness/parrot.c) $(B)/lib/libharness.a $(B)/lib/libverbs.a $(B)/lib/libestate.a $(B)/lib/libdaemon.a $(B)/lib/libproto.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(B)/test/rawdisk: $(call OBJ,tests/bench/rawdisk.c)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(B)/test/handover: $(call OBJ,tests/bench/handover.c) $(B)/lib/libestate.a $(B)/lib/libproto.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(B)/test/standby: $(call OBJ,tests/bench/standby.c) $(B)/lib/libestate.a $(B)/lib/libproto.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(B)/test/tally: $(call OBJ,tests/bench/tally.c) $(B)/lib/libharness.a $(B)/lib/libverbs.a $(B)/lib/libestate.a $(B)/lib/libdaemon.a $(B)/lib/libproto.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(B)/test/naive: $(call OBJ,tests/bench/naive.c clients/estate/histogram.c)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

.PHONY: bench-binaries
bench-binaries: $(patsubst %,$(B)/test/%,rawdisk naive handover delivery peerload standby tally)

PROBE_SRC = clients/estate/histogram.c clients/estate/probe.c

$(B)/test/delivery: $(call OBJ,tests/bench/delivery.c $(PROBE_SRC)) $(B)/lib/libestate.a $(B)/lib/libproto.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(B)/test/peerload: $(call OBJ,$(wildcard tests/bench/peers/*.c) $(PROBE_SRC))
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lhiredis -lrabbitmq

# Preloaded into the daemon: plain, whatever the variant.
$(B)/test/interpose.so: tests/crash/interpose.c tests/crash/trace.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -fPIC -shared -o $@ $< -ldl
