/* The list of clients: every wrong file is refused with its line and what would be right; rights are the patterns' rights; limits. */
#include "material.h"

#include <sys/stat.h>

#include "admit.h"
#include "clients.h"
#include "filter.h"
#include "usage.h"

#define KEY_A	"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define KEY_B	"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

static char folder[64], path[128];

static int
set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/clients.yaml", make_folder(folder));
	return (0);
}

static int
tear_down(void **state)
{
	(void)state;
	remove_folder(folder);
	return (0);
}

static void
write_text(const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct clients *
read_list(const char *text, char *why, size_t why_len)
{
	write_text(text);
	why[0] = '\0';
	return (clients_load(path, true, folder, why, why_len));
}

static struct clients *
good(const char *text)
{
	char why[512];
	struct clients *list = read_list(text, why, sizeof(why));

	if (list == NULL)
		fail_msg("%s", why);
	return (list);
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *says;
	} cases[] = {
		{ "- a\n", 1, "must be \"roles:\" and \"clients:\"" },
		{ "client:\n", 1, "the nearest is \"clients\"" },
		{ "revoked: [a]\n", 1, "there is no \"revoked\" here" },
		{ "clients: []\nclients: []\n", 2, "said twice" },
		{ "clients: {a: b}\n", 1, "must be a list" },
		{ "clients:\n  - a\n", 2, "a client is a map" },
		{ "clients:\n  - name: a\n    role: kiosk\n", 2, "needs a uid (on this machine) or a key" },
		{ "clients:\n  - uid: 5\n    role: kiosk\n", 2, "a client needs a name" },
		{ "clients:\n  - name: a\n    uid: 5\n", 2, "needs a role, or rights" },
		{ "clients:\n  - name: a b\n", 2, "\"a b\" is none: 1 to 64 characters" },
		{ "clients:\n  - name: daemon\n", 2, "is taken" },
		{ "clients:\n  - name: \"-\"\n", 2, "is taken" },
		{ "clients:\n  - name: uid:5\n", 2, "is taken" },
		{ "clients:\n  - name: a\n    uid: 5\n    roel: kiosk\n", 4, "the nearest is \"role\"" },
		{ "clients:\n  - name: a\n    uid: 5\n    role: kiosc\n", 2, "there is no role \"kiosc\"; the nearest is \"kiosk\"" },
		{ "roles: [{name: board}]\nclients:\n  - {name: a, uid: 5, role: bord}\n", 3, "the nearest is \"board\"" },
		{ "clients:\n  - name: a\n    uid: -5\n", 3, "there is no user \"-5\"" },
		{ "clients:\n  - name: a\n    uid: 4294967295\n", 3, "there is no user" },
		{ "clients:\n  - name: a\n    uid: nobody-at-all\n", 3, "there is no user \"nobody-at-all\"" },
		{ "clients:\n  - name: a\n    key: short\n", 3, "\"short\" is no public key" },
		{ "clients:\n  - name: a\n    key: '" KEY_A "x'\n", 3, "is no public key" },
		{ "clients:\n  - name: a\n    key: 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf~'\n", 3, "is no public key" },
		{ "clients:\n  - name: a\n    name: b\n", 3, "\"name\" is said twice" },
		{ "clients:\n  - name: a\n    put: [a.b]\n    put: [a.b]\n", 3, "matches no event type; " },
		{ "clients:\n  - name: a\n    read: ['**']\n    read: ['**']\n", 4, "\"read\" is said twice" },
		{ "clients:\n  - name: a\n    name2: [x]\n", 3, "the nearest is \"name\"" },
		{ "clients:\n  - name: [a]\n", 2, "name: must be a single value" },
		{ "clients:\n  - {name: a, uid: 5, role: kiosk}\n  - {name: a, uid: 6, role: kiosk}\n", 3, "there is a client \"a\" already" },
		{ "clients:\n  - {name: a, uid: 5, role: kiosk}\n  - {name: b, uid: 5, role: kiosk}\n", 3, "\"a\" and \"b\" have the same uid 5" },
		{ "clients:\n  - {name: a, key: '" KEY_A "', role: kiosk}\n  - {name: b, key: '" KEY_A "', role: kiosk}\n", 3,
		    "\"a\" and \"b\" have the same key" },
		{ "clients:\n  - name: a\n    put: ['complaint.open']\n", 3, "the nearest is \"complaint.opened\"" },
		{ "clients:\n  - name: a\n    put: ['complaint.**.x']\n", 3, "is no pattern" },
		{ "clients:\n  - name: a\n    read: ['nothing.*']\n", 3, "matches no event type" },
		{ "clients:\n  - name: a\n    sources: ['/estate/k*']\n", 3, "is no source" },
		{ "clients:\n  - name: a\n    sources: ['']\n", 3, "is no source" },
		{ "clients:\n  - name: a\n    ask: ['a b']\n", 3, "is no service" },
		{ "clients:\n  - name: a\n    operate: yes\n", 3, "\"yes\" is neither true nor false" },
		{ "clients:\n  - name: a\n    operate: [true]\n", 3, "must be a single value" },
		{ "clients:\n  - name: a\n    events_per_s: 0\n", 3, "a number from 1 to" },
		{ "clients:\n  - name: a\n    events_per_s: many\n", 3, "a number from 1 to" },
		{ "clients:\n  - name: a\n    bytes_in_flight: 1000\n", 3, "a number from 131072 to" },
		{ "clients:\n  - name: a\n    put: [[a]]\n", 3, "put: a list of words" },
		{ "clients:\n  - name: a\n    put: {a: b}\n", 3, "must be a value or a list" },
		{ "clients:\n  - [a]: b\n", 2, "a key is a word" },
		{ "roles:\n  - name: kiosk\n", 2, "there is a role \"kiosk\" already" },
		{ "roles:\n  - name: a\n  - name: a\n", 3, "there is a role \"a\" already" },
		{ "roles:\n  - put: ['**']\n", 2, "a role needs a name" },
		{ "roles:\n  - name: a\n    uid: 5\n", 3, "a role has no \"uid\"" },
		{ "clients: [\n", 2, "" },
	};
	char why[512], place[160];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct clients *list = read_list(cases[i].text, why, sizeof(why));

		snprintf(place, sizeof(place), "%s:%u: ", path, cases[i].line);
		if (list != NULL)
			fail_msg("taken: %s", cases[i].text);
		if (strncmp(why, place, strlen(place)) != 0 || strstr(why, cases[i].says) == NULL)
			fail_msg("%s told as: %s", cases[i].text, why);
	}
}

