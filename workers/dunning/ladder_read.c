/* Reading the file of rules. */
#include "ladder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "catalogue.h"
#include "yamltext.h"

const char *const act_names[ACTS] = { "notice", "reminder", "call", "visit", "letter", "legal" };
static const char *const channels[] = { "sms", "email", "phone", "letter", "wechat", "hand" };
#define CHANNELS	(sizeof(channels) / sizeof(*channels))

/* What the law leaves no room for, by the words in which somebody would write it. */
static const char *const cutting[] = { "cut", "disconnect", "shut", "switch_off", "power", "water", "electricity", "heat", "gas", "停", "断" };
static const char *const publishing[] = { "group", "board", "webhook", "public", "robot", "wecom", "dingtalk", "feishu", "群", "公告", "公示" };
#define COUNT_OF(list)	(sizeof(list) / sizeof(*(list)))

static const struct number {
	const char *key;
	size_t offset;
	int64_t min, max;
} numbers[] = {
	{ "absurd", offsetof(struct terms, absurd), 1, 1000000000000 },
	{ "dispute_days", offsetof(struct terms, dispute_days), 1, 366 },
	{ "disputes", offsetof(struct terms, disputes), 0, 10 },
	{ "promise_days", offsetof(struct terms, promise_days), 1, 366 },
	{ "promises", offsetof(struct terms, promises), 0, 10 },
	{ "flight_minutes", offsetof(struct terms, flight), 1, 10080 },
	{ "expires_days", offsetof(struct terms, expires_days), 1, 60 },
	{ "wait_days", offsetof(struct terms, wait_days), 1, 60 },
	{ "limitation_years", offsetof(struct terms, limitation_years), 1, 20 },
};
static const char *const keys[] = { "run", "order", "ladders", "absurd", "dispute_days", "disputes", "promise_days", "promises", "flight_minutes", "expires_days",
	"wait_days", "limitation_years" };
enum { KEY_RUN, KEY_ORDER, KEY_LADDERS, KEY_NUMBERS };

static const struct enum_list *
fees(void)
{
	return (catalogue_field(catalogue_find("bill.issued", 11), "fee_kind", 8)->list);
}

const char *
fee_name(unsigned kind)
{
	return (kind < fees()->count ? fees()->values[kind].code : "");
}

unsigned
fee_find(const char *s, size_t len)
{
	for (unsigned i = 0; i < FEE_KINDS && i < fees()->count; i++)
		if (mp_equal(s, (uint32_t)len, fees()->values[i].code))
			return (i);
	return (FEE_KINDS);
}

/* ---- One value ---- */

static int64_t
whole(struct yamltext *y, yaml_node_t *n, const char *key, int64_t min, int64_t max)
{
	const char *text = yamltext_text(y, n, key);
	long long v;
	char *end;

	if (text == NULL)
		return (min);
	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno == 0 && *end == '\0' && end != text && v >= min && v <= max)
		return (v);
	yamltext_mistake(y, n, "%s is a whole number from %" PRId64 " to %" PRId64 ", not %.40s", key, min, max, text);
	return (min);
}

static bool
one_of_words(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strstr(text, words[i]) != NULL)
			return (true);
	return (false);
}

/* Walk a list; false behind its end. */
static yaml_node_t *
item(struct yamltext *y, yaml_node_t *list, const char *what, unsigned i)
{
	if (y->mistake[0] != '\0')
		return (NULL);
	if (list->type != YAML_SEQUENCE_NODE) {
		yamltext_mistake(y, list, "%s is a list", what);
		return (NULL);
	}
	if (list->data.sequence.items.start + i >= list->data.sequence.items.top)
		return (NULL);
	return (yamltext_node(y, list->data.sequence.items.start[i]));
}

static unsigned
read_fee(struct yamltext *y, yaml_node_t *n)
{
	const char *text = yamltext_text(y, n, "a kind of fee"), *names[FEE_KINDS];

	for (unsigned i = 0; i < FEE_KINDS; i++)
		names[i] = fee_name(i);
	return (text != NULL ? yamltext_one_of(y, n, text, names, FEE_KINDS, "kind of fee") : FEE_KINDS);
}

