#include "template.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "conf.h"
#include "nearest.h"
#include "sitetime.h"

#define FILE_BYTES_MAX		32768u
#define SMS_BYTES_MAX		1600u
#define FIELDS_MAX		24u
#define FIELD_SIZE		40u

enum shown { TYPE_TEXT, TYPE_FEN };

static const char *const builtins[] = { "case", "to", "sign" };
/* What tells a group whose household, or whose debt, it is about. */
static const char *const private_fields[] = { "household", "name", "room", "amount", "bills", "phone", "to", "case" };

struct template {
	char name[65];
	bool is_public;
	struct { char name[FIELD_SIZE]; enum shown type; } fields[FIELDS_MAX];
	unsigned count;
	char *texts[2][PARTS_COUNT];		/* zh, en */
};

struct templates {
	struct template *list;
	unsigned count;
};

static const char *const keys[2][PARTS_COUNT] = { { "zh_sms", "zh_subject", "zh_text" }, { "en_sms", "en_subject", "en_text" } };

/* ---- Reading ---- */

static bool
known(const struct template *t, const char *name, size_t len, struct nearest *n)
{
	for (unsigned i = 0; i < t->count; i++) {
		nearest_offer(n, t->fields[i].name);
		if (strlen(t->fields[i].name) == len && memcmp(t->fields[i].name, name, len) == 0)
			return (true);
	}
	for (size_t i = 0; i < sizeof(builtins) / sizeof(*builtins); i++) {
		nearest_offer(n, builtins[i]);
		if (strlen(builtins[i]) == len && memcmp(builtins[i], name, len) == 0)
			return (true);
	}
	return (false);
}

static bool
is_private(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(private_fields) / sizeof(*private_fields); i++)
		if (strlen(private_fields[i]) == len && memcmp(private_fields[i], name, len) == 0)
			return (true);
	return (false);
}

static bool
check_text(const struct template *t, const char *key, const char *text, char *why, size_t size)
{
	const char *at = text, *end;

	while ((at = strstr(at, "{{")) != NULL) {
		struct nearest n;
		size_t len;

		if ((end = strstr(at += 2, "}}")) == NULL || (len = (size_t)(end - at)) == 0 || len >= FIELD_SIZE)
			return (snprintf(why, size, "%s: {{ without its }}, or with no name of a field between", key), false);
		nearest_begin(&n, at, len);
		if (!known(t, at, len, &n))
			return (snprintf(why, size, "%s: there is no field {{%.*s}}; %s%s", key, (int)len, at, n.best != NULL ? "did you mean " :
			    "params lists what it may use", n.best != NULL ? n.best : ""), false);
		if (t->is_public && is_private(at, len))
			return (snprintf(why, size, "%s: {{%.*s}} must not reach a group or a notice board: names and rooms of debtors are nobody's business "
			    "(public: no)", key, (int)len, at), false);
		at = end + 2;
	}
	return (true);
}

static bool
check_part(const struct template *t, const char *key, unsigned part, const char *text, char *why, size_t size)
{
	if (part == PART_SMS && strlen(text) > SMS_BYTES_MAX)
		return (snprintf(why, size, "%s: %zu bytes are no text message; at most %u", key, strlen(text), SMS_BYTES_MAX), false);
	if (part == PART_SUBJECT && strpbrk(text, "\r\n") != NULL)
		return (snprintf(why, size, "%s: one line", key), false);
	return (check_text(t, key, text, why, size));
}

/* Together in whatever types have a field of that name. */
struct meaning {
	bool known, money, free_text, personal;
};

static struct meaning
meaning_of(const char *name, struct nearest *n)
{
	/* What dunning puts together itself: the ids of the bills that a message is about. */
	struct meaning m = { .known = strcmp(name, "bills") == 0 };

	nearest_begin(n, name, strlen(name));
	for (unsigned i = 0; i < catalogue_count(); i++)
		for (unsigned k = 0; k < catalogue_at(i)->count; k++) {
			const struct field *f = &catalogue_at(i)->fields[k];

			nearest_offer(n, f->name);
			if (strcmp(f->name, name) != 0)
				continue;
			m.known = true;
			m.money |= f->unit != NULL && strcmp(f->unit, "fen") == 0;
			m.free_text |= f->kind == FIELD_TEXT || f->kind == FIELD_MAP || f->kind == FIELD_ITEMS;
			m.personal |= f->personal;
		}
	return (m);
}

static bool
check_param(const struct template *t, const char *name, enum shown type, char *why, size_t size)
{
	struct nearest n;
	struct meaning m = meaning_of(name, &n);

	if (!m.known)
		return (snprintf(why, size, "params: no event has a field %s; %s%s", name, n.best != NULL ? "did you mean " : "see estate types",
		    n.best != NULL ? n.best : ""), false);
	if (m.money != (type == TYPE_FEN))
		return (snprintf(why, size, m.money ? "params: %s is money: %s:fen" : "params: %s is no money: without :fen", name, name), false);
	if (t->is_public && (m.personal || m.free_text))
		return (snprintf(why, size, "params: %s must not reach a group or a notice board: %s (public: no)", name, m.personal ? "it is personal" :
		    "whoever writes it may write a name"), false);
	return (true);
}