static void
test_files(void **state)
{
	char why[512] = "";
	struct clients *list;

	(void)state;
	/* None: nobody is listed, and nobody need be. */
	unlink(path);
	list = clients_load(path, false, folder, why, sizeof(why));
	assert_non_null(list);
	assert_false(list->listed);
	clients_free(list);
	assert_null(clients_load(path, true, folder, why, sizeof(why)));
	assert_non_null(strstr(why, "cannot read"));
	list = clients_load("", true, folder, why, sizeof(why));
	assert_non_null(list);
	clients_free(list);
	/* An empty one is a list of nobody. */
	list = good("");
	assert_true(list->listed);
	assert_int_equal(list->count, 0);
	clients_free(list);
	chmod(path, 0666);
	assert_null(clients_load(path, true, folder, why, sizeof(why)));
	assert_non_null(strstr(why, "everybody may write"));
	unlink(path);
}

static bool
put(const struct client *c, const char *type, const char *source)
{
	struct event e = { .type = { type, (uint32_t)strlen(type) }, .source = { source, (uint32_t)strlen(source) } };
	const char *at;

	e.kind = catalogue_find(type, strlen(type));
	assert_non_null(e.kind);
	return (client_may_put(c, &e, &at));
}

static bool
reads(const struct client *c, const char *type)
{
	struct event e = { .type = { type, (uint32_t)strlen(type) } };

	e.kind = catalogue_find(type, strlen(type));
	return (client_may_read(c, &e));
}

