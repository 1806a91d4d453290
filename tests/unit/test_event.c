/* The envelope: every fault with its code and its place, the order of keys, the digest. */
#include "material.h"

#include "bounds.h"
#include "errcode.h"
#include "event.h"

#define GOOD	"\"specversion\":\"1.0\",\"id\":\"a1\",\"source\":\"/k\",\"type\":\"probe.recorded\""
#define X10	"xxxxxxxxxx"
#define X60	X10 X10 X10 X10 X10 X10

static int
decode(const char *json, struct data_fault *fault)
{
	struct event e;
	size_t len;
	uint8_t *bytes = pack_json(json, &len);
	int code;

	memset(fault, 0, sizeof(*fault));
	code = event_decode(&e, bytes, len, fault);
	free(bytes);
	return (code);
}

static void
test_faults(void **state)
{
	static const struct {
		const char *json;
		int code;
		const char *path;
	} cases[] = {
		{ "[]", E_MALFORMED, "byte 0" },
		{ "5", E_MALFORMED, "byte 0" },
		{ "{}", E_MISSING, "specversion" },
		{ "{\"id\":\"a\",\"source\":\"/k\",\"type\":\"probe.recorded\"}", E_MISSING, "specversion" },
		{ "{\"specversion\":\"1.0\",\"source\":\"/k\",\"type\":\"probe.recorded\"}", E_MISSING, "id" },
		{ "{\"specversion\":\"1.0\",\"id\":\"a\",\"type\":\"probe.recorded\"}", E_MISSING, "source" },
		{ "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/k\"}", E_MISSING, "type" },
		{ "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/k\",\"type\":\"complaint.opened\"}", E_MISSING, "subject" },
		{ "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/k\",\"type\":\"complaint.opened\",\"subject\":\"c-1\"}", E_MISSING,
		    "data.category" },
		{ "{\"specversion\":\"1.1\",\"id\":\"a\"}", E_SPECVERSION, "specversion" },
		{ "{\"specversion\":1.0}", E_SPECVERSION, "specversion" },
		{ "{\"specversion\":\"1.0\",\"id\":\"\"}", E_ID, "id" },
		{ "{\"specversion\":\"1.0\",\"id\":\"a b\"}", E_ID, "id" },
		{ "{\"specversion\":\"1.0\",\"id\":\"水\"}", E_ID, "id" },
		{ "{\"specversion\":\"1.0\",\"id\":\"" X60 "xxxxx\"}", E_ID, "id" },
		{ "{\"specversion\":\"1.0\",\"id\":7}", E_KIND, "id" },
		{ "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"\"}", E_RANGE, "source" },
		{ "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/a b\"}", E_RANGE, "source" },
		{ "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"" X60 X60 "xxxxxxxxx\"}", E_RANGE, "source" },
		{ "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":null}", E_KIND, "source" },
		{ "{\"specversion\":\"1.0\",\"type\":\"no.such\"}", E_TYPE, "type" },
		{ "{\"specversion\":\"1.0\",\"type\":[]}", E_KIND, "type" },
		{ "{" GOOD ",\"time\":\"yesterday\"}", E_TIME, "time" },
		{ "{" GOOD ",\"time\":\"2026-11-23 08:00:00\"}", E_TIME, "time" },
		{ "{" GOOD ",\"time\":\"2026-11-23T08:00:00\"}", E_TIME, "time" },
		{ "{" GOOD ",\"time\":\"9999-11-23T08:00:00Z\"}", E_TIME, "time" },
		{ "{" GOOD ",\"time\":1790000000}", E_TIME, "time" },
		{ "{" GOOD ",\"subject\":\"a b\"}", E_ID, "subject" },
		{ "{" GOOD ",\"subject\":{}}", E_KIND, "subject" },
		{ "{" GOOD ",\"site\":\"\"}", E_ID, "site" },
		{ "{" GOOD ",\"causation\":\"?\"}", E_ID, "causation" },
		{ "{" GOOD ",\"correlation\":false}", E_KIND, "correlation" },
		{ "{" GOOD ",\"urgency\":\"soon\"}", E_VALUE, "urgency" },
		{ "{" GOOD ",\"urgency\":1}", E_KIND, "urgency" },
		{ "{" GOOD ",\"traceparent\":\"" X60 X60 "xxxxxxxxx\"}", E_RANGE, "traceparent" },
		{ "{" GOOD ",\"traceparent\":0}", E_KIND, "traceparent" },
		{ "{" GOOD ",\"hops\":256}", E_RANGE, "hops" },
		{ "{" GOOD ",\"hops\":-1}", E_RANGE, "hops" },
		{ "{" GOOD ",\"hops\":\"1\"}", E_RANGE, "hops" },
		{ "{" GOOD ",\"datacontenttype\":\"" X60 X60 "xxxxxxxxx\"}", E_RANGE, "datacontenttype" },
		{ "{" GOOD ",\"dataschema\":[]}", E_KIND, "dataschema" },
		{ "{" GOOD ",\"data\":[]}", E_KIND, "data" },
		{ "{" GOOD ",\"data\":null}", E_KIND, "data" },
		{ "{" GOOD ",\"Extension\":1}", E_ATTRIBUTE, "Extension" },
		{ "{" GOOD ",\"\":1}", E_ATTRIBUTE, "" },
		{ "{" GOOD ",\"a-b\":1}", E_ATTRIBUTE, "a-b" },
		{ "{" GOOD ",\"xxxxxxxxxxxxxxxxxxxxx\":1}", E_ATTRIBUTE, "xxxxxxxxxxxxxxxxxxxxx" },
		{ "{" GOOD ",\"ext\":[1]}", E_KIND, "ext" },
		{ "{" GOOD ",\"ext\":null}", E_KIND, "ext" },
		{ "{" GOOD ",\"data\":{\"a\":[[[[[[[1]]]]]]]}}", E_TOO_DEEP, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct data_fault fault;
		int code = decode(cases[i].json, &fault);

		if (code != cases[i].code || fault.code != code || (cases[i].path != NULL && strcmp(fault.path, cases[i].path) != 0) ||
		    fault.detail[0] == '\0')
			fail_msg("%s: %s at \"%s\" (%s), not %s at \"%s\"", cases[i].json, code == 0 ? "taken" : errcode_name(code), fault.path,
			    fault.detail, errcode_name(cases[i].code), cases[i].path);
	}
}

static int
decode_bytes(const char *bytes, size_t len, struct data_fault *fault)
{
	uint8_t *exact = malloc(len);
	struct event e;
	int code;

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	code = event_decode(&e, exact, len, fault);
	free(exact);
	return (code);
}
#define BYTES(text)	text, sizeof(text) - 1

/* What JSON cannot say. */
static void
test_faults_of_bytes(void **state)
{
	static char large[EVENT_BYTES_MAX + 1];
	struct data_fault f;

	(void)state;
	assert_int_equal(decode_bytes(BYTES("\x82\xa2id\xa1" "a\xa2id\xa1" "a"), &f), E_DUPLICATE_KEY);
	assert_string_equal(f.path, "byte 6");
	assert_int_equal(decode_bytes(BYTES("\x81\xa2id\xa1\xff"), &f), E_UTF8);
	assert_int_equal(decode_bytes(BYTES("\x81\x01\x01"), &f), E_MALFORMED);
	assert_int_equal(decode_bytes(BYTES("\x80\x80"), &f), E_MALFORMED);
	assert_int_equal(decode_bytes(BYTES("\x81\xc1\xc1"), &f), E_MALFORMED);
	assert_int_equal(decode_bytes(BYTES("\x81\xa4time\xd5\xff\x00\x01"), &f), E_TIME);
	/* A count that the bytes cannot hold is a lie, one that they hold is too many. */
	assert_int_equal(decode_bytes(BYTES("\x81\xa4" "data\xdc\x04\x01"), &f), E_MALFORMED);
	assert_int_equal(decode_bytes(BYTES("\xdf\xff\xff\xff\xff"), &f), E_MALFORMED);
	memcpy(large, "\x81\xa4" "data\x81\xa1" "a\xdc\x04\x01", 12);
	assert_int_equal(decode_bytes(large, 12 + 1025, &f), E_TOO_MANY);
	assert_int_equal(decode_bytes(large, sizeof(large), &f), E_TOO_LARGE);
	assert_string_equal(f.path, "event");
}

static void
test_too_many_attributes(void **state)
{
	char json[2048] = "{" GOOD;
	struct data_fault f;

	(void)state;
	for (unsigned i = 4; i < EVENT_ATTRIBUTES_MAX; i++)
		sprintf(json + strlen(json), ",\"x%u\":1", i);
	strcat(json, "}");
	assert_int_equal(decode(json, &f), 0);
	strcpy(json + strlen(json) - 1, ",\"onemore\":1}");
	assert_int_equal(decode(json, &f), E_TOO_MANY);
	assert_string_equal(f.path, "event");
}

/* Every cut of a good event is refused, and peeking at it stays within its bytes. */
static void
test_cuts(void **state)
{
	size_t len;
	uint8_t *bytes = pack_json("{" GOOD ",\"time\":\"2026-11-23T08:00:00+08:00\",\"urgency\":\"urgent\",\"data\":{\"n\":7,\"text\":\"水\"}}", &len);
	struct data_fault f;
	struct event e;

	(void)state;
	assert_int_equal(event_decode(&e, bytes, len, &f), 0);
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut + (cut == 0));

		assert_non_null(exact);
		memcpy(exact, bytes, cut);
		assert_int_equal(event_decode(&e, exact, cut, &f), E_MALFORMED);
		(void)event_peek(&e, exact, cut);
		free(exact);
	}
	free(bytes);
}

