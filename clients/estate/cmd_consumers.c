/* estate consumers: the readers with names, and how far behind each is. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "command.h"
#include "json.h"
#include "language.h"
#include "paint.h"
#include "sitetime.h"

static const char help[] =
"Usage: estate consumers [OPTION...]\n"
"List the readers with names: who reads, how far behind each is (events stored and not yet processed, the age of the\n"
"oldest, their size), and how long until one that does nothing is released, if there is a limit.\n"
"\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate consumers\n"
"  estate consumers --json | jq '.[] | select(.lag_events > 1000) | .name'\n"
"Exit status: 0 done, 1 refused, 2 wrong usage, 3 daemon not reached\n";

struct row {
	const char *name, *client;
	uint32_t name_len, client_len;
	uint64_t cursor, events, bytes;
	int64_t age_ns, loss_ns;	/* loss_ns: -1 for none */
	bool connected, paused, released;
};

/* A column: its heads, and how wide it is; 0: the last one, as wide as it gets. */
static const struct {
	const char *en, *zh;
	unsigned columns;
} heads[] = {
	{ "NAME", "名称", 24 }, { "LAG", "滞后事件", 10 }, { "OLDEST", "最早未处理", 14 }, { "SIZE", "约", 10 }, { "CURSOR", "位置", 10 },
	{ "TO LOSS", "距释放", 14 }, { "STATE", "状态", 0 },
};

static bool
row_read(struct mp *m, struct row *r)
{
	const char *key;
	uint32_t pairs, len;

	*r = (struct row){ .loss_ns = -1 };
	if (!mp_map(m, &pairs))
		return (false);
	while (pairs-- > 0)
		if (!mp_str(m, &key, &len) || !((mp_equal(key, len, "name") && mp_str(m, &r->name, &r->name_len)) ||
		    (mp_equal(key, len, "client") && mp_str(m, &r->client, &r->client_len)) ||
		    (mp_equal(key, len, "cursor") && mp_uint(m, &r->cursor)) ||
		    (mp_equal(key, len, "lag_events") && mp_uint(m, &r->events)) ||
		    (mp_equal(key, len, "lag_bytes") && mp_uint(m, &r->bytes)) ||
		    (mp_equal(key, len, "lag_ns") && mp_int(m, &r->age_ns)) ||
		    (mp_equal(key, len, "loss_ns") && mp_int(m, &r->loss_ns)) ||
		    (mp_equal(key, len, "connected") && mp_bool(m, &r->connected)) ||
		    (mp_equal(key, len, "paused") && mp_bool(m, &r->paused)) ||
		    (mp_equal(key, len, "released") && mp_bool(m, &r->released)) || mp_skip(m)))
			return (false);
	return (true);
}

static void
write_cell(struct buffer *out, unsigned column, struct buffer *cell)
{
	paint_cell(out, cell->data != NULL ? cell->data : "", cell->len, heads[column].columns);
	buffer_text(out, " ");
	buffer_clear(cell);
}

static void
write_state(struct buffer *out, const struct row *r)
{
	bool zh = language_is_zh();

	if (r->released)
		buffer_printf(out, "%s%s%s", paint(PAINT_RED), zh ? "已释放" : "released", paint(PAINT_OFF));
	else if (r->paused)
		buffer_printf(out, "%s%s%s", paint(PAINT_YELLOW), zh ? "已暂停" : "paused", paint(PAINT_OFF));
	else if (!r->connected)
		buffer_printf(out, "%s%s%s", paint(PAINT_DIM), zh ? "未连接" : "away", paint(PAINT_OFF));
	if (r->connected) {
		buffer_text(out, r->paused || r->released ? zh ? "，" : ", " : "");
		buffer_text(out, zh ? "读者 " : "read by ");
		paint_clean(out, r->client != NULL ? r->client : "?", r->client != NULL ? r->client_len : 1, 0);
	}
	buffer_text(out, "\n");
}

static void
write_row(struct buffer *out, struct buffer *cell, const struct row *r)
{
	bool zh = language_is_zh();

	paint_cell(out, r->name != NULL ? r->name : "?", r->name != NULL ? r->name_len : 1, heads[0].columns);
	buffer_text(out, " ");
	buffer_printf(cell, "%" PRIu64, r->events);
	write_cell(out, 1, cell);
	if (r->events > 0)
		sitetime_span(cell, r->age_ns, zh);
	write_cell(out, 2, cell);
	if (r->bytes < 1024)
		buffer_printf(cell, "%" PRIu64 " B", r->bytes);
	else if (r->bytes < 1024 * 1024)
		buffer_printf(cell, "%.1f KiB", (double)r->bytes / 1024);
	else
		buffer_printf(cell, "%.1f MiB", (double)r->bytes / 1048576);
	write_cell(out, 3, cell);
	buffer_printf(cell, "%" PRIu64, r->cursor);
	write_cell(out, 4, cell);
	if (r->loss_ns >= 0)
		sitetime_span(cell, r->loss_ns, zh);
	write_cell(out, 5, cell);
	write_state(out, r);
}

static bool
write_table(struct buffer *out, struct mp *m)
{
	bool zh = language_is_zh();
	struct buffer cell = { NULL, 0, 0 };
	uint32_t count;
	struct row r;

	if (!mp_array(m, &count))
		return (false);
	if (count == 0) {
		buffer_text(out, zh ? "没有具名消费者\n" : "there are no consumers\n");
		return (true);
	}
	buffer_text(out, paint(PAINT_BOLD));
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		const char *head = zh ? heads[i].zh : heads[i].en;

		paint_cell(out, head, strlen(head), heads[i].columns != 0 ? heads[i].columns + 1 : strlen(head));
	}
	buffer_printf(out, "%s\n", paint(PAINT_OFF));
	for (; count > 0; count--) {
		if (!row_read(m, &r)) {
			buffer_free(&cell);
			return (false);
		}
		write_row(out, &cell, &r);
	}
	buffer_free(&cell);
	return (true);
}

static void
on_answer(void *user, const char *verb, struct mp body)
{
	const struct common *c = user;
	struct buffer out = { NULL, 0, 0 };

	(void)verb;
	if (c->json ? !json_write(&out, &body) : !write_table(&out, &body))
		fputs("estate consumers: the rest of the answer is unreadable\n", stderr);
	if (c->json)
		buffer_text(&out, "\n");
	fwrite(out.data, 1, out.len, stdout);
	buffer_free(&out);
}

int
cmd_consumers(int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS };
	struct common common;
	struct ask a = { .verb = "consumers", .request = "consumers", .on_answer = on_answer, .user = &common };
	int c, r;

	common_init(&common);
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		if ((r = common_option(&common, c, "consumers", help)) != -1)
			return (r);
	if (optind < argc)
		return (usage_error("consumers", "what is %s? To change one: estate consumer %s", argv[optind], argv[optind]));
	paint_init(false);
	return (ask_once(&common, &a));
}
