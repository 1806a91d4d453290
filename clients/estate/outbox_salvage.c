/* estate outbox salvage: see outbox_salvage.h. */
#include "outbox_salvage.h"

#include <inttypes.h>
#include <stdio.h>

#include "buffer.h"
#include "command.h"
#include "estate_outbox.h"
#include "outbox_feed.h"
#include "reach.h"

struct story {
	bool json, zh;
	struct buffer damaged, lost;	/* with --json: the members of two arrays */
};

static void
on_damage(void *user, uint64_t from, uint64_t to)
{
	struct story *s = user;

	if (s->json)
		buffer_printf(&s->damaged, "%s[%" PRIu64 ",%" PRIu64 "]", s->damaged.len > 0 ? "," : "", from, to);
	else
		printf(s->zh ? "文件 box 的第 %" PRIu64 " 至 %" PRIu64 " 字节已损坏\n" : "bytes %" PRIu64 " to %" PRIu64 " of the file box are damaged\n", from, to);
}

static void
on_lost(void *user, uint64_t entry)
{
	struct story *s = user;

	if (s->json)
		buffer_printf(&s->lost, "%s%" PRIu64, s->lost.len > 0 ? "," : "", entry);
	else
		printf(s->zh ? "条目 %" PRIu64 " 已丢失\n" : "entry %" PRIu64 " is lost\n", entry);
}

static void
tell(const struct story *s, const struct estate_salvaged *t, const char *to)
{
	if (s->json) {
		printf("{\"pending\":%" PRIu64 ",\"rejected\":%" PRIu64 ",\"review\":%" PRIu64 ",\"damaged\":[%s],\"lost\":[%s],\"uncounted\":%s}\n",
		    t->entries[ESTATE_PENDING], t->entries[ESTATE_REJECTED], t->entries[ESTATE_REVIEW], s->damaged.len > 0 ? s->damaged.data : "",
		    s->lost.len > 0 ? s->lost.data : "", t->uncounted ? "true" : "false");
		return;
	}
	if (t->uncounted)
		puts(s->zh ? "可能还丢失了其他条目，其编号已无从得知" : "others may be lost too, whose numbers nothing tells");
	printf(s->zh ? "已存入 %s：待发 %" PRIu64 " 条，被拒 %" PRIu64 " 条，待查 %" PRIu64 " 条\n" :
	    "saved in %s: pending %" PRIu64 ", rejected %" PRIu64 ", review %" PRIu64 "\n", to, t->entries[ESTATE_PENDING],
	    t->entries[ESTATE_REJECTED], t->entries[ESTATE_REVIEW]);
}

int
outbox_salvage(const struct common *common, const char *path, const char *to, bool zh)
{
	struct story s = { .json = common->json, .zh = zh };
	struct estate_salvage_ends ends = { &s, on_damage, on_lost };
	struct estate_salvaged t;
	char why[ESTATE_OUTBOX_WHY];
	int error, status;

	if ((error = estate_outbox_salvage(path, to, &ends, &t, why)) != 0)
		status = outbox_unopened(common, error, why);
	else {
		tell(&s, &t, to);
		status = t.lost > 0 || t.uncounted ? EXIT_PART : 0;
	}
	buffer_free(&s.damaged);
	buffer_free(&s.lost);
	return (status);
}