static void
test_what_is_read(void **state)
{
	size_t len;
	uint8_t *bytes = pack_json("{\"data\":{\"n\":7},\"urgency\":\"urgent\",\"time\":\"2026-11-23T08:00:00.5+08:00\",\"type\":\"probe.recorded\","
	    "\"source\":\"/k\",\"subject\":\"c-1\",\"site\":\"east\",\"correlation\":\"x\",\"causation\":\"y\",\"id\":\"a1\",\"specversion\":\"1.0\","
	    "\"zz\":true}", &len);
	struct event e, peeked;
	struct data_fault f;

	(void)state;
	assert_int_equal(event_decode(&e, bytes, len, &f), 0);
	assert_true(mp_equal(e.id.s, e.id.len, "a1") && mp_equal(e.source.s, e.source.len, "/k") && mp_equal(e.subject.s, e.subject.len, "c-1"));
	assert_true(mp_equal(e.site.s, e.site.len, "east") && mp_equal(e.urgency.s, e.urgency.len, "urgent"));
	assert_true(mp_equal(e.correlation.s, e.correlation.len, "x") && mp_equal(e.causation.s, e.causation.len, "y"));
	assert_true(e.has_time && e.time_ns == 1795392000500000000ll);
	assert_string_equal(e.kind->name, "probe.recorded");
	assert_int_equal(e.unknown, 1);
	assert_string_equal(e.odd.path, "zz");
	assert_true(event_peek(&peeked, bytes, len));
	assert_true(peeked.id.s == e.id.s && peeked.site.s == e.site.s && peeked.time_ns == e.time_ns && peeked.kind == e.kind);
	free(bytes);
}

