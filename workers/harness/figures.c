#include "figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "state.h"

/* All of now; an instant that there is not is left out. */
static unsigned
collect(struct worker *w, struct figure out[FIGURES_MAX])
{
	struct state *s = w->state;
	int64_t next = engine_next_due(w);
	unsigned n = 0;

#define GAUGE(k, v, h)		out[n++] = (struct figure){ k, FIGURE_GAUGE, h, (int64_t)(v) }
#define COUNTER(k, v, h)	out[n++] = (struct figure){ k, FIGURE_COUNTER, h, (int64_t)(v) }
#define INSTANT(k, v, h)	out[n++] = (struct figure){ k, FIGURE_INSTANT, h, (v) }
	GAUGE("cursor", s->cursor.seq, "sequence number up to which the log was taken in");
	INSTANT("log_time", s->cursor.log_time, "how far time has come: what was due by then was concluded");
	if (w->ends.figures != NULL)
		n = w->ends.figures(w->ends.end, out, n);
	GAUGE("timers_pending", state_entries(s, DB_NAMES), "timers that wait for their instant");
	if (next != INT64_MAX)
		INSTANT("next_timer", next, "when the next of them is due");
	GAUGE("outbox_events", state_entries(s, DB_OUTBOX), "conclusions that the daemon has not acknowledged");
	GAUGE("refused_events", state_entries(s, DB_REFUSED), "conclusions that the daemon refused for good; tried again at the next start");
	GAUGE("parked_items", state_entries(s, DB_PARKED), "events and timers set aside until they are replayed");
	GAUGE("troubled_subjects", state_entries(s, DB_TROUBLED), "subjects with something set aside: what is known of them has a hole");
	GAUGE("rebuild_target", s->mute.seq, "while the state is made again from the log, the sequence number it had come to; else 0");
	COUNTER("events_total", w->events, "events taken in since the start");
	COUNTER("timers_fired_total", w->fired, "timers fired since the start");
	COUNTER("derived_total", w->emitted, "events concluded since the start");
	COUNTER("parked_total", w->parked, "events and timers set aside since the start");
#undef GAUGE
#undef COUNTER
#undef INSTANT
	return (n);
}

int
figures_answer(struct worker *w)
{
	struct figure f[FIGURES_MAX];
	struct config_in_force c = { .kind = "" };
	unsigned n = collect(w, f);

	worker_reply(w, "release", text_of(ESTATE_VERSION));
	worker_reply_int(w, "state_version", w->kind->version);
	for (unsigned i = 0; i < n; i++)
		if (f[i].kind == FIGURE_INSTANT)
			worker_reply_instant(w, f[i].name, f[i].value);
		else
			worker_reply_int(w, f[i].name, f[i].value);
	worker_reply_list(w, "in_force");
	while (config_next(w, &c)) {
		worker_reply_row(w);
		worker_reply(w, "kind", text_of(c.kind));
		worker_reply_int(w, "since_event", (int64_t)c.since);
		worker_reply(w, "digest", text_of(c.digest));
	}
	return (0);
}

static void
begin(struct buffer *b, const char *name, const char *end, const char *type, const char *help)
{
	buffer_printf(b, "# HELP estate_worker_%s%s %s\n# TYPE estate_worker_%s%s %s\n", name, end, help, name, end, type);
}

/* Names of workers, versions and digests need no escaping. */
void
figures_page(struct worker *w, struct buffer *b)
{
	struct figure f[FIGURES_MAX];
	struct config_in_force c = { .kind = "" };
	unsigned n = collect(w, f);
	const char *name = w->kind->name;

	begin(b, "build_info", "", "gauge", "release of the worker, and version of its state");
	buffer_printf(b, "estate_worker_build_info{worker=\"%s\",version=\"%s\",state_version=\"%u\"} 1\n", name, ESTATE_VERSION, w->kind->version);
	for (unsigned i = 0; i < n; i++) {
		bool instant = f[i].kind == FIGURE_INSTANT;
		const char *end = instant ? "_timestamp_seconds" : "";

		begin(b, f[i].name, end, f[i].kind == FIGURE_COUNTER ? "counter" : "gauge", f[i].help);
		buffer_printf(b, "estate_worker_%s%s{worker=\"%s\"} ", f[i].name, end, name);
		if (instant)
			buffer_printf(b, "%lld.%09lld\n", f[i].value / SECOND_NS, f[i].value % SECOND_NS);
		else
			buffer_printf(b, "%" PRId64 "\n", f[i].value);
	}
	while (config_next(w, &c)) {
		if (c.count == 1)
			begin(b, "in_force_info", "", "gauge", "rules and the like that are in force, by their digest");
		buffer_printf(b, "estate_worker_in_force_info{worker=\"%s\",kind=\"%s\",digest=\"%s\"} 1\n", name, c.kind, c.digest);
	}
}