static void
test_rights(void **state)
{
	struct clients *list = good(
	    "roles:\n  - {name: board, put: ['case.*'], sources: ['*'], read: ['complaint.*', probe.recorded], ask: [callback], see_personal: true}\n"
	    "clients:\n  - {name: a, uid: 5, key: '" KEY_A "', role: board, sources: [/estate/board/*, /estate/hall]}\n"
	    "  - {name: b, uid: root, role: board, operate: true, read: ['**'], ask: ['*']}\n"
	    "  - {name: c, key: '" KEY_B "', put: probe.recorded, sources: /s}\n");
	const struct client *a = clients_by_uid(list, 5), *b = clients_by_uid(list, 0), *c = clients_by_key(list, KEY_B);

	(void)state;
	assert_ptr_equal(a, clients_by_key(list, KEY_A));
	assert_ptr_equal(a, clients_by_name(list, "a"));
	assert_null(clients_by_uid(list, 6));
	assert_null(clients_by_key(list, ""));
	assert_true(put(a, "case.closed", "/estate/board/1") && put(a, "case.closed", "/estate/hall"));
	assert_false(put(a, "case.closed", "/estate/board/") || put(a, "case.closed", "/estate/hall/1") ||
	    put(a, "case.closed", "/estate/boards/1"));
	assert_false(put(a, "complaint.opened", "/estate/hall"));
	assert_true(reads(a, "complaint.opened") && reads(a, "probe.recorded"));
	assert_false(reads(a, "case.closed"));
	/* A type of another release is judged by the patterns. */
	assert_true(reads(a, "complaint.weighed") && reads(b, "nobody.knows"));
	assert_false(reads(a, "nobody.knows"));
	assert_true(client_sees_personal(a) && client_may_ask(a, "callback", 8));
	assert_false(client_may_operate(a) || client_may_ask(a, "callbacks", 9) || client_may_answer(a, "callback", 8));
	/* What it says itself replaces its role's; the star is not the daemon's own source. */
	assert_true(client_may_operate(b) && client_may_ask(b, "any", 3) && put(b, "case.closed", "/x"));
	assert_false(put(b, "case.closed", "/estated"));
	assert_true(put(c, "probe.recorded", "/s"));
	assert_false(put(c, "probe.recorded", "/t") || reads(c, "probe.recorded") || client_sees_personal(c));
	clients_free(list);
}

/* Each type's bit is what the patterns say, for every shipped role. */
static void
test_bits(void **state)
{
	struct rights r;

	(void)state;
	for (unsigned i = 0; role_at(i) != NULL; i++) {
		role_rights(role_at(i), &r);
		for (unsigned t = 0; t < catalogue_count(); t++) {
			const struct type *type = catalogue_at(t);
			bool may_put = false, may_read = false;
			struct event e = { .type = { type->name, type->len }, .kind = type };

			for (unsigned k = 0; k < r.put.count; k++)
				may_put |= pattern_matches(r.put.items[k], type->name, type->len);
			for (unsigned k = 0; k < r.read.count; k++)
				may_read |= pattern_matches(r.read.items[k], type->name, type->len);
			assert_int_equal(rights_may_put_type(&r, type), may_put);
			assert_int_equal(rights_may_read_event(&r, &e), may_read);
		}
		rights_clear(&r);
	}
}