static bool
read_params(struct template *t, const char *params, char *why, size_t size)
{
	char words[1000], *word, *rest = words, *colon;

	snprintf(words, sizeof(words), "%s", params);
	while ((word = strsep(&rest, " ")) != NULL) {
		if (*word == '\0')
			continue;
		if (t->count == FIELDS_MAX || strlen(word) >= FIELD_SIZE)
			return (snprintf(why, size, "params: at most %u, of at most %u characters", FIELDS_MAX, FIELD_SIZE - 1), false);
		if ((colon = strchr(word, ':')) != NULL) {
			*colon = '\0';
			if (strcmp(colon + 1, "fen") != 0)
				return (snprintf(why, size, "params: %s is shown as it is, or with :fen as money; there is no :%.20s", word, colon + 1), false);
			t->fields[t->count].type = TYPE_FEN;
		}
		if (!check_param(t, word, t->fields[t->count].type, why, size))
			return (false);
		snprintf(t->fields[t->count++].name, FIELD_SIZE, "%s", word);
	}
	return (true);
}

/* A sentence about that key, with its line. */
static bool
wrong_at(struct conf *c, const char *key, char *why, size_t size)
{
	char sentence[400];

	snprintf(sentence, sizeof(sentence), "%.399s", why);
	snprintf(why, size, "line %zu: %s", conf_line(c, key), sentence);
	return (false);
}

static bool
read_template(struct template *t, struct conf *c, char *why, size_t size)
{
	snprintf(t->name, sizeof(t->name), "%s", conf_id(c, "template", 64));
	t->is_public = strcmp(conf_text(c, "public", "no"), "yes") == 0;
	if (!read_params(t, conf_text(c, "params", ""), why, size))
		return (wrong_at(c, "params", why, size));
	for (unsigned l = 0; l < 2; l++)
		for (unsigned p = 0; p < PARTS_COUNT; p++) {
			const char *text = conf_text(c, keys[l][p], p == PART_SMS ? NULL : "");

			if (text == NULL)
				continue;
			if (!check_part(t, keys[l][p], p, text, why, size))
				return (wrong_at(c, keys[l][p], why, size));
			if ((t->texts[l][p] = strdup(text)) == NULL)
				abort();
		}
	return (conf_fine(c, why, size));
}

static bool
read_file(struct templates *all, const char *path, char *why, size_t size)
{
	struct template *t;
	char *text = alloc_or_exit(NULL, FILE_BYTES_MAX), reason[600];
	FILE *f = fopen(path, "re");
	struct conf *c;
	size_t n;
	bool fine;

	if (f == NULL) {
		free(text);
		return (snprintf(why, size, "%s: %s", path, strerror(errno)), false);
	}
	n = fread(text, 1, FILE_BYTES_MAX, f);
	fclose(f);
	all->list = alloc_or_exit(all->list, (all->count + 1) * sizeof(*all->list));
	t = memset(&all->list[all->count++], 0, sizeof(*t));
	if (n == FILE_BYTES_MAX) {
		free(text);
		return (snprintf(why, size, "%s: larger than %u bytes", path, FILE_BYTES_MAX - 1), false);
	}
	text[n] = '\0';
	c = conf_read(text, reason, sizeof(reason));
	fine = c != NULL && read_template(t, c, reason, sizeof(reason));
	conf_free(c);
	free(text);
	if (!fine)
		snprintf(why, size, "%s: %s", path, reason);
	return (fine);
}

static int
is_yaml(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return (n > 5 && d->d_name[0] != '.' && strcmp(d->d_name + n - 5, ".yaml") == 0);
}

struct templates *
templates_read(const char *folder, char *why, size_t size)
{
	struct templates *all = alloc_or_exit(NULL, sizeof(*all));
	struct dirent **found;
	int n = scandir(folder, &found, is_yaml, alphasort);
	bool fine = true;

	*all = (struct templates){ NULL, 0 };
	if (n < 0) {
		snprintf(why, size, "%s: %s", folder, strerror(errno));
		free(all);
		return (NULL);
	}
	for (int i = 0; i < n; i++) {
		char path[4400];

		snprintf(path, sizeof(path), "%s/%s", folder, found[i]->d_name);
		if (fine)
			fine = read_file(all, path, why, size);
		free(found[i]);
	}
	free(found);
	if (fine)
		return (all);
	templates_free(all);
	return (NULL);
}

void
templates_free(struct templates *all)
{
	if (all == NULL)
		return;
	for (unsigned i = 0; i < all->count; i++)
		for (unsigned k = 0; k < 2 * PARTS_COUNT; k++)
			free(all->list[i].texts[k / PARTS_COUNT][k % PARTS_COUNT]);
	free(all->list);
	free(all);
}