static void
key_of(const char *id, const char *source, const char *site, uint64_t secret, uint8_t key[EVENT_KEY_BYTES])
{
	struct event e = { .id = { id, (uint32_t)strlen(id) }, .source = { source, (uint32_t)strlen(source) },
		.site = { site, site != NULL ? (uint32_t)strlen(site) : 0 } };

	event_key(&e, secret, key);
}

static int
compare_ids(const char *a, const char *b)
{
	uint8_t x[EVENT_KEY_BYTES], y[EVENT_KEY_BYTES];

	key_of(a, "/k", NULL, 1, x);
	key_of(b, "/k", NULL, 1, y);
	return (memcmp(x, y, 8));
}

/* The first half sorts as the first eleven characters of the id do, for the ids that begin with the time. */
static void
test_time_ordered_ids_sort(void **state)
{
	static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint64_t seed = 13;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t early = 1790000000000ull + below(&seed, 1u << 30), late = early + 1 + below(&seed, 1u << below(&seed, 30));
		char a[64], b[64];

		/* ULID: ten characters of milliseconds. */
		for (unsigned k = 0; k < 10; k++) {
			a[k] = crockford[early >> (5 * (9 - k)) & 31];
			b[k] = crockford[late >> (5 * (9 - k)) & 31];
		}
		snprintf(a + 10, 20, "%016llX", (unsigned long long)chance(&seed));
		snprintf(b + 10, 20, "%016llX", (unsigned long long)chance(&seed));
		assert_true(compare_ids(a, b) < 0);
		/* Hex milliseconds, and UUIDv7, whose first dash stands behind 32 bits. */
		snprintf(a, sizeof(a), "%011llx-%x", (unsigned long long)early, (unsigned)chance(&seed));
		snprintf(b, sizeof(b), "%011llx-%x", (unsigned long long)late, (unsigned)chance(&seed));
		assert_true(compare_ids(a, b) < 0);
		snprintf(a, sizeof(a), "%08llx-%04llx-7%03x", (unsigned long long)early >> 16, (unsigned long long)early & 0xffff, 5u);
		snprintf(b, sizeof(b), "%08llx-%04llx-7%03x", (unsigned long long)late >> 16, (unsigned long long)late & 0xffff, 5u);
		assert_true(compare_ids(a, b) <= 0);
		/* Zero-padded decimal. */
		snprintf(a, sizeof(a), "%010llu-x", (unsigned long long)early / 1000);
		snprintf(b, sizeof(b), "%010llu-x", (unsigned long long)late / 1000 + 1);
		assert_true(compare_ids(a, b) < 0);
	}
	/* Shorter before longer, letters without case. */
	assert_true(compare_ids("a", "a0") < 0);
	assert_int_equal(compare_ids("AbC", "aBc"), 0);
}

