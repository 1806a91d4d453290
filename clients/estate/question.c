/* Asking a worker: see question.h. */
#include "question.h"

#include <msgpack.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "errcode.h"
#include "language.h"
#include "paint.h"
#include "worker.h"

void
question_text(struct question *q, const char *key, const char *value)
{
	if (value == NULL)
		return;
	q->arguments[q->count].key = key;
	q->arguments[q->count++].value = value;
}

void
question_number(struct question *q, const char *key, int64_t value)
{
	q->arguments[q->count].key = key;
	q->arguments[q->count].value = NULL;
	q->arguments[q->count++].number = value;
}

static void
pack_pair(msgpack_packer *p, const char *key, const char *value)
{
	msgpack_pack_str_with_body(p, key, strlen(key));
	msgpack_pack_str_with_body(p, value, strlen(value));
}

struct asking {
	struct answers *answers;
	char page[ASK_PAGE_BYTES_MAX + 1];
	struct estate_fault fault;
	bool refused, unreadable;
};

/* Keep the page, and how the next is asked for. */
static bool
keep(struct asking *k, struct mp m)
{
	const char *key, *next;
	uint32_t pairs, len, next_len;
	const uint8_t *answer;
	size_t answer_len;

	k->page[0] = '\0';
	if (!mp_map(&m, &pairs))
		return (false);
	for (; pairs > 0; pairs--) {
		if (!mp_str(&m, &key, &len))
			return (false);
		if (mp_equal(key, len, "answer") && mp_raw(&m, &answer, &answer_len))
			buffer_add(&k->answers->bytes, answer, answer_len);
		else if (mp_equal(key, len, "next") && mp_str(&m, &next, &next_len) && next_len < sizeof(k->page))
			snprintf(k->page, sizeof(k->page), "%.*s", (int)next_len, next);
		else if (!(mp_equal(key, len, "seq") && mp_uint(&m, &k->answers->seq)) && !mp_skip(&m))
			return (false);
	}
	return (true);
}

static void
on_answer(void *user, const struct estate_answer *a)
{
	struct asking *k = user;

	if (a->error == 0)
		k->unreadable |= !keep(k, mp_over(a->body, a->len));
	else if ((k->refused = a->fault != NULL))
		k->fault = *a->fault;
}

static int
ask_page(const struct question *q, const struct common *c, struct estate *e, struct asking *k)
{
	msgpack_sbuffer b;
	msgpack_packer p;
	int n;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 3u + (q->at_least > 0) + (k->page[0] != '\0'));
	pack_pair(&p, "service", q->service);
	msgpack_pack_str_with_body(&p, "question", 8);
	msgpack_pack_map(&p, 1 + q->count);
	pack_pair(&p, "name", q->name);
	for (unsigned i = 0; i < q->count; i++)
		if (q->arguments[i].value != NULL)
			pack_pair(&p, q->arguments[i].key, q->arguments[i].value);
		else {
			msgpack_pack_str_with_body(&p, q->arguments[i].key, strlen(q->arguments[i].key));
			msgpack_pack_int64(&p, q->arguments[i].number);
		}
	msgpack_pack_str_with_body(&p, "timeout_ms", 10);
	msgpack_pack_unsigned_int(&p, ASK_TIMEOUT_MS);
	if (q->at_least > 0) {
		msgpack_pack_str_with_body(&p, "at_least", 8);
		msgpack_pack_uint64(&p, q->at_least);
	}
	if (k->page[0] != '\0')
		pack_pair(&p, "page", k->page);
	/* The deadline of the answer is the daemon's to keep. */
	n = estate_call(e, "ask", b.data, b.size, c->timeout_ms + (int)ASK_TIMEOUT_MS, on_answer, k);
	msgpack_sbuffer_destroy(&b);
	return (n);
}

/* Not an error of anybody's: the answer is that there is none such.  The detail may quote what was asked. */
static int
knows_none(const struct question *q, const struct estate_fault *f)
{
	const char *detail = f->detail[0] != '\0' ? f->detail : f->text;
	struct buffer b = { NULL, 0, 0 };

	buffer_printf(&b, language_is_zh() ? "estate %s：estate-%s 查无此项：" : "estate %s: estate-%s knows none such: ", q->verb, q->service);
	paint_clean(&b, detail, strlen(detail), 0);
	fprintf(stderr, "%s\n", b.data);
	buffer_free(&b);
	return (EXIT_PART);
}

static int
failed(const struct question *q, const struct common *c, const struct asking *k, int n)
{
	if (n == 0) {
		complain(q->verb, "the answer is unreadable; is estate-%s of the same release?", q->service);
		return (EXIT_PART);
	}
	if (k->refused && k->fault.code == E_NO_SERVICE && !c->json) {
		fprintf(stderr, language_is_zh() ? "estate %s：没有程序回答“%s”：estate-%s 没有运行。启动：systemctl start estate-worker@%s；estate ask 列出可查询的服务\n" :
		    "estate %s: nobody answers for %s: estate-%s does not run. Start it: systemctl start estate-worker@%s; estate ask lists who answers\n",
		    q->verb, q->service, q->service, q->service);
		return (EXIT_PART);
	}
	if (k->refused && k->fault.code == E_NOT_FOUND && !c->json)
		return (knows_none(q, &k->fault));
	return (reach_refused(q->verb, c, n, k->refused ? &k->fault : NULL));
}

int
question_ask(const struct question *q, const struct common *c, struct estate *e, struct answers *a)
{
	struct asking k = { .answers = a };
	int n;

	buffer_clear(&a->bytes);
	do
		n = ask_page(q, c, e, &k);
	while (n == 0 && !k.unreadable && k.page[0] != '\0' && !reach_stop);
	answers_rewind(a);
	return (n != 0 || k.unreadable ? failed(q, c, &k, n) : reach_stop ? EXIT_PART : 0);
}

void
answers_free(struct answers *a)
{
	buffer_free(&a->bytes);
}

static bool
member(struct mp m, const char *name, struct mp *value)
{
	struct event e = { .data = m };

	return (event_field(&e, name, value));
}

bool
answers_member(const struct answers *a, const char *name, struct mp *value)
{
	return (member(mp_over(a->bytes.data, a->bytes.len), name, value));
}

void
answers_rewind(struct answers *a)
{
	a->at = mp_over(a->bytes.data, a->bytes.len);
	a->left = 0;
}

bool
answers_row(struct answers *a, const char *list, struct event *row)
{
	const uint8_t *bytes;
	size_t len;

	while (a->left == 0) {
		struct mp page = a->at;

		if (a->at.p == a->at.end || !mp_skip(&a->at))
			return (false);
		if (!member(page, list, &a->rows) || !mp_array(&a->rows, &a->left))
			a->left = 0;
	}
	if (!mp_raw(&a->rows, &bytes, &len)) {
		a->left = 0;
		return (false);
	}
	a->left--;
	*row = (struct event){ .data = mp_over(bytes, len) };
	return (true);
}
