/* estate client: who may come in. */
#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "buffer.h"
#include "command.h"
#include "json.h"
#include "language.h"
#include "paint.h"
#include "rights.h"
#include "table.h"

static const char help[] =
"Usage: estate client add NAME (--uid UID | --key KEY) [--role ROLE] [RIGHT...] [OPTION...]\n"
"       estate client revoke NAME\n"
"       estate client restore NAME\n"
"       estate client list\n"
"       estate client roles\n"
"Let a client in, end one at once, or show who may come in. The daemon keeps what is added here beside the file that\n"
"people write (man clients.yaml); a client of that file can be revoked here too, and restored. With the first client\n"
"there is a list, and whoever is not on it is refused. Needs the right to operate, which root has.\n"
"\n"
"      --uid UID            known by this user, a number or a name, over ipc\n"
"      --key KEY            known by this public key, which estate keygen printed, over TCP\n"
"      --role ROLE          one of estate client roles, or of the file\n"
"Rights, which replace what the role says of the same; those with PATTERN, SOURCE and SERVICE may be repeated:\n"
"      --put PATTERN        types it may put\n"
"      --source SOURCE      sources it may put from, such as /estate/kiosk/3 or '/estate/kiosk/*'\n"
"      --read PATTERN       types it may read\n"
"      --answer SERVICE     services it may register\n"
"      --ask SERVICE        services it may query\n"
"      --operate, --see-personal\n"
"      --events-per-s N, --bytes-in-flight N, --subscriptions N\n"
"\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate client add kiosk-3 --role kiosk --key \"$(cat kiosk-3.pub)\" --source /estate/kiosk/3\n"
"  estate client add front-desk --role gateway --uid desk\n"
"  estate client revoke kiosk-3\n"
"  estate client list --json\n"
"Exit status: 0 done, 1 refused, 2 wrong usage, 3 daemon not reached\n";

/* Options of add, by what they are called on the wire; the repeated ones are lists. */
static const struct own_option {
	const char *option, *wire;
	enum { ONE, MANY, FLAG } kind;
} own[] = {
	{ "uid", "uid", ONE }, { "key", "key", ONE }, { "role", "role", ONE },
	{ "put", "put", MANY }, { "source", "sources", MANY }, { "read", "read", MANY }, { "answer", "answer", MANY }, { "ask", "ask", MANY },
	{ "operate", "operate", FLAG }, { "see-personal", "see_personal", FLAG },
	{ "events-per-s", "events_per_s", ONE }, { "bytes-in-flight", "bytes_in_flight", ONE }, { "subscriptions", "subscriptions", ONE },
};
#define OWN	(sizeof(own) / sizeof(*own))

struct wish {
	struct common common;
	const char *action, *name;
	const char *values[OWN][RIGHTS_ITEMS_MAX];
	unsigned counts[OWN];
};

static void
pack_text(msgpack_packer *p, const char *s)
{
	msgpack_pack_str_with_body(p, s, strlen(s));
}

/* {"do": …, "name": …, and what add says} */
static void
pack_wish(msgpack_packer *p, const struct wish *w)
{
	unsigned pairs = 1 + (w->name != NULL);

	for (size_t i = 0; i < OWN; i++)
		pairs += w->counts[i] > 0;
	msgpack_pack_map(p, pairs);
	pack_text(p, "do");
	pack_text(p, w->action);
	if (w->name != NULL) {
		pack_text(p, "name");
		pack_text(p, w->name);
	}
	for (size_t i = 0; i < OWN; i++) {
		if (w->counts[i] == 0)
			continue;
		pack_text(p, own[i].wire);
		if (own[i].kind == MANY)
			msgpack_pack_array(p, w->counts[i]);
		for (unsigned k = 0; k < w->counts[i]; k++)
			pack_text(p, w->values[i][k]);
	}
}

struct shown {
	const char *name, *key, *from, *role;
	uint32_t name_len, key_len, from_len, role_len;
	uint64_t uid, sessions;
	bool has_uid, revoked;
};

static bool
read_rights(struct mp *m, struct shown *s)
{
	const char *key;
	uint32_t pairs, len;

	if (!mp_map(m, &pairs))
		return (false);
	while (pairs-- > 0)
		if (!mp_str(m, &key, &len) || !((mp_equal(key, len, "role") && mp_str(m, &s->role, &s->role_len)) || mp_skip(m)))
			return (false);
	return (true);
}

