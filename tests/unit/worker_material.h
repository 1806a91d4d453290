/* What tests of workers are made of: a state in a folder that goes away, an engine whose ends are lists. */
#ifndef WORKER_MATERIAL_H
#define WORKER_MATERIAL_H

#include "material.h"

#include "engine.h"

#define SAID_MAX	4096u

/* An engine over a state; what it derives is appended to `said`, a line each: type, subject, time, and a field. */
struct stage {
	char folder[64];
	struct state *state;
	struct worker worker;
	char said[1 << 16];
	char ids[SAID_MAX][ID_SIZE];
	unsigned count;
	uint8_t *kept[512];		/* parked events by number, for fetch */
	size_t kept_len[512];
};

static inline void
stage_derived(void *end, const struct derived *d)
{
	struct stage *g = end;
	struct event e;
	struct text step = { "", 0 };

	assert_true(event_peek(&e, d->bytes, d->len));
	event_text(&e, "text", &step);
	if (step.len == 0)
		event_text(&e, "reason", &step);
	snprintf(g->said + strlen(g->said), sizeof(g->said) - strlen(g->said), "%.*s@%lld%s ", (int)step.len, step.s, (long long)e.time_ns,
	    d->muted ? "(muted)" : "");
	memcpy(g->ids[g->count++ % SAID_MAX], d->id, ID_SIZE);
}

static inline void
stage_own(void *end, const struct stored *v, const struct event *e)
{
	(void)end;
	(void)v;
	(void)e;
}

static inline void
stage_parked(void *end, const struct stored *v)
{
	struct stage *g = end;

	assert_true(v->seq < 512);
	free(g->kept[v->seq]);
	g->kept[v->seq] = malloc(v->len);
	memcpy(g->kept[v->seq], v->bytes, v->len);
	g->kept_len[v->seq] = v->len;
}

static inline bool
stage_fetch(void *end, uint64_t seq, struct stored *v, bool *interrupted)
{
	struct stage *g = end;

	*interrupted = false;
	if (seq >= 512 || g->kept[seq] == NULL)
		return (false);
	*v = (struct stored){ .seq = seq, .log_time = 1, .sender = { "", 0 }, .bytes = g->kept[seq], .len = g->kept_len[seq] };
	return (true);
}

static inline enum state_found
stage_open_state(struct stage *g, const struct worker_kind *kind, char *why, size_t size)
{
	struct state_options o = { .folder = g->folder, .worker = kind->name, .version = kind->version, .tables = kind->tables };

	return (state_open(&g->state, &o, why, size));
}

static inline void
stage_engine(struct stage *g, const struct worker_kind *kind)
{
	struct engine_ends ends = { g, stage_derived, stage_own, stage_fetch, stage_parked, NULL };

	assert_int_equal(engine_open(&g->worker, kind, g->state, &ends, &(struct engine_options){ .fixed_config = false }), 0);
	state_begin(g->state);
}

static inline struct stage *
stage_open(const struct worker_kind *kind)
{
	struct stage *g = calloc(1, sizeof(*g));
	char why[1024];

	assert_non_null(g);
	make_folder(g->folder);
	if (stage_open_state(g, kind, why, sizeof(why)) == STATE_REFUSED)
		fail_msg("%s", why);
	stage_engine(g, kind);
	return (g);
}

/* Commit, close, and open again, as a restart does. */
static inline void
stage_restart(struct stage *g, const struct worker_kind *kind)
{
	char why[1024];

	assert_int_equal(state_commit(g->state), 0);
	engine_close(&g->worker);
	state_close(g->state);
	if (stage_open_state(g, kind, why, sizeof(why)) == STATE_REFUSED)
		fail_msg("%s", why);
	stage_engine(g, kind);
}

static inline void
stage_close(struct stage *g)
{
	state_abort(g->state);
	engine_close(&g->worker);
	state_close(g->state);
	remove_folder(g->folder);
	for (unsigned i = 0; i < 512; i++)
		free(g->kept[i]);
	free(g);
}

/* An event as JSON into the engine. */
static inline void
stage_event(struct stage *g, uint64_t seq, int64_t log_time, const char *json)
{
	size_t len;
	uint8_t *bytes = pack_json(json, &len);
	struct stored v = { .seq = seq, .log_time = log_time, .sender = { "", 0 }, .bytes = bytes, .len = len };

	engine_event(&g->worker, &v);
	free(bytes);
}

#endif
