LIBESTATE_SRC = \
	clients/libestate/handle.c \
	clients/libestate/transport.c \
	clients/libestate/session.c \
	clients/libestate/answer.c \
	clients/libestate/put.c \
	clients/libestate/window.c \
	clients/libestate/subscribe.c \
	clients/libestate/request.c \
	clients/libestate/fault.c

ESTATE_SRC = \
	clients/estate/main.c \
	clients/estate/cmd_generate.c \
	clients/estate/cmd_types.c \
	clients/estate/generate/arrival.c \
	clients/estate/generate/arrivals.c \
	clients/estate/generate/bills.c \
	clients/estate/generate/callbacks.c \
	clients/estate/generate/calls.c \
	clients/estate/generate/cases.c \
	clients/estate/generate/civil.c \
	clients/estate/generate/complaints.c \
	clients/estate/generate/contacts.c \
	clients/estate/generate/estate.c \
	clients/estate/generate/event.c \
	clients/estate/generate/heap.c \
	clients/estate/generate/help.c \
	clients/estate/generate/kiosk.c \
	clients/estate/generate/payments.c \
	clients/estate/generate/registry.c \
	clients/estate/generate/repairs.c \
	clients/estate/generate/rhythm.c \
	clients/estate/generate/rng.c \
	clients/estate/generate/shifts.c \
	clients/estate/generate/violations.c \
	clients/estate/generate/words.c \
	clients/estate/generate/world.c
