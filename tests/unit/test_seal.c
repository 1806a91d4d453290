/* Sealing: what goes in comes out for who may see it, and for nobody once the key is gone; the vault through restarts and damage. */
#include "material.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "identity.h"
#include "seal.h"
#include "vault.h"

static char folder[64];
static struct identity identity = { .uuid = { 7 }, .secret = SECRET };

static int
set_up(void **state)
{
	(void)state;
	make_folder(folder);
	return (0);
}

static int
tear_down(void **state)
{
	(void)state;
	remove_folder(folder);
	return (0);
}

static struct vault *
open_vault(void)
{
	char why[512];
	struct vault *v = vault_open(folder, &identity, false, why, sizeof(why));

	if (v == NULL)
		fail_msg("%s", why);
	return (v);
}

static uint8_t *
pack_help(const char *id, const char *subject, const char *household, const char *text, size_t *len)
{
	char json[1024];

	snprintf(json, sizeof(json), "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/unit\",\"type\":\"help.requested\",\"subject\":\"%s\","
	    "\"data\":{\"kind\":\"medical\"%s%s%s,\"address\":\"3-2-1201\",\"phone\":\"13800138000\",\"text\":\"%s\"}}", id, subject,
	    household != NULL ? ",\"household\":\"" : "", household != NULL ? household : "", household != NULL ? "\"" : "", text);
	return (pack_json(json, len));
}

/* The stored record of an event, sealed as the writer does; its bytes are the caller's to free. */
static struct record
seal_one(struct vault *v, const struct event *e, uint64_t seq, uint64_t *slot)
{
	struct text person = seal_person(e);
	uint8_t key[SEAL_KEY_BYTES], *out = malloc(e->len + e->personal * SEAL_OVERHEAD);

	assert_non_null(out);
	assert_int_equal(vault_read_begin(v), 0);
	assert_int_equal(vault_key_for(v, person.s, person.len, slot, key), 0);
	vault_read_end(v);
	return ((struct record){ .bytes = out, .len = (uint32_t)seal_event(out, e->bytes, e->len, e->spans, e->personal, *slot, key,
	    event_digest(e, SECRET), seq), .flags = EVENT_SEALED, .log_time = 1000 + seq, .sender = "uid:0", .sender_len = 5 });
}

static struct batch *
batch_of(struct record *r, uint64_t seq)
{
	struct index_entry *entry = malloc(sizeof(*entry));

	assert_non_null(entry);
	assert_true(entry_read(entry, r, SECRET));
	return (batch_build(seq, r, entry, 1));
}

static void
decode(struct event *e, const uint8_t *bytes, size_t len)
{
	struct data_fault f;

	if (event_decode(e, bytes, len, &f) != 0)
		fail_msg("%s: %s", f.path, f.detail);
}

static bool
holds(const struct record *r, const char *text)
{
	return (memmem(r->bytes, r->len, text, strlen(text)) != NULL);
}