static void
test_keys_tell_identities_apart(void **state)
{
	uint8_t a[EVENT_KEY_BYTES], b[EVENT_KEY_BYTES];

	(void)state;
	key_of("x1", "/k", NULL, SECRET, a);
	key_of("x1", "/k", NULL, SECRET, b);
	assert_memory_equal(a, b, sizeof(a));
	key_of("x1", "/k", NULL, SECRET + 1, b);
	assert_memory_equal(a, b, 8);
	assert_memory_not_equal(a + 8, b + 8, 8);
	/* Case counts, and no two run together. */
	key_of("X1", "/k", NULL, SECRET, b);
	assert_memory_not_equal(a, b, sizeof(a));
	key_of("x1", "/k", "s", SECRET, a);
	key_of("x1", "/ks", NULL, SECRET, b);
	assert_memory_not_equal(a, b, sizeof(a));
	key_of("x1/", "k", NULL, SECRET, a);
	key_of("x1", "/k", NULL, SECRET, b);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void
test_digest(void **state)
{
	size_t len;
	uint8_t *bytes = pack_json("{" GOOD ",\"data\":{\"n\":7}}", &len);
	struct event e;
	uint64_t digest;

	(void)state;
	assert_true(event_peek(&e, bytes, len));
	digest = event_digest(&e, SECRET);
	assert_true(digest >> 48 == 0);
	assert_true(digest == event_digest(&e, SECRET) && digest != event_digest(&e, SECRET + 1));
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 1;
		assert_true(digest != event_digest(&e, SECRET));
		bytes[i] ^= 1;
	}
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_faults_of_bytes),
		cmocka_unit_test(test_too_many_attributes),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_what_is_read),
		cmocka_unit_test(test_time_ordered_ids_sort),
		cmocka_unit_test(test_keys_tell_identities_apart),
		cmocka_unit_test(test_digest),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
