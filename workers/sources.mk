HARNESS_SRC = \
	workers/harness/main.c \
	workers/harness/live.c \
	workers/harness/delivery.c \
	workers/harness/turn.c \
	workers/harness/ends.c \
	workers/harness/rehearse.c \
	workers/harness/rebuild.c \
	workers/harness/inbox.c \
	workers/harness/engine.c \
	workers/harness/call.c \
	workers/harness/emit.c \
	workers/harness/timers.c \
	workers/harness/parked.c \
	workers/harness/outbox.c \
	workers/harness/config.c \
	workers/harness/state.c \
	workers/harness/state_open.c \
	workers/harness/conf.c \
	workers/harness/calendar_read.c \
	workers/harness/calendar_days.c \
	workers/harness/calendar_due.c \
	workers/harness/calendar_text.c \
	workers/harness/yamltext.c \
	workers/harness/zone.c \
	workers/harness/jsonl.c \
	workers/harness/seen.c