static void
read_order(struct yamltext *y, yaml_node_t *list, struct terms *p)
{
	bool given[FEE_KINDS] = { false };
	yaml_node_t *n;
	unsigned i = 0;

	for (; (n = item(y, list, "order", i)) != NULL; i++) {
		unsigned kind = read_fee(y, n);

		if (kind == FEE_KINDS)
			return;
		if (given[kind])
			yamltext_mistake(y, n, "order: %s is given twice", fee_name(kind));
		given[kind] = true;
		p->rank[kind] = i;
	}
	for (unsigned kind = 0; kind < FEE_KINDS; kind++)
		if (!given[kind])
			yamltext_mistake(y, list, "order: %s is missing", fee_name(kind));
}

/* ---- A ladder ---- */

static void
read_act(struct yamltext *y, yaml_node_t *n, struct step *s)
{
	const char *text = yamltext_text(y, n, "do");

	if (text == NULL)
		return;
	if (one_of_words(text, cutting, COUNT_OF(cutting)))
		yamltext_mistake(y, n, "%.40s: 民法典 944 (物业服务人不得采取停止供电、供水、供热、供燃气等方式催交): no step may cut off anything; the last one is legal", text);
	else
		s->act = yamltext_one_of(y, n, text, act_names, ACTS, "step");
}

static void
read_channel(struct yamltext *y, yaml_node_t *n, struct step *s)
{
	const char *text = yamltext_text(y, n, "channel");

	if (text == NULL)
		return;
	if (one_of_words(text, publishing, COUNT_OF(publishing)))
		yamltext_mistake(y, n, "%.40s: 个人信息保护法 25, 民法典 1033: a debtor's name or room goes to nobody but him: sms, email, phone, letter, wechat or hand",
		    text);
	else if (yamltext_one_of(y, n, text, channels, CHANNELS, "channel") < CHANNELS)
		snprintf(s->channel, sizeof(s->channel), "%s", text);
}

static void
read_step(struct yamltext *y, yaml_node_t *map, struct step *s)
{
	static const char *const names[] = { "day", "do", "channel", "template" };
	bool given[4] = { false };
	yaml_node_t *key, *value;
	const char *name, *text;

	for (unsigned i = 0; yamltext_pair(y, map, "a step", i, &key, &name, &value); i++) {
		unsigned which = yamltext_one_of(y, key, name, names, 4, "key of a step");

		if (which == 4)
			return;
		given[which] = true;
		if (which == 0)
			s->day = whole(y, value, "day", -366, 3660);
		else if (which == 1)
			read_act(y, value, s);
		else if (which == 2)
			read_channel(y, value, s);
		else if ((text = yamltext_text(y, value, "template")) != NULL && (strlen(text) >= TEMPLATE_SIZE || !id_valid(text, strlen(text))))
			yamltext_mistake(y, value, "template is the name of a template, such as bill-reminder");
		else if (text != NULL)
			snprintf(s->template, sizeof(s->template), "%s", text);
	}
	for (unsigned i = 0; i < 3 && y->mistake[0] == '\0'; i++)
		if (!given[i])
			yamltext_mistake(y, map, "a step has no %s", names[i]);
	if (y->mistake[0] != '\0')
		return;
	if ((s->act == ACT_LEGAL) != (strcmp(s->channel, "hand") == 0))
		yamltext_mistake(y, map, "a legal file is made by hand, and nothing else is: { do: legal, channel: hand }");
	if (s->act != ACT_LEGAL && s->template[0] == '\0')
		yamltext_mistake(y, map, "a step has no template");
}

static void
read_steps(struct yamltext *y, yaml_node_t *list, struct ladder *l)
{
	yaml_node_t *n;

	for (unsigned i = 0; (n = item(y, list, "steps", i)) != NULL; i++) {
		struct step *s = &l->steps[l->count];

		if (i == STEPS_OF_LADDER_MAX) {
			yamltext_mistake(y, n, "a ladder has at most %u steps", STEPS_OF_LADDER_MAX);
			return;
		}
		memset(s, 0, sizeof(*s));
		read_step(y, n, s);
		if (l->count > 0 && s->day <= s[-1].day)
			yamltext_mistake(y, n, "day %" PRId64 " is not behind the step above it", s->day);
		if (l->count > 0 && s->act < s[-1].act)
			yamltext_mistake(y, n, "%s is gentler than the step above it", act_names[s->act]);
		l->count++;
	}
	if (l->count == 0)
		yamltext_mistake(y, list, "steps is empty: say { day: 0, do: notice, … }, or nobody is ever asked");
}

