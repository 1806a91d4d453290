/* client: an operator adds, revokes, restores and lists clients.  The list in force is changed and its own part of it written; the
 * file that people write is theirs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admit.h"
#include "daemon.h"
#include "errcode.h"
#include "ingest.h"
#include "log.h"
#include "reload.h"
#include "session.h"
#include "settings.h"

/* The words of one value: a list, or a single one.  Integers and booleans become text. */
struct words {
	char text[RIGHTS_ITEMS_MAX][132];
	const char *items[RIGHTS_ITEMS_MAX];
	unsigned count;
	bool list;
};

static bool
read_word(struct mp *m, char out[132])
{
	const char *s;
	uint32_t len;
	uint64_t n;
	bool yes;

	if (mp_str(m, &s, &len)) {
		if (len >= 132 || memchr(s, '\0', len) != NULL)
			return (false);
		snprintf(out, 132, "%.*s", (int)len, s);
		return (true);
	}
	if (mp_bool(m, &yes)) {
		snprintf(out, 132, "%s", yes ? "true" : "false");
		return (true);
	}
	if (!mp_uint(m, &n))
		return (false);
	snprintf(out, 132, "%llu", (unsigned long long)n);
	return (true);
}

static bool
read_words(struct mp *m, struct words *w)
{
	uint32_t count = 1;

	w->list = mp_peek(m) == MP_ARRAY;
	if (w->list && (!mp_array(m, &count) || count > RIGHTS_ITEMS_MAX))
		return (false);
	for (w->count = 0; w->count < count; w->count++) {
		if (!read_word(m, w->text[w->count]))
			return (false);
		w->items[w->count] = w->text[w->count];
	}
	return (true);
}

/* The request: what to do, and the entry of a client. */
struct wish {
	char action[16];
	struct client_entry entry;
};

static int
read_wish(struct request *r, struct wish *wish, char *why, size_t why_len)
{
	static struct words w;		/* large, and the loop has one thread */
	char key[132];
	uint32_t pairs;

	if (!mp_map(&r->m, &pairs)) {
		snprintf(why, why_len, "a map of arguments");
		return (-1);
	}
	for (; pairs > 0; pairs--) {
		if (!read_word(&r->m, key) || !read_words(&r->m, &w)) {
			snprintf(why, why_len, "a key is a word, a value one word or a list of them");
			return (-1);
		}
		if (strcmp(key, "do") == 0 && !w.list)
			snprintf(wish->action, sizeof(wish->action), "%.15s", w.text[0]);
		else if (entry_set(&wish->entry, key, w.items, w.count, w.list, why, why_len) != 0)
			return (-1);
	}
	return (0);
}

static void
answer_done(struct daemon *d, struct request *r, bool first)
{
	struct answer a;

	answer_begin(&a, "done", r->number, 4);
	msgpack_pack_map(&a.packer, 1);
	answer_text(&a, "first");
	first ? msgpack_pack_true(&a.packer) : msgpack_pack_false(&a.packer);
	session_send(d, r->session, &a);
}

/* The list becomes this one, if it can be kept.  Answered before it is in force: who is somebody else by it has no session any more. */
static int
keep(struct daemon *d, struct request *r, struct clients *list, char *why, size_t why_len)
{
	struct session *s;		/* a peer found gone ends it with the answer */
	int e;

	list->listed = true;
	if ((e = clients_save(list, d->settings->data)) != 0) {
		snprintf(why, why_len, "the list could not be written: %s", strerror(e));
		clients_free(list);
		return (e == ENOSPC ? E_DISK_FULL : E_INTERNAL);
	}
	s = session_ref(r->session);
	answer_done(d, r, !d->clients->listed);
	reload_adopt(d, list, s->sender);
	session_unref(s);
	return (0);
}

static int
add(struct daemon *d, struct request *r, struct wish *wish, char *why, size_t why_len)
{
	struct clients *list;

	if (clients_by_name(d->clients, wish->entry.name) != NULL) {
		snprintf(why, why_len, "there is a client \"%s\" already", wish->entry.name);
		return (E_EXISTS);
	}
	list = clients_copy(d->clients);
	if (entry_finish_client(&wish->entry, list, CLIENT_ADDED, why, why_len) != 0) {
		clients_free(list);
		return (E_ARGUMENT);
	}
	return (keep(d, r, list, why, why_len));
}

/* `back`: restore it instead. */
static int
revoke(struct daemon *d, struct request *r, const char *name, bool back, char *why, size_t why_len)
{
	const struct client *c = clients_by_name(d->clients, name);
	struct clients *list;

	if (c == NULL || c->revoked != back) {
		snprintf(why, why_len, "%s \"%s\"%s; estate client list shows those there are", back ? "no client" : "there is no client", name,
		    back ? " is revoked" : "");
		return (E_NOT_FOUND);
	}
	list = clients_copy(d->clients);
	clients_revoke(list, name, back);
	return (keep(d, r, list, why, why_len));
}

static void
pack_client(struct answer *a, struct client *c, unsigned sessions)
{
	static const char *const origins[] = { [CLIENT_WRITTEN] = "file", [CLIENT_ADDED] = "added", [CLIENT_UNLISTED] = "unlisted" };

	msgpack_pack_map(&a->packer, 5u + c->has_uid + (c->key[0] != '\0'));
	answer_key_text(a, "name", c->name);
	if (c->has_uid)
		answer_key_uint(a, "uid", c->uid);
	if (c->key[0] != '\0')
		answer_key_text(a, "key", c->key);
	answer_key_text(a, "from", origins[c->origin]);
	answer_text(a, "revoked");
	c->revoked ? msgpack_pack_true(&a->packer) : msgpack_pack_false(&a->packer);
	answer_key_uint(a, "sessions", sessions);
	answer_text(a, "rights");
	answer_rights(a, c);
}

static void
answer_list(struct daemon *d, struct request *r)
{
	struct answer a;

	answer_begin(&a, "clients", r->number, 4);
	msgpack_pack_array(&a.packer, d->clients->count);
	for (unsigned i = 0; i < d->clients->count; i++)
		pack_client(&a, d->clients->items[i], session_count_of(d, d->clients->items[i]->name));
	session_send(d, r->session, &a);
}

void
control_on_client(struct daemon *d, struct request *r)
{
	char why[512] = "";
	struct wish wish = { .action = "" };
	int code;

	if (control_refuse_stranger(d, r))
		return;
	entry_begin(&wish.entry, false);
	if (read_wish(r, &wish, why, sizeof(why)) != 0)
		code = E_ARGUMENT;
	else if (strcmp(wish.action, "list") == 0) {
		answer_list(d, r);
		entry_clear(&wish.entry);
		return;
	} else if (strcmp(wish.action, "add") == 0)
		code = add(d, r, &wish, why, sizeof(why));
	else if (strcmp(wish.action, "revoke") == 0 || strcmp(wish.action, "restore") == 0)
		code = revoke(d, r, wish.entry.name, strcmp(wish.action, "restore") == 0, why, sizeof(why));
	else {
		code = E_ARGUMENT;
		snprintf(why, sizeof(why), "do: add, revoke, restore or list");
	}
	entry_clear(&wish.entry);
	if (code != 0)
		request_nak(d, r, code, NULL, why);
}