/* What the shipped table says of itself: its items are good, and a derived type is given to one worker, but for the shared ones. */
static void
test_shipped_roles(void **state)
{
	static const char *const workers[] = { "escalate", "callback", "dunning", "stats", "notify" };
	static const char *const shared[] = { "contact.requested", "notification.requested", "rule.violated" };
	const struct rights_row *row;
	struct rights r;
	char why[256];

	(void)state;
	for (unsigned i = 0; role_at(i) != NULL; i++) {
		role_rights(role_at(i), &r);
		for (unsigned k = 0; (row = rights_row_at(k)) != NULL && row->kind <= RIGHTS_SERVICES; k++)
			for (unsigned n = 0; n < rights_list_of(&r, row)->count; n++)
				if (rights_check_item(row->kind, rights_list_of(&r, row)->items[n], why, sizeof(why)) != 0)
					fail_msg("%s: %s", role_at(i)->name, why);
		rights_clear(&r);
	}
	for (unsigned t = 0; t < catalogue_count(); t++) {
		unsigned owners = 0;
		bool many = false;

		if (!catalogue_at(t)->derived)
			continue;
		for (unsigned w = 0; w < sizeof(workers) / sizeof(*workers); w++) {
			role_rights(role_find(workers[w]), &r);
			owners += rights_may_put_type(&r, catalogue_at(t));
			rights_clear(&r);
		}
		for (unsigned k = 0; k < sizeof(shared) / sizeof(*shared); k++)
			many |= strcmp(shared[k], catalogue_at(t)->name) == 0;
		if (owners == 0 || (owners > 1 && !many))
			fail_msg("%s has %u owners", catalogue_at(t)->name, owners);
		/* Nobody else may pretend to have concluded it. */
		for (unsigned k = 0; k < 3; k++) {
			static const char *const others[] = { "kiosk", "phone", "gateway" };

			role_rights(role_find(others[k]), &r);
			assert_false(rights_may_put_type(&r, catalogue_at(t)));
			rights_clear(&r);
		}
	}
}

/* What `estate client add` keeps is read back as it was, awkward characters too. */
static void
test_own_part(void **state)
{
	static const char *const sources[] = { "/it's/'quoted'", "/plain" }, *const one[] = { "b" }, *const role[] = { "kiosk" },
	    *const uid[] = { "7" }, *const yes[] = { "true" }, *const limit[] = { "9" };
	char why[512];
	struct clients *list = good("clients:\n  - {name: a, uid: 5, role: kiosk}\n"), *next = clients_copy(list), *again;
	struct client_entry e;

	(void)state;
	entry_begin(&e, false);
	assert_int_equal(entry_set(&e, "name", one, 1, false, why, sizeof(why)), 0);
	assert_int_equal(entry_set(&e, "uid", uid, 1, false, why, sizeof(why)), 0);
	assert_int_equal(entry_set(&e, "role", role, 1, false, why, sizeof(why)), 0);
	assert_int_equal(entry_set(&e, "sources", sources, 2, true, why, sizeof(why)), 0);
	assert_int_equal(entry_set(&e, "operate", yes, 1, false, why, sizeof(why)), 0);
	assert_int_equal(entry_set(&e, "events_per_s", limit, 1, false, why, sizeof(why)), 0);
	assert_int_equal(entry_finish_client(&e, next, CLIENT_ADDED, why, sizeof(why)), 0);
	entry_clear(&e);
	clients_revoke(next, "a", false);
	assert_int_equal(clients_save(next, folder), 0);
	again = clients_load(path, true, folder, why, sizeof(why));
	if (again == NULL)
		fail_msg("%s", why);
	assert_true(client_equal(clients_by_name(again, "b"), clients_by_name(next, "b")));
	assert_true(clients_by_name(again, "a")->revoked && !clients_by_name(list, "a")->revoked);
	assert_int_equal(clients_by_name(again, "b")->origin, CLIENT_ADDED);
	/* Restored, and the added one taken out. */
	clients_revoke(again, "a", true);
	clients_revoke(again, "b", false);
	assert_false(clients_by_name(again, "a")->revoked);
	assert_null(clients_by_name(again, "b"));
	assert_int_equal(clients_save(again, folder), 0);
	clients_free(again);
	/* No name in both parts, and no file that names a role there is not. */
	assert_int_equal(clients_save(next, folder), 0);
	assert_null(read_list("clients:\n  - {name: b, uid: 6, role: kiosk}\n", why, sizeof(why)));
	assert_non_null(strstr(why, "there is a client \"b\" (of the clients file) already: take it out there"));
	snprintf(why, sizeof(why), "%s/" CLIENTS_FILE, folder);
	unlink(why);
	clients_free(next);
	clients_free(list);
}

