# estated: make demo and make test are all a newcomer needs.  `make help` lists the rest.

VERSION  = 0.1.0
PREFIX  ?= /usr/local
CC      ?= gcc

# A variant is a set of flags with a build folder of its own:
#   release   what is installed
#   san       ASan + UBSan + test levers, what unit and scenario tests run
#   levers    release + test levers (kill at a named step), what crash campaigns run
#   noflush   levers with the journal's flush taken out: the durability test must fail on it
VARIANT ?= release
B_release = build
B_san     = build/san
B_levers  = build/levers
B_noflush = build/noflush
B        := $(B_$(VARIANT))

PKGS     = libzmq libevent_core libevent_extra libevent_pthreads lmdb msgpack libxxhash libsodium yaml-0.1 jansson libsystemd libzstd
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lpthread -lm

WARN     = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla
F_release = -O2 -g
F_san     = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DESTATE_LEVERS
F_levers  = -O2 -g -DESTATE_LEVERS
F_noflush = -O2 -g -DESTATE_LEVERS -DESTATE_WITHOUT_FLUSH
CFLAGS   ?=
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DESTATE_VERSION='"$(VERSION)"' $(WARN) $(F_$(VARIANT)) -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -iquote proto -iquote proto/base -iquote clients/libestate $(PKG_CFLAGS) $(CFLAGS)
ifeq ($(VARIANT),san)
ALL_CFLAGS := $(filter-out -D_FORTIFY_SOURCE=2,$(ALL_CFLAGS))
endif
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(F_$(VARIANT)) $(LDFLAGS)

# Parts as libraries, one name a line.
include proto/sources.mk
include clients/sources.mk

OBJ = $(patsubst %.c,$(B)/obj/%.o,$(1))

BINARIES = $(B)/bin/estate

.PHONY: all
all: $(BINARIES)

$(B)/lib/libproto.a: $(call OBJ,$(PROTO_SRC))
$(B)/bin/estate: $(call OBJ,$(ESTATE_SRC)) $(B)/lib/libproto.a

$(B)/lib/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

$(B)/bin/%:
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

.PHONY: clean
clean:
	rm -rf build