static bool
read_shown(struct mp *m, struct shown *s)
{
	const char *key;
	uint32_t pairs, len;

	memset(s, 0, sizeof(*s));
	if (!mp_map(m, &pairs))
		return (false);
	while (pairs-- > 0)
		if (!mp_str(m, &key, &len) ||
		    !((mp_equal(key, len, "name") && mp_str(m, &s->name, &s->name_len)) ||
		    (mp_equal(key, len, "key") && mp_str(m, &s->key, &s->key_len)) ||
		    (mp_equal(key, len, "from") && mp_str(m, &s->from, &s->from_len)) ||
		    (mp_equal(key, len, "uid") && (s->has_uid = mp_uint(m, &s->uid))) ||
		    (mp_equal(key, len, "sessions") && mp_uint(m, &s->sessions)) ||
		    (mp_equal(key, len, "revoked") && mp_bool(m, &s->revoked)) ||
		    (mp_equal(key, len, "rights") && read_rights(m, s)) || mp_skip(m)))
			return (false);
	return (s->name != NULL);
}

static void
print_list(struct mp body)
{
	static const struct { const char *en, *zh; unsigned fold; } heads[] = {
		{ "NAME", "名称", 0 }, { "ROLE", "角色", 0 }, { "FROM", "来自", 0 }, { "SESSIONS", "会话", 0 }, { "KNOWN BY", "识别方式", 1 },
	};
	struct table t = { .columns = paint_columns() };
	struct buffer b = { NULL, 0, 0 };
	struct shown s;
	uint32_t count;

	if (!mp_array(&body, &count))
		return;
	if (count == 0) {
		fprintf(stderr, phrase("no client is listed. Where there is no list, everybody who may open the socket is let in, as the setting `unlisted` says;\n"
		    "the first `estate client add NAME --uid USER --role ROLE` begins one, and from then on strangers are refused\n"));
		return;
	}
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		table_column(&t, language_is_zh() ? heads[i].zh : heads[i].en, i == 3 ? TABLE_RIGHT : TABLE_LEFT, heads[i].fold);
	while (count-- > 0 && read_shown(&body, &s)) {
		paint_clean(&t.text, s.name != NULL ? s.name : "", s.name != NULL ? s.name_len : 0, 0);
		table_cell(&t, PAINT_OFF);
		paint_clean(&t.text, s.role_len > 0 ? s.role : "-", s.role_len > 0 ? s.role_len : 1, 0);
		table_cell(&t, PAINT_OFF);
		paint_clean(&t.text, s.from != NULL ? s.from : "", s.from != NULL ? s.from_len : 0, 0);
		table_cell(&t, PAINT_OFF);
		buffer_printf(&t.text, "%" PRIu64, s.sessions);
		table_cell(&t, PAINT_OFF);
		if (s.has_uid)
			buffer_printf(&t.text, "uid %" PRIu64 "%s", s.uid, s.key != NULL ? ", " : "");
		if (s.key != NULL)
			buffer_printf(&t.text, "key %.*s", (int)s.key_len, s.key);
		buffer_text(&t.text, s.revoked ? phrase("  (revoked)") : "");
		table_cell(&t, PAINT_OFF);
	}
	table_print(&t, &b, 0);
	fputs(b.data, stdout);
	buffer_free(&b);
	table_free(&t);
}

static void
on_answer(void *user, const char *verb, struct mp body)
{
	struct wish *w = user;
	struct buffer out = { NULL, 0, 0 };
	const char *key;
	uint32_t pairs, len;
	bool first = false;

	(void)verb;
	if (w->common.json) {
		if (json_write(&out, &body))
			printf("%s\n", out.data);
		buffer_free(&out);
		return;
	}
	if (strcmp(w->action, "list") == 0) {
		print_list(body);
		return;
	}
	if (mp_map(&body, &pairs))
		while (pairs-- > 0 && mp_str(&body, &key, &len))
			if (!((mp_equal(key, len, "first") && mp_bool(&body, &first)) || mp_skip(&body)))
				break;
	printf("%s %s\n", w->name, strcmp(w->action, "add") == 0 ? phrase("may come in") : strcmp(w->action, "restore") == 0 ? phrase("may come in again") :
	    phrase("may not come in any more"));
	if (first)
		fprintf(stderr, phrase("there is a list of clients now: whoever is not on it is refused, but for root and the daemon's own user\n"));
}

