/* Reading config/measures.yaml. */
#include "measure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "buffer.h"
#include "conf.h"
#include "nearest.h"
#include "yamltext.h"

static const char *const forms[] = { "table", "pareto", "check_sheet", "ages" };

/* The first mistake within a value: conf.c knows the lines of keys, not what stands in them. */
struct reading {
	struct conf *y;
	struct measures *m;
	char *end;			/* of the text, where words are put */
	char mistake[200];
	const char *name;		/* of the measure at hand */
};

static void __attribute__((format(printf, 2, 3)))
mistake(struct reading *r, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (r->mistake[0] != '\0')
		return;
	n = snprintf(r->mistake, sizeof(r->mistake), "%s: ", r->name);
	va_start(ap, fmt);
	vsnprintf(r->mistake + n, sizeof(r->mistake) - (size_t)n, fmt, ap);
	va_end(ap);
}

static unsigned
one_of(struct reading *r, const char *word, const char *const *names, unsigned count, const char *what)
{
	struct nearest near;

	for (unsigned i = 0; i < count; i++)
		if (strcmp(word, names[i]) == 0)
			return (i);
	nearest_begin(&near, word, strlen(word));
	for (unsigned i = 0; i < count; i++)
		nearest_offer(&near, names[i]);
	if (near.best != NULL)
		mistake(r, "there is no %s %.40s; did you mean %s?", what, word, near.best);
	else
		mistake(r, "there is no %s %.40s", what, word);
	return (count);
}

static uint8_t
attr_of(struct reading *r, const char *word)
{
	unsigned k = one_of(r, word, attr_names, ATTRS, "attribute");

	return ((uint8_t)(k < ATTRS ? k : 0));
}

/* The next word of a value, cut off in place; NULL behind the last. */
static char *
next_word(char **rest)
{
	char *word;

	do {
		if (*rest == NULL)
			return (NULL);
		word = strsep(rest, " ");
	} while (*word == '\0');
	return (word);
}

/* A value that may be cut up: it lives as long as the measures do. */
static char *
own(struct reading *r, const char *value)
{
	char *copy = r->end;
	size_t len = strlen(value) + 1;

	memcpy(copy, value, len);
	r->end += len;
	return (copy);
}