static void
read_ladder(struct yamltext *y, yaml_node_t *map, struct terms *p, bool given[FEE_KINDS])
{
	static const char *const names[] = { "kinds", "pace", "steps", "surcharge" }, *const paces[] = { "calendar", "business" };
	struct ladder *l = &p->ladders[p->count];
	yaml_node_t *key, *value, *n;
	bool has[3] = { false };
	const char *name, *text;

	for (unsigned i = 0; yamltext_pair(y, map, "a ladder", i, &key, &name, &value); i++) {
		unsigned which = yamltext_one_of(y, key, name, names, 4, "key of a ladder");

		if (which == 4)
			return;
		if (which == 3) {
			yamltext_mistake(y, key, "surcharge: 物业管理条例 44: who collects for a supplier asks the owner for nothing on top; there is no such key");
			return;
		}
		has[which] = true;
		if (which == 2)
			read_steps(y, value, l);
		else if (which == 1 && (text = yamltext_text(y, value, "pace")) != NULL)
			l->business = yamltext_one_of(y, value, text, paces, 2, "pace") == 1;
		for (unsigned j = 0; which == 0 && (n = item(y, value, "kinds", j)) != NULL; j++) {
			unsigned kind = read_fee(y, n);

			if (kind == FEE_KINDS)
				return;
			if (given[kind])
				yamltext_mistake(y, n, "%s has a ladder above", fee_name(kind));
			given[kind] = true;
			p->of_kind[kind] = p->count;
		}
	}
	for (unsigned i = 0; i < 3; i++)
		if (!has[i])
			yamltext_mistake(y, map, "a ladder has no %s", names[i]);
	p->count++;
}

static void
read_ladders(struct yamltext *y, yaml_node_t *list, struct terms *p)
{
	bool given[FEE_KINDS] = { false };
	yaml_node_t *n;

	for (unsigned i = 0; (n = item(y, list, "ladders", i)) != NULL; i++) {
		if (i == FEE_KINDS) {
			yamltext_mistake(y, n, "there are more ladders than kinds of fees");
			return;
		}
		read_ladder(y, n, p, given);
	}
	for (unsigned kind = 0; kind < FEE_KINDS; kind++)
		if (!given[kind])
			yamltext_mistake(y, list, "no ladder names %s in its kinds", fee_name(kind));
}

/* ---- The whole ---- */

static void
read_key(struct yamltext *y, unsigned which, yaml_node_t *value, struct terms *p)
{
	const char *text;
	unsigned minute;
	int64_t v;

	if (which == KEY_RUN) {
		if ((text = yamltext_text(y, value, "run")) == NULL)
			return;
		if (strlen(text) == 5 && yamltext_clock(text, &minute) && minute >= 480 && minute < 1260)
			p->run = minute;
		else
			yamltext_mistake(y, value, "run is a time of the day from \"08:00\" to \"20:59\" (nobody is reminded by night), not %.40s", text);
	} else if (which == KEY_ORDER)
		read_order(y, value, p);
	else if (which == KEY_LADDERS)
		read_ladders(y, value, p);
	else {
		const struct number *r = &numbers[which - KEY_NUMBERS];

		v = whole(y, value, r->key, r->min, r->max);
		memcpy((char *)p + r->offset, &v, sizeof(v));
	}
}

struct terms *
terms_read(const char *text, char *why, size_t size)
{
	struct terms *p = alloc_or_exit(NULL, sizeof(*p));
	bool given[COUNT_OF(keys)] = { false };
	yaml_node_t *top, *key, *value;
	struct yamltext y;
	const char *name;

	memset(p, 0, sizeof(*p));
	if ((top = yamltext_load(&y, text, "the file of rules", why, size)) == NULL) {
		free(p);
		return (NULL);
	}
	for (unsigned i = 0; yamltext_pair(&y, top, "the file of rules", i, &key, &name, &value); i++) {
		unsigned which = yamltext_one_of(&y, key, name, keys, COUNT_OF(keys), "key");

		if (which == COUNT_OF(keys))
			break;
		if (given[which])
			yamltext_mistake(&y, key, "%s is given twice", name);
		given[which] = true;
		read_key(&y, which, value, p);
	}
	for (unsigned i = 0; i < COUNT_OF(keys); i++)
		if (!given[i])
			yamltext_mistake(&y, top, "%s is missing", keys[i]);
	if (y.mistake[0] != '\0') {
		snprintf(why, size, "%s", y.mistake);
		free(p);
		p = NULL;
	}
	yamltext_free(&y);
	return (p);
}