static void
test_usage(void **state)
{
	struct usages all = LIST_HEAD_INITIALIZER(all);
	struct client *a = client_new("a", CLIENT_UNLISTED), *again = client_new("a", CLIENT_UNLISTED), *b = client_new("b", CLIENT_UNLISTED);
	const uint64_t s = 1000000000u;

	(void)state;
	a->rights.events_per_s = again->rights.events_per_s = 10;
	a->rights.bytes_in_flight = again->rights.bytes_in_flight = 1000;
	usage_attach(&all, a);
	usage_attach(&all, again);
	usage_attach(&all, b);
	assert_ptr_equal(a->usage, again->usage);
	assert_ptr_not_equal(a->usage, b->usage);
	/* A second's worth at once, then a tenth of a second for each; none is saved beyond it. */
	for (int i = 0; i < 10; i++)
		assert_true(client_take_events(i % 2 ? a : again, 1, s));
	assert_false(client_take_events(a, 1, s));
	assert_false(client_take_events(again, 1, s + s / 20));
	assert_true(client_take_events(a, 1, s + s / 9));
	assert_true(client_take_events(a, 10, 100 * s));
	assert_false(client_take_events(a, 1, 100 * s));
	/* A put larger than a second's worth goes through, and is paid for. */
	assert_true(client_take_events(a, 30, 102 * s));
	assert_false(client_take_events(a, 1, 104 * s));
	assert_true(client_take_events(a, 1, 104 * s + s / 5));
	for (int i = 0; i < 1000; i++)
		assert_true(client_take_events(b, 4096, s));
	assert_true(client_has_credit(a, 5000));
	client_charge(a, 600);
	assert_true(client_has_credit(again, 400) && !client_has_credit(again, 401) && client_has_credit(b, 1u << 30));
	assert_int_equal(client_credit(a), 1000);
	assert_int_equal(client_credit(b), SESSION_CREDIT_BYTES);
	/* It outlives one of its clients, not the last. */
	client_unref(a);
	client_uncharge(again, 600);
	assert_int_equal(again->usage->unanswered, 0);
	client_unref(again);
	client_unref(b);
	assert_true(LIST_EMPTY(&all));
}

static void
test_peers(void **state)
{
	static const struct {
		const char *text;
		enum peer_kind kind;
		const char *name;
	} cases[] = {
		{ "ipc:localhost:1000:1000:77", BY_UID, "uid:1000" },
		{ "ipc:localhost:0:0:1", BY_UID, "uid:0" },
		{ "ipc:localhost:0:0:1:", BY_NOTHING, NULL },
		{ "ipc:localhost:0:0", BY_NOTHING, NULL },
		{ "ipc:", BY_NOTHING, NULL },
		{ "localhost:0:0:1", BY_NOTHING, NULL },
		{ "", BY_NOTHING, NULL },
		{ "tcp:127.0.0.1", BY_ADDRESS, "tcp:127.0.0.1" },
		{ "tcp:localhost:0:0:1", BY_ADDRESS, "tcp:localhost:0:0:1" },
		{ "tcp:fe80::1%eth0", BY_ADDRESS, "tcp:fe80::1_eth0" },
		{ "tcp:ipc:localhost:0:0:1", BY_ADDRESS, "tcp:ipc:localhost:0:0:1" },
		{ "curve:", BY_NOTHING, NULL },
		{ "curve::10.0.0.7", BY_NOTHING, NULL },
		{ "curve:" KEY_A ":10.0.0.7", BY_KEY, "tcp:10.0.0.7" },
		{ "curve:" KEY_A ":localhost:0:0:1", BY_KEY, "tcp:localhost:0:0:1" },
	};
	char name[CLIENT_NAME_SIZE];
	struct peer p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		peer_read(&p, cases[i].text);
		assert_int_equal(p.kind, cases[i].kind);
		peer_name(&p, name);
		if (cases[i].name != NULL)
			assert_string_equal(name, cases[i].name);
		if (p.kind == BY_KEY)
			assert_string_equal(p.key, KEY_A);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_shipped_roles),
		cmocka_unit_test(test_own_part),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_peers),
	};

	return (cmocka_run_group_tests(tests, set_up, tear_down));
}