static void
read_number(struct reading *r, struct condition *c, const char *text)
{
	char *end;

	errno = 0;
	c->n = strtoll(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0')
		return;
	if (c->op != OP_AT_MOST) {
		mistake(r, "%.40s is no whole number", text);
		return;
	}
	c->op = OP_NOT_AFTER;
	c->other = attr_of(r, text);
}

static void
read_condition(struct reading *r, struct condition *c, char *word)
{
	size_t len = strcspn(word, "=!<>");
	char *rest = word + len, *one;

	memset(c, 0, sizeof(*c));
	c->op = OP_HAS;
	if (word[0] == '!') {
		c->op = OP_LACKS;
		c->attr = attr_of(r, word + 1);
		return;
	}
	if (strncmp(rest, "<=", 2) == 0 || strncmp(rest, ">=", 2) == 0) {
		c->op = rest[0] == '<' ? OP_AT_MOST : OP_AT_LEAST;
		*rest = '\0';
		c->attr = attr_of(r, word);
		if (attr_kinds[c->attr] == ATTR_IS_WORD)
			mistake(r, "%s is a word: it is neither more nor less than another", word);
		read_number(r, c, rest + 2);
		return;
	}
	if (*rest == '\0') {
		c->attr = attr_of(r, word);
		return;
	}
	c->op = rest[0] == '!' ? OP_IS_NOT : OP_IS;
	if (rest[0] != '=' && strncmp(rest, "!=", 2) != 0) {
		mistake(r, "%.60s is no condition: called, !called, grade=a|b, grade!=a, wait<=60000, wait>=1, called<=due", word);
		return;
	}
	one = rest + (c->op == OP_IS ? 1 : 2);
	*rest = '\0';
	c->attr = attr_of(r, word);
	if (attr_kinds[c->attr] != ATTR_IS_WORD)
		mistake(r, "%s is no word: it cannot be compared with one", word);
	for (char *w; (w = strsep(&one, "|")) != NULL;) {
		if (c->count == WORDS_MAX) {
			mistake(r, "more than %u words in one condition", WORDS_MAX);
			return;
		}
		if (*w == '\0')
			mistake(r, "%s=: a word is missing", word);
		c->words[c->count++] = w;
	}
}

static uint8_t
read_conditions(struct reading *r, const char *key, struct condition list[CONDITIONS_MAX])
{
	const char *text = conf_text(r->y, key, "");
	char *rest = own(r, text), *word;
	uint8_t n = 0;

	while ((word = next_word(&rest)) != NULL) {
		if (n == CONDITIONS_MAX) {
			mistake(r, "more than %u conditions in %s", CONDITIONS_MAX, key);
			return (n);
		}
		read_condition(r, &list[n++], word);
	}
	return (n);
}

static void
read_dims(struct reading *r, struct measure *m)
{
	char *rest = own(r, conf_text(r->y, "by", "")), *word;

	while ((word = next_word(&rest)) != NULL) {
		char *attr = strchr(word, '=');

		if (m->dim_count == DIMS_MAX) {
			mistake(r, "more than %u dimensions", DIMS_MAX);
			return;
		}
		if (attr != NULL)
			*attr++ = '\0';
		snprintf(m->dims[m->dim_count].name, NAME_SIZE, "%s", word);
		m->dims[m->dim_count].attr = attr_of(r, attr != NULL ? attr : word);
		if (attr_kinds[m->dims[m->dim_count].attr] != ATTR_IS_WORD)
			mistake(r, "by %s: only words make dimensions", word);
		m->dim_count++;
	}
}

static void
read_each(struct reading *r, struct measure *m)
{
	const char *name = conf_text(r->y, "each", "");

	for (m->each = 0; m->each < m->dim_count && strcmp(m->dims[m->each].name, name) != 0; m->each++)
		;
	if (m->each < m->dim_count)
		return;
	m->each = DIMS_MAX;
	if (name[0] != '\0')
		mistake(r, "each: it does not go by %.32s", name);
}

static bool
read_yes(struct reading *r, const char *key)
{
	const char *text = conf_text(r->y, key, "no");

	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
		mistake(r, "%s is \"yes\" or \"no\", not %.20s", key, text);
	return (strcmp(text, "yes") == 0);
}

/* "30%", "99.5%": thousandths; -1 for none. */
static int32_t
read_share(struct reading *r, const char *text)
{
	unsigned long whole;
	int32_t share;
	char *end;

	if (text[0] == '\0')
		return (-1);
	whole = strtoul(text, &end, 10);
	share = (int32_t)(whole > 100 ? 1001 : whole * 10);
	if (end != text && end[0] == '.' && end[1] >= '0' && end[1] <= '9') {
		share += end[1] - '0';
		end += 2;
	}
	if (end == text || strcmp(end, "%") != 0 || share > 1000) {
		mistake(r, "least is a share of 0%% to 100%%, with one decimal at most, not %.40s", text);
		return (-1);
	}
	return (share);
}

static void
read_limit(struct reading *r, struct measure *m)
{
	char *rest = own(r, conf_text(r->y, "within", "")), *mode, *n, why[120];

	if ((mode = next_word(&rest)) == NULL)
		return;
	m->limited = true;
	if ((m->limit.mode = calendar_mode_read(mode, why, sizeof(why))) == CALENDAR_MODES) {
		mistake(r, "within: %s", why);
		return;
	}
	if ((n = next_word(&rest)) == NULL || calendar_term_read(&m->limit, n, why, sizeof(why)) != 0)
		mistake(r, "within: %s", n != NULL ? why : "a mode and how many: eod 1, elapsed 5min");
}

/* The duration that is measured: `from` and `until`, or `value`. */
static void
read_duration(struct reading *r, struct measure *m)
{
	const char *from = conf_text(r->y, "from", ""), *until = conf_text(r->y, "until", ""), *value = conf_text(r->y, "value", "");

	m->value = ATTRS;
	if (value[0] != '\0' && (from[0] != '\0' || until[0] != '\0'))
		mistake(r, "value, or from and until: not both");
	if (value[0] != '\0') {
		m->value = attr_of(r, value);
		m->timed = true;
		if (attr_kinds[m->value] != ATTR_IS_COUNT)
			mistake(r, "value: %s is no number", value);
	} else if (from[0] != '\0' || until[0] != '\0') {
		m->timed = m->per == PER_MONTH;
		m->from = attr_of(r, from);
		m->until = attr_of(r, until);
		if (attr_kinds[m->from] != ATTR_IS_MOMENT || attr_kinds[m->until] != ATTR_IS_MOMENT)
			mistake(r, "from and until are moments");
	}
	read_limit(r, m);
	m->or_due = read_yes(r, "or_due");
	if (m->limited && (!m->timed || m->value != ATTRS))
		mistake(r, "within needs from and until");
}

static void
read_ages(struct reading *r, struct measure *m)
{
	char *rest = own(r, conf_text(r->y, "ages", "")), *word;

	while ((word = next_word(&rest)) != NULL) {
		char *end;
		long days = strtol(word, &end, 10);

		if (*end != '\0' || m->age_count == AGES_MAX || days <= 0 || days > 3660 || (m->age_count > 0 && m->ages[m->age_count - 1] >= days)) {
			mistake(r, "ages: at most %u numbers of days, each larger than the one before it", AGES_MAX);
			return;
		}
		m->ages[m->age_count++] = (int16_t)days;
	}
}

static void
copy_title(struct reading *r, const char *key, const char *fallback, char *out, size_t size)
{
	const char *text = conf_text(r->y, key, fallback);

	if (text == NULL)
		return;
	if (strlen(text) >= size)
		mistake(r, "%s is longer than %zu bytes", key, size - 1);
	else
		snprintf(out, size, "%s", text);
}

/* Only what lasts is there at an instant, and only that has an age then. */
static void
check_stock(struct reading *r, const struct measure *m)
{
	if (m->per == PER_STOCK && m->class != CLASS_OPEN && m->class != CLASS_LIVING && m->class != CLASS_ROUTINE)
		mistake(r, "per: stock is for what lasts from since to until: open, living, routine");
	if (m->per != PER_STOCK && m->age_count > 0)
		mistake(r, "ages are of a stock: per: stock");
	if (m->per != PER_STOCK && m->linear)
		mistake(r, "linear is for a stock, towards the end of its year: per: stock");
}

static void
read_measure(struct reading *r, struct measure *m)
{
	r->name = conf_id(r->y, "name", NAME_SIZE - 1);
	snprintf(m->name, sizeof(m->name), "%s", r->name);
	m->key = (uint32_t)XXH3_64bits(m->name, strlen(m->name));
	copy_title(r, "zh", NULL, m->zh, sizeof(m->zh));
	copy_title(r, "en", NULL, m->en, sizeof(m->en));
	copy_title(r, "rule", "", m->rule, sizeof(m->rule));
	m->class = (uint8_t)one_of(r, conf_text(r->y, "of", ""), class_names, CLASSES, "class");
	m->per = (uint8_t)one_of(r, conf_text(r->y, "per", "month"), per_names, PERS, "per");
	if (m->per == PER_MONTH) {
		m->period = attr_of(r, conf_text(r->y, "period", ""));
		if (attr_kinds[m->period] != ATTR_IS_MOMENT)
			mistake(r, "period is a moment");
	}
	m->where_count = read_conditions(r, "where", m->where);
	m->count_count = read_conditions(r, "count", m->count);
	read_duration(r, m);
	read_dims(r, m);
	read_each(r, m);
	read_ages(r, m);
	m->least = read_share(r, conf_text(r->y, "least", ""));
	m->soft = read_yes(r, "soft");
	if (conf_text(r->y, "lag", "")[0] != '\0')
		m->lag = conf_span(r->y, "lag");
	m->linear = read_yes(r, "linear");
	check_stock(r, m);
}

static bool
has_part(const struct report_kind *k, const char *name)
{
	for (unsigned i = 0; i < k->count; i++)
		if (strcmp(k->parts[i]->name, name) == 0)
			return (true);
	return (false);
}

/* A report is asked for by its name, and so is a measure, which must then be in it; and what `estate report` itself does. */
static void
check_report_name(struct reading *r, const struct report_kind *k)
{
	static const char *const own[] = { "list", "versions", "collection", "submit", "review", "approve", "reject", "distribute" };

	for (const struct report_kind *other = r->m->reports; other < k; other++)
		if (strcmp(other->name, k->name) == 0)
			mistake(r, "there are two reports of that name");
	if (measures_find(r->m, text_of(k->name)) != NULL && !has_part(k, k->name))
		mistake(r, "a measure has that name and is not in it; another one");
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (strcmp(own[i], k->name) == 0)
			mistake(r, "estate report means something else by that name; another one");
}

static bool
has_dim(const struct measure *m, const char *dim)
{
	for (unsigned i = 0; i < m->dim_count; i++)
		if (strcmp(m->dims[i].name, dim) == 0)
			return (true);
	return (false);
}

static void
read_report(struct reading *r, struct report_kind *k)
{
	char *rest, *word;
	bool goes = false;

	r->name = conf_id(r->y, "name", NAME_SIZE - 1);
	snprintf(k->name, sizeof(k->name), "%s", r->name);
	copy_title(r, "zh", NULL, k->zh, sizeof(k->zh));
	copy_title(r, "en", NULL, k->en, sizeof(k->en));
	copy_title(r, "by", "", k->by, sizeof(k->by));
	copy_title(r, "form", "table", k->form, sizeof(k->form));
	one_of(r, k->form, forms, sizeof(forms) / sizeof(*forms), "form");
	for (rest = own(r, conf_text(r->y, "measures", "")); (word = next_word(&rest)) != NULL;) {
		const struct measure *m = measures_find(r->m, text_of(word));

		if (m == NULL || k->count == REPORT_PARTS_MAX) {
			mistake(r, m == NULL ? "there is no measure %.40s" : "too many measures: %.40s", word);
			return;
		}
		k->parts[k->count++] = m;
		goes = goes || has_dim(m, k->by);
	}
	if (k->count == 0)
		mistake(r, "measures: which?");
	if (k->by[0] != '\0' && !goes)
		mistake(r, "none of its measures goes by %.40s", k->by);
	check_report_name(r, k);
}

static void
read_draft(struct reading *r, struct draft_kind *k)
{
	static const char *const every[EVERIES] = { "month", "year", "survey" };
	const struct field *kind = catalogue_field(catalogue_find("report.generated", 16), "kind", 4);
	const char *text = conf_text(r->y, "kind", NULL);

	r->name = conf_id(r->y, "report", NAME_SIZE - 1);
	for (unsigned i = 0; i < r->m->report_count && k->report == NULL; i++)
		if (strcmp(r->m->reports[i].name, r->name) == 0)
			k->report = &r->m->reports[i];
	if (k->report == NULL)
		mistake(r, "there is no report of that name");
	if (text != NULL && catalogue_value(kind->list, text, strlen(text)) == NULL)
		mistake(r, "kind is complaints, survey, callback_rate or other, not %.40s", text);
	else if (text != NULL)
		snprintf(k->kind, sizeof(k->kind), "%s", text);
	k->every = (uint8_t)one_of(r, conf_text(r->y, "every", NULL), every, EVERIES, "every");
}

static void
sort_by_class(struct measures *m)
{
	for (unsigned i = 0; i < m->count; i++)
		m->of[m->list[i].class][m->of_count[m->list[i].class]++] = (uint8_t)i;
}

/* Names, and what their rows begin with, are each one's own. */
static void
no_twins(struct reading *r)
{
	for (unsigned i = 0; i < r->m->count; i++)
		for (unsigned k = 0; k < i; k++)
			if (r->m->list[i].key == r->m->list[k].key) {
				r->name = r->m->list[i].name;
				mistake(r, "that name is taken; another one");
			}
}

static int64_t
clock_of(struct reading *r, const char *key)
{
	const char *text = conf_text(r->y, key, NULL);
	unsigned minute = 0;

	r->name = key;
	if (text != NULL && (strlen(text) != 5 || !yamltext_clock(text, &minute)))
		mistake(r, "a time of day such as 08:00, not %.20s", text);
	return (minute);
}

struct measures *
measures_read(const char *text, char *why, size_t size)
{
	struct reading r = { .m = alloc_or_exit(NULL, sizeof(*r.m)) };
	bool fine;

	memset(r.m, 0, sizeof(*r.m));
	if ((r.y = conf_read(text, why, size)) == NULL) {
		free(r.m);
		return (NULL);
	}
	/* Each value of the text is copied at most once. */
	r.end = r.m->text = alloc_or_exit(NULL, 2 * strlen(text) + 1024u * (MEASURES_MAX + REPORTS_MAX));
	r.m->run = clock_of(&r, "run");
	r.m->pace_day = conf_int(r.y, "pace_day", 1, 31);
	r.m->settle_day = conf_int(r.y, "settle_day", 1, 28);
	r.m->draft_day = conf_int(r.y, "draft_day", 1, 28);
	r.m->ring = conf_span(r.y, "ring");
	for (unsigned n = 0; conf_entry(r.y, "measures", n); n++) {
		if (n == MEASURES_MAX) {
			mistake(&r, "more than %u measures", MEASURES_MAX);
			break;
		}
		read_measure(&r, &r.m->list[n]);
		r.m->count = n + 1;
	}
	no_twins(&r);
	for (unsigned n = 0; conf_entry(r.y, "reports", n); n++) {
		if (n == REPORTS_MAX) {
			mistake(&r, "more than %u reports", REPORTS_MAX);
			break;
		}
		read_report(&r, &r.m->reports[n]);
		r.m->report_count = n + 1;
	}
	for (unsigned n = 0; conf_entry(r.y, "drafts", n); n++) {
		if (n == DRAFTS_MAX) {
			mistake(&r, "more than %u drafts", DRAFTS_MAX);
			break;
		}
		read_draft(&r, &r.m->drafts[n]);
		r.m->draft_count = n + 1;
	}
	fine = conf_fine(r.y, why, size);
	if (fine && r.mistake[0] != '\0') {
		snprintf(why, size, "%s", r.mistake);
		fine = false;
	}
	conf_free(r.y);
	if (fine) {
		sort_by_class(r.m);
		return (r.m);
	}
	measures_free(r.m);
	return (NULL);
}