static void
test_there_and_back(void **state)
{
	struct vault *v = open_vault();
	struct seal_room room = { NULL, 0 };
	struct index_entry put, stored;
	struct record r, shown;
	struct event e;
	uint64_t slot;
	size_t len;
	uint8_t *bytes = pack_help("a1", "case-1", "3-2-1201", "她摔倒了，请快来", &len);

	(void)state;
	decode(&e, bytes, len);
	assert_int_equal(e.personal, 3);
	entry_fill(&put, &e, SECRET);
	assert_true(put.links);
	r = seal_one(v, &e, 42, &slot);
	assert_false(holds(&r, "13800138000") || holds(&r, "摔倒"));
	/* The household is an id, not a secret. */
	assert_true(holds(&r, "3-2-1201"));
	assert_true(seal_sound(v, &r, 42));
	assert_false(seal_sound(v, &r, 43));
	assert_true(entry_read(&stored, &r, SECRET));
	assert_memory_equal(stored.key, put.key, sizeof(put.key));
	assert_true(stored.digest == put.digest && stored.links);

	shown = r;
	seal_show(v, true, &room, &shown, 42);
	assert_int_equal(shown.len, len);
	assert_memory_equal(shown.bytes, bytes, len);
	assert_int_equal(shown.flags, 0);

	shown = r;
	seal_show(v, false, &room, &shown, 42);
	assert_true(holds(&shown, SEAL_MASK) && !holds(&shown, "13800138000"));
	assert_int_equal(shown.flags, EVENT_SEALED);
	assert_true(event_peek(&e, shown.bytes, shown.len));

	/* Under another number nothing opens, and nothing breaks. */
	shown = r;
	seal_show(v, true, &room, &shown, 43);
	assert_true(holds(&shown, SEAL_MASK));
	assert_int_equal(shown.flags, EVENT_SEALED);
	free(room.bytes);
	free(bytes);
	free((void *)(uintptr_t)r.bytes);
	vault_close(v);
}

/* Any byte of a sealed value may rot: never a crash, never the truth. */
static void
test_every_byte_counts(void **state)
{
	struct vault *v = open_vault();
	struct seal_room room = { NULL, 0 };
	struct record r, shown;
	struct event e;
	uint64_t slot;
	size_t len;
	uint8_t *bytes = pack_help("a1", "case-1", NULL, "x", &len), *copy;

	(void)state;
	decode(&e, bytes, len);
	r = seal_one(v, &e, 1, &slot);
	copy = malloc(r.len);
	assert_non_null(copy);
	for (uint32_t i = 0; i < r.len; i++) {
		memcpy(copy, r.bytes, r.len);
		copy[i] ^= 0x41;
		shown = r;
		shown.bytes = copy;
		seal_show(v, true, &room, &shown, 1);
		assert_true(shown.len <= r.len);
	}
	for (uint32_t n = 0; n < r.len; n++) {
		shown = r;
		shown.len = n;
		seal_show(v, true, &room, &shown, 1);
	}
	free(copy);
	free(room.bytes);
	free(bytes);
	free((void *)(uintptr_t)r.bytes);
	vault_close(v);
}

/* One person, one key, through a restart; erased with all that was linked, others untouched. */
static void
test_erasing(void **state)
{
	static const struct { const char *id, *subject, *household; } events[] = {
		{ "a1", "case-1", "3-2-1201" }, { "a2", "case-1", NULL }, { "a3", "case-2", NULL }, { "a4", "case-3", "3-2-1202" },
	};
	enum { COUNT = sizeof(events) / sizeof(events[0]) };
	struct record records[COUNT];
	uint64_t slots[COUNT], slot, keys;
	struct vault *v = open_vault();
	struct seal_room room = { NULL, 0 };
	uint8_t key[32];
	char why[256];

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		struct batch *b;
		struct event e;
		size_t len;
		uint8_t *bytes = pack_help(events[i].id, events[i].subject, events[i].household, "secret words", &len);

		decode(&e, bytes, len);
		records[i] = seal_one(v, &e, i + 1, &slots[i]);
		free(bytes);
		b = batch_of(&records[i], i + 1);
		assert_int_equal(vault_append(v, &b, 1), 0);
		assert_int_equal(vault_append(v, &b, 1), 0);	/* again without harm */
		batch_unref(b);
	}
	assert_int_equal(vault_set_whole(v), 0);
	vault_close(v);
	v = open_vault();
	assert_true(vault_is_whole(v));
	assert_int_equal(vault_check(v, why, sizeof(why)), 0);
	assert_int_equal(vault_read_begin(v), 0);
	assert_int_equal(vault_key_for(v, "3-2-1201", 8, &slot, key), 0);
	assert_int_equal(slot, slots[0]);
	vault_read_end(v);

	assert_int_equal(vault_erase(v, "3-2-1201", &keys), 0);
	assert_int_equal(keys, 2);
	assert_int_equal(vault_erase(v, "3-2-1201", &keys), 0);
	assert_int_equal(keys, 0);
	assert_int_equal(vault_erase(v, "9-9-9999", &keys), 0);
	assert_int_equal(keys, 0);
	for (unsigned i = 0; i < COUNT; i++) {
		struct record shown = records[i];
		bool gone = i < 2;

		assert_int_equal(vault_key(v, slots[i], key), gone ? VAULT_ERASED : VAULT_KEY);
		seal_show(v, true, &room, &shown, i + 1);
		assert_int_equal(holds(&shown, "secret words"), !gone);
		assert_int_equal(holds(&shown, SEAL_ERASED), gone);
		assert_true(seal_sound(v, &records[i], i + 1));
		free((void *)(uintptr_t)records[i].bytes);
	}
	/* Who comes back begins anew. */
	assert_int_equal(vault_read_begin(v), 0);
	assert_int_equal(vault_key_for(v, "3-2-1201", 8, &slot, key), 0);
	assert_int_not_equal(slot, slots[0]);
	vault_read_end(v);
	free(room.bytes);
	vault_close(v);
}

