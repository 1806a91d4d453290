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
	clients/estate/cmd_backup.c \
	clients/estate/cmd_bench.c \
	clients/estate/cmd_case.c \
	clients/estate/cmd_client.c \
	clients/estate/cmd_clock.c \
	clients/estate/cmd_consumer.c \
	clients/estate/cmd_consumers.c \
	clients/estate/cmd_generate.c \
	clients/estate/cmd_get.c \
	clients/estate/cmd_keygen.c \
	clients/estate/cmd_parked.c \
	clients/estate/cmd_person.c \
	clients/estate/cmd_ping.c \
	clients/estate/cmd_put.c \
	clients/estate/cmd_repair.c \
	clients/estate/cmd_status.c \
	clients/estate/cmd_tail.c \
	clients/estate/cmd_types.c \
	clients/estate/cmd_verify.c \
	clients/estate/arguments.c \
	clients/estate/ask.c \
	clients/estate/buffer.c \
	clients/estate/cursor.c \
	clients/estate/histogram.c \
	clients/estate/json.c \
	clients/estate/language.c \
	clients/estate/lines.c \
	clients/estate/paint.c \
	clients/estate/parcel.c \
	clients/estate/parkings.c \
	clients/estate/probe.c \
	clients/estate/reach.c \
	clients/estate/sitetime.c \
	clients/estate/telling.c \
	clients/estate/types_json.c \
	clients/estate/types_kind.c \
	clients/estate/types_markdown.c \
	clients/estate/types_released.c \
	clients/estate/view.c \
	clients/estate/wrap.c \
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

ALARM_SRC = \
	clients/alarm/main.c \
	clients/alarm/setup.c \
	clients/alarm/look.c \
	clients/alarm/memory.c \
	clients/alarm/gateway.c
