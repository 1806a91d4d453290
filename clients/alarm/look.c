/* What is wrong now: see alarm.h. */
#include "alarm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "estate.h"
#include "mp.h"

struct looking {
	const struct setup *s;
	bool seen[CONSUMERS_MAX], unreadable;
	char *trouble;			/* the first that was found */
};

static int64_t
monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

static void
on_status(void *user, const struct estate_answer *a)
{
	struct looking *l = user;
	struct mp m;
	const char *key, *state = NULL;
	uint32_t pairs, len, state_len = 0;
	int64_t jump = 0;

	if (a->error != 0)
		return;
	m = mp_over(a->body, a->len);
	if (!mp_map(&m, &pairs)) {
		l->unreadable = true;
		return;
	}
	for (; pairs > 0 && mp_str(&m, &key, &len); pairs--)
		if (!((mp_equal(key, len, "state") && mp_str(&m, &state, &state_len)) ||
		    (mp_equal(key, len, "clock_jump_seconds") && mp_int(&m, &jump)) || mp_skip(&m)))
			break;
	l->unreadable |= state == NULL;
	if (state != NULL && mp_equal(state, state_len, "disk-full"))
		snprintf(l->trouble, TROUBLE_BYTES, l->s->zh ? "磁盘已满，暂不接收新事件" : "the disk is full, new events are put off");
	else if (jump != 0)
		snprintf(l->trouble, TROUBLE_BYTES, l->s->zh ? "时钟跳变，需人工确认" : "the clock jumped and waits for estate clock accept");
}

/* One row of the answer. */
static bool
read_row(struct looking *l, struct mp *m)
{
	const char *key, *name = "";
	uint32_t pairs, len, name_len = 0;
	bool released = false;
	int64_t lag = 0;

	if (!mp_map(m, &pairs))
		return (false);
	for (; pairs > 0; pairs--)
		if (!mp_str(m, &key, &len) || !((mp_equal(key, len, "name") && mp_str(m, &name, &name_len)) ||
		    (mp_equal(key, len, "lag_ns") && mp_int(m, &lag)) || (mp_equal(key, len, "released") && mp_bool(m, &released)) ||
		    mp_skip(m)))
			return (false);
	for (unsigned i = 0; i < l->s->consumer_count; i++) {
		if (!mp_equal(name, name_len, l->s->consumers[i].name))
			continue;
		l->seen[i] = true;
		if (l->trouble[0] == '\0' && (released || lag > l->s->consumers[i].lag_ns))
			snprintf(l->trouble, TROUBLE_BYTES, l->s->zh ? "%.64s 滞后 %" PRId64 " 秒%s" : "%.64s is %" PRId64 " s behind%s",
			    l->s->consumers[i].name, lag / 1000000000, !released ? "" : l->s->zh ? "，已被释放" : ", and released");
	}
	return (true);
}

static void
on_consumers(void *user, const struct estate_answer *a)
{
	struct looking *l = user;
	struct mp m;
	uint32_t rows;

	if (a->error != 0)
		return;
	m = mp_over(a->body, a->len);
	if (!mp_array(&m, &rows))
		l->unreadable = true;
	for (; !l->unreadable && rows > 0; rows--)
		l->unreadable = !read_row(l, &m);
	for (unsigned i = 0; i < l->s->consumer_count; i++)
		if (!l->seen[i] && l->trouble[0] == '\0')
			snprintf(l->trouble, TROUBLE_BYTES, l->s->zh ? "没有名为 %.64s 的消费者" : "there is no consumer %.64s",
			    l->s->consumers[i].name);
}

/* Both questions, within what is left of the time. */
static int
ask(struct looking *l, struct estate *e, int64_t until)
{
	int64_t left = until - monotonic_ms();
	int n = estate_call(e, "status", NULL, 0, left > 0 ? (int)left : 0, on_status, l);

	left = until - monotonic_ms();
	if (n == 0 && l->trouble[0] == '\0' && l->s->consumer_count > 0)
		n = estate_call(e, "consumers", NULL, 0, left > 0 ? (int)left : 0, on_consumers, l);
	return (n);
}

bool
look(const struct setup *s, char trouble[TROUBLE_BYTES])
{
	struct estate_options o = { .endpoint = s->endpoint, .client = "estate-alarm", .software = "estate-alarm " ESTATE_VERSION };
	struct looking l = { .s = s, .trouble = trouble };
	struct estate *e;
	int n;

	trouble[0] = '\0';
	if ((n = estate_open(&o, &e)) == 0) {
		n = ask(&l, e, monotonic_ms() + s->answer_ns / 1000000);
		estate_close(e);
	}
	if (n == ESTATE_REFUSED)
		snprintf(trouble, TROUBLE_BYTES, s->zh ? "事件服务不认识 estate-alarm：请用 estate client add 登记其用户，角色 alarm" :
		    "the daemon refuses estate-alarm: estate client add it by its user, with the role alarm");
	else if (n != 0)
		snprintf(trouble, TROUBLE_BYTES, s->zh ? "事件服务没有应答（%s）" : "the daemon does not answer (%s)", estate_error_name(n));
	else if (l.unreadable)
		snprintf(trouble, TROUBLE_BYTES, s->zh ? "事件服务的应答无法读取" : "the daemon's answer is unreadable");
	return (trouble[0] != '\0');
}