static void
test_more_people_than_slots(void **state)
{
	struct vault *v = open_vault();
	uint64_t slot, before = 0;
	uint8_t key[32], other[32] = { 0 };
	char name[32];

	(void)state;
	assert_int_equal(vault_read_begin(v), 0);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "case-%u", i);
		assert_int_equal(vault_key_for(v, name, strlen(name), &slot, key), 0);
		assert_true(i == 0 || slot == before + 1);
		assert_memory_not_equal(key, other, sizeof(key));
		memcpy(other, key, sizeof(other));
		before = slot;
	}
	vault_read_end(v);
	vault_close(v);
}

static void
damage(const char *file, off_t at, off_t cut)
{
	char path[128], byte = 0x55;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	assert_true((fd = open(path, O_RDWR)) >= 0);
	if (cut >= 0)
		assert_int_equal(ftruncate(fd, cut), 0);
	else
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void
test_damage(void **state)
{
	struct identity other = { .uuid = { 8 }, .secret = SECRET };
	uint64_t slot;
	uint8_t key[32];
	char why[512];
	struct vault *v = open_vault();
	struct record r;
	struct batch *b;
	struct event e;
	size_t len;
	uint8_t *bytes = pack_help("a1", "case-1", NULL, "x", &len);

	(void)state;
	decode(&e, bytes, len);
	r = seal_one(v, &e, 1, &slot);
	b = batch_of(&r, 1);
	assert_int_equal(vault_append(v, &b, 1), 0);
	vault_close(v);

	assert_null(vault_open(folder, &other, false, why, sizeof(why)));
	assert_non_null(strstr(why, "another log"));

	/* Keys that nobody uses yet are made again; one that is used is missed, by name. */
	damage("vault", 0, 4096 + 64 + 30);
	v = open_vault();
	assert_int_equal(vault_key(v, slot, key), VAULT_KEY);
	vault_close(v);
	damage("vault", 4096 + 20, -1);
	v = open_vault();
	assert_int_equal(vault_key(v, slot, key), VAULT_UNKNOWN);
	assert_false(seal_sound(v, &r, 1));
	vault_close(v);
	damage("vault", 0, 4096);
	v = open_vault();
	assert_int_equal(vault_check(v, why, sizeof(why)), -1);
	assert_non_null(strstr(why, "restore"));
	vault_close(v);
	damage("vault", 3, -1);
	assert_null(vault_open(folder, &identity, false, why, sizeof(why)));
	assert_non_null(strstr(why, "damaged"));
	batch_unref(b);
	free(bytes);
	free((void *)(uintptr_t)r.bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_there_and_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_byte_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_erasing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_more_people_than_slots, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
