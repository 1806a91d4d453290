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
#include "table.h"

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

/* A column: its heads, and which goes below first where there is no room. */
static const struct {
	const char *en, *zh;
	enum table_align align;
	unsigned fold;
} heads[] = {
	{ "NAME", "名称", TABLE_LEFT, 0 }, { "LAG", "滞后事件", TABLE_RIGHT, 0 }, { "OLDEST", "最早未处理", TABLE_RIGHT, 4 },
	{ "SIZE", "约", TABLE_RIGHT, 2 }, { "CURSOR", "位置", TABLE_RIGHT, 1 }, { "TO LOSS", "距释放", TABLE_RIGHT, 3 },
	{ "STATE", "状态", TABLE_LEFT, 0 },
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
write_state(struct table *t, const struct row *r)
{
	bool zh = language_is_zh();

	if (r->released)
		buffer_text(&t->text, zh ? "已释放" : "released");
	else if (r->paused)
		buffer_text(&t->text, zh ? "已暂停" : "paused");
	else if (!r->connected)
		buffer_text(&t->text, zh ? "未连接" : "away");
	if (r->connected) {
		buffer_text(&t->text, r->paused || r->released ? zh ? "，" : ", " : "");
		buffer_text(&t->text, zh ? "读者 " : "read by ");
		paint_clean(&t->text, r->client != NULL ? r->client : "?", r->client != NULL ? r->client_len : 1, 0);
	}
	table_cell(t, r->released ? PAINT_RED : r->paused ? PAINT_YELLOW : r->connected ? PAINT_OFF : PAINT_DIM);
}

static void
write_row(struct table *t, const struct row *r)
{
	bool zh = language_is_zh();

	paint_clean(&t->text, r->name != NULL ? r->name : "?", r->name != NULL ? r->name_len : 1, 0);
	table_cell(t, PAINT_OFF);
	buffer_printf(&t->text, "%" PRIu64, r->events);
	table_cell(t, PAINT_OFF);
	if (r->events > 0)
		sitetime_span(&t->text, r->age_ns, zh);
	table_cell(t, PAINT_OFF);
	if (r->bytes < 1024)
		buffer_printf(&t->text, "%" PRIu64 " B", r->bytes);
	else if (r->bytes < 1024 * 1024)
		buffer_printf(&t->text, "%.1f KiB", (double)r->bytes / 1024);
	else
		buffer_printf(&t->text, "%.1f MiB", (double)r->bytes / 1048576);
	table_cell(t, PAINT_OFF);
	buffer_printf(&t->text, "%" PRIu64, r->cursor);
	table_cell(t, PAINT_OFF);
	if (r->loss_ns >= 0)
		sitetime_span(&t->text, r->loss_ns, zh);
	table_cell(t, PAINT_OFF);
	write_state(t, r);
}

static bool
write_table(struct buffer *out, struct mp *m)
{
	bool zh = language_is_zh(), ok = true;
	struct table t = { .columns = paint_columns() };
	uint32_t count;
	struct row r;

	if (!mp_array(m, &count))
		return (false);
	if (count == 0) {
		buffer_text(out, zh ? "没有具名消费者\n" : "there are no consumers\n");
		return (true);
	}
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		table_column(&t, zh ? heads[i].zh : heads[i].en, heads[i].align, heads[i].fold);
	for (; count > 0 && (ok = row_read(m, &r)); count--)
		write_row(&t, &r);
	table_print(&t, out, 0);
	table_free(&t);
	return (ok);
}

static void
on_answer(void *user, const char *verb, struct mp body)
{
	const struct common *c = user;
	struct buffer out = { NULL, 0, 0 };

	(void)verb;
	if (c->json ? !json_write(&out, &body) : !write_table(&out, &body))
		complain("consumers", "the rest of the answer is unreadable");
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
	while ((c = next_option(argc, argv, "h", options)) != -1)
		if ((r = common_option(&common, c, "consumers", help)) != -1)
			return (r);
	if (optind < argc)
		return (usage_error("consumers", "what is %s? To change one: estate consumer %s", argv[optind], argv[optind]));
	paint_init(false);
	return (ask_once(&common, &a));
}