static void
print_role_json(struct buffer *b, const struct role *role)
{
	const struct rights_row *row;
	struct rights r;

	role_rights(role, &r);
	buffer_printf(b, "{\"name\":\"%s\",\"for\":", role->name);
	json_write_text(b, role->text, strlen(role->text));
	for (unsigned i = 0; (row = rights_row_at(i)) != NULL; i++) {
		buffer_printf(b, ",\"%s\":", row->name);
		if (row->kind == RIGHTS_FLAG)
			buffer_text(b, *rights_flag_of(&r, row) ? "true" : "false");
		else if (row->kind == RIGHTS_LIMIT)
			buffer_printf(b, "%" PRIu64, *rights_limit_of(&r, row));
		else {
			const struct rights_list *l = rights_list_of(&r, row);

			for (unsigned k = 0; k < l->count; k++) {
				buffer_text(b, k == 0 ? "[" : ",");
				json_write_text(b, l->items[k], strlen(l->items[k]));
			}
			buffer_text(b, l->count == 0 ? "[]" : "]");
		}
	}
	buffer_text(b, "}");
	rights_clear(&r);
}

static int
print_roles(bool json)
{
	struct buffer b = { NULL, 0, 0 };

	if (!json) {
		roles_document(stdout);
		return (0);
	}
	for (unsigned i = 0; role_at(i) != NULL; i++) {
		buffer_text(&b, i == 0 ? "[" : ",");
		print_role_json(&b, role_at(i));
	}
	printf("%s]\n", b.data);
	buffer_free(&b);
	return (0);
}

/* -1 to go on, or an exit status. */
static int
read_arguments(struct wish *w, int argc, char **argv)
{
	static const struct option common[] = { COMMON_OPTIONS };
	static struct option options[OWN + sizeof(common) / sizeof(*common)];
	int c, r;

	for (size_t i = 0; i < OWN; i++)
		options[i] = (struct option){ own[i].option, own[i].kind == FLAG ? no_argument : required_argument, NULL, OPTION_OWN + (int)i };
	memcpy(&options[OWN], common, sizeof(common));
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&w->common, c, "client", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		c -= OPTION_OWN;
		if (w->counts[c] >= (own[c].kind == MANY ? RIGHTS_ITEMS_MAX : 1))
			return (usage_error("client", own[c].kind == MANY ? "too many --%s" : "--%s is given twice", own[c].option));
		w->values[c][w->counts[c]++] = own[c].kind == FLAG ? "true" : optarg;
	}
	return (-1);
}

int
cmd_client(int argc, char **argv)
{
	static struct wish w;
	struct ask a = { .verb = "client", .request = "client", .on_answer = on_answer, .user = &w };
	bool named, others = false;
	msgpack_sbuffer b;
	msgpack_packer p;
	int r;

	common_init(&w.common);
	if ((r = read_arguments(&w, argc, argv)) != -1)
		return (r);
	if (optind >= argc)
		return (usage_error("client", "what shall be done? add, revoke, restore, list or roles"));
	w.action = argv[optind++];
	named = strcmp(w.action, "add") == 0 || strcmp(w.action, "revoke") == 0 || strcmp(w.action, "restore") == 0;
	if (!named && strcmp(w.action, "list") != 0 && strcmp(w.action, "roles") != 0)
		return (usage_error("client", "\"%s\" is none of add, revoke, restore, list, roles", w.action));
	if (argc - optind != named)
		return (usage_error("client", named ? "%s needs the name of one client" : "%s needs no name", w.action));
	for (size_t i = 0; i < OWN; i++)
		others |= w.counts[i] > 0;
	if (others && strcmp(w.action, "add") != 0)
		return (usage_error("client", "only add takes rights"));
	if (strcmp(w.action, "roles") == 0)
		return (print_roles(w.common.json));
	w.name = named ? argv[optind] : NULL;
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	pack_wish(&p, &w);
	a.argument = b.data;
	a.len = b.size;
	r = ask_once(&w.common, &a);
	msgpack_sbuffer_destroy(&b);
	return (r);
}