unsigned
templates_count(const struct templates *all)
{
	return (all->count);
}

const char *
templates_name(const struct templates *all, unsigned i)
{
	return (all->list[i].name);
}

const char *
template_beyond(const struct template *t, const char *words)
{
	char with[FIELD_SIZE + 2];

	for (unsigned i = 0; i < t->count; i++) {
		snprintf(with, sizeof(with), " %s ", t->fields[i].name);
		if (strstr(words, with) == NULL)
			return (t->fields[i].name);
	}
	return (NULL);
}

const char *
template_says(const struct template *t, const char *const *words)
{
	for (; *words != NULL; words++)
		for (unsigned k = 0; k < 2 * PARTS_COUNT; k++)
			if (t->texts[k / PARTS_COUNT][k % PARTS_COUNT] != NULL && strstr(t->texts[k / PARTS_COUNT][k % PARTS_COUNT], *words) != NULL)
				return (*words);
	return (NULL);
}

const struct template *
templates_find(const struct templates *all, const char *name)
{
	for (unsigned i = 0; i < all->count; i++)
		if (strcmp(all->list[i].name, name) == 0)
			return (&all->list[i]);
	return (NULL);
}

bool
template_public(const struct template *t)
{
	return (t->is_public);
}

/* ---- Filling in ---- */

/* One line, whatever somebody wrote: a value opens no header and no new paragraph.  Nor does it sign: 【】 are for us. */
static void
add_value(struct buffer *b, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (len - i >= 3 && (memcmp(s + i, "【", 3) == 0 || memcmp(s + i, "】", 3) == 0)) {
			buffer_text(b, s[i + 2] == "【"[2] ? "[" : "]");
			i += 2;
		} else
			buffer_add(b, (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? " " : s + i, 1);
}

static bool
add_param(struct buffer *b, struct mp v, enum shown type)
{
	const char *s;
	uint32_t len;
	int64_t n;
	double d;
	bool is;

	if (mp_int(&v, &n)) {
		if (type == TYPE_FEN)
			buffer_printf(b, "%s%" PRIu64 ".%02" PRIu64, n < 0 ? "-" : "", (n < 0 ? -(uint64_t)n : (uint64_t)n) / 100,
			    (n < 0 ? -(uint64_t)n : (uint64_t)n) % 100);
		else
			buffer_printf(b, "%" PRId64, n);
		return (true);
	}
	/* Money is a whole number of fen, or somebody erred. */
	if (type == TYPE_FEN)
		return (false);
	if (mp_str(&v, &s, &len))
		add_value(b, s, len);
	else if (mp_bool(&v, &is))
		buffer_text(b, is ? "✓" : "✗");
	else if (mp_float(&v, &d))
		buffer_printf(b, "%g", d);
	else
		return (false);
	return (true);
}

static bool
find_param(struct mp m, const char *name, size_t len, struct mp *value)
{
	const char *k;
	uint32_t pairs, n;

	if (!mp_map(&m, &pairs))
		return (false);
	for (; pairs > 0 && mp_str(&m, &k, &n); pairs--) {
		*value = m;
		if (n == len && memcmp(k, name, len) == 0)
			return (true);
		if (!mp_skip(&m))
			return (false);
	}
	return (false);
}

static bool
add_field(const struct template *t, const char *name, size_t len, const struct filling *f, struct buffer *b)
{
	const char *texts[] = { f->subject, f->to, f->sign };
	struct mp value;

	for (unsigned i = 0; i < t->count; i++)
		if (strlen(t->fields[i].name) == len && memcmp(t->fields[i].name, name, len) == 0)
			return (find_param(f->params, name, len, &value) && add_param(b, value, t->fields[i].type));
	for (size_t i = 0; i < sizeof(builtins) / sizeof(*builtins); i++)
		if (strlen(builtins[i]) == len && memcmp(builtins[i], name, len) == 0) {
			add_value(b, texts[i], strlen(texts[i]));
			return (true);
		}
	return (false);
}

bool
template_fill(const struct template *t, enum part part, bool english, const struct filling *f, struct buffer *b, char *why, size_t size)
{
	const char *text = t->texts[english][part], *from, *at;

	if (text == NULL || *text == '\0')
		text = part == PART_SUBJECT ? "{{sign}} {{case}}" : t->texts[english][PART_SMS];
	buffer_text(b, "");
	for (from = text; (at = strstr(from, "{{")) != NULL; from = strstr(at, "}}") + 2) {
		const char *end = strstr(at, "}}");

		buffer_add(b, from, (size_t)(at - from));
		if (!add_field(t, at + 2, (size_t)(end - at - 2), f, b))
			return (snprintf(why, size, "template %s: {{%.*s}} is missing in the request, or cannot be shown", t->name, (int)(end - at - 2), at + 2), false);
	}
	buffer_text(b, from);
	return (true);
}
