/*
 * catalogue_check: what EVENTS.md describes is accepted, and each kind of fault is answered with its code and its place.
 * Events are written as JSON here and packed as a client would; what JSON can't say is packed by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <msgpack.h>

#include "catalogue.h"
#include "errcode.h"

static void
pack_text(msgpack_packer *p, const char *s, size_t len)
{
	msgpack_pack_str(p, len);
	msgpack_pack_str_body(p, s, len);
}

static void
pack_json(msgpack_packer *p, json_t *v)
{
	const char *key;
	json_t *inner;
	size_t i;

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		msgpack_pack_map(p, json_object_size(v));
		json_object_foreach(v, key, inner) {
			pack_text(p, key, strlen(key));
			pack_json(p, inner);
		}
		break;
	case JSON_ARRAY:
		msgpack_pack_array(p, json_array_size(v));
		json_array_foreach(v, i, inner)
			pack_json(p, inner);
		break;
	case JSON_STRING:
		pack_text(p, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		msgpack_pack_int64(p, json_integer_value(v));
		break;
	case JSON_REAL:
		msgpack_pack_double(p, json_real_value(v));
		break;
	case JSON_TRUE:
		msgpack_pack_true(p);
		break;
	case JSON_FALSE:
		msgpack_pack_false(p);
		break;
	case JSON_NULL:
		msgpack_pack_nil(p);
	}
}

struct outcome {
	int code;
	unsigned unknown;
	struct data_fault fault;
};

/* Check from a buffer of exactly that size, so that a byte read beyond it is caught. */
static struct outcome
check_packed(const char *type, const msgpack_sbuffer *b)
{
	const struct mp_bounds bounds = { 8, 65536, true };
	const struct type *t = catalogue_find(type, strlen(type));
	struct outcome o = { 0, 0, { 0, "", "" } };
	struct data_findings found;
	char *exact = malloc(b->size);
	struct mp m = mp_over(exact, b->size);
	size_t where;

	memcpy(exact, b->data, b->size);
	if (t == NULL)
		fail_msg("there is no type %s", type);
	assert_int_equal(mp_check(&m, &bounds, &where), MP_OK);
	o.code = catalogue_check(t, &m, &found, &o.fault);
	o.unknown = found.unknown;
	assert_int_equal(o.code, o.fault.code);
	assert_true(o.code != 0 || m.p == m.end);
	free(exact);
	return (o);
}

static struct outcome
check(const char *type, const char *data)
{
	json_error_t wrong;
	json_t *v = json_loads(data, JSON_DECODE_ANY | JSON_ALLOW_NUL, &wrong);
	msgpack_sbuffer b;
	msgpack_packer p;
	struct outcome o;

	if (v == NULL)
		fail_msg("the test's own JSON: %s: %s", wrong.text, data);
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	pack_json(&p, v);
	o = check_packed(type, &b);
	msgpack_sbuffer_destroy(&b);
	json_decref(v);
	return (o);
}

static void
test_samples(void **state)
{
	static const struct {
		const char *type, *data;
	} rows[] = {
		{ "household.registered", "{\"kind\":\"owner\",\"party\":\"P-17\",\"name\":\"王小明\",\"phone\":\"138 0013 8000\","
		    "\"email\":\"wang@example.invalid\",\"moved_in\":\"2024-02-29\",\"key\":true,\"area_m2\":89.5,\"channel\":\"sms\",\"language\":\"zh\"}" },
		{ "household.registered", "{\"kind\":\"tenant\",\"name\":\"租户\"}" },
		{ "household.moved_in", "{\"date\":\"2026-11-03\"}" },
		{ "household.handed_over", "{\"date\":\"2026-11-03\",\"from\":\"developer\",\"to\":\"P-17\"}" },
		{ "household.tagged_key", "{\"key\":true}" },
		{ "household.steward_assigned", "{\"to\":\"guan.jia.3\",\"from\":\"2026-11-03\"}" },
		{ "household.contact_rule_set", "{\"quiet\":\"21:00-09:00\",\"no_visit\":true,\"opt_out\":[\"survey\",\"sms\"],\"by\":\"clerk1\"}" },
		{ "contact.received", "{\"via\":\"visit\",\"outcome\":\"info\"}" },
		{ "call.started", "{}" },
		{ "call.abandoned", "{\"from\":\"+86 755 1234-5678#12\",\"to\":\"8001\",\"queue\":\"service\",\"wait_s\":45,\"reason\":\"EXITWITHTIMEOUT\"}" },
		{ "help.requested", "{\"kind\":\"medical\",\"incident\":\"poisoning\",\"household\":\"3-2-1201\",\"address\":\"3-2-1201\","
		    "\"phone\":\"13800138000\",\"text\":\"老人胸闷\",\"due\":\"2026-11-03T08:35:00+08:00\"}" },
		{ "help.requested", "{\"kind\":\"disaster\",\"incident\":\"earthquake\"}" },
		{ "emergency.dispatched", "{\"by\":\"clerk1\",\"choice\":\"ambulance\",\"to\":\"120\"}" },
		{ "complaint.opened", "{\"household\":\"3-2-1201\",\"category\":\"noise\",\"severity\":\"ordinary\",\"via\":\"phone\",\"text\":\"楼上\"}" },
		{ "complaint.opened", "{\"category\":\"宠物扰民\",\"severity\":\"major\",\"via\":\"company\",\"anonymous\":true}" },
		{ "repair.requested", "{\"service\":\"special\",\"trade\":\"plumbing\",\"in_home\":true}" },
		{ "case.assigned", "{\"to\":\"eng3\",\"role\":\"engineering\",\"dept\":\"engineering\"}" },
		{ "case.reclassified", "{\"severity\":\"major\"}" },
		{ "case.reclassified", "{\"kind\":\"repair\",\"category\":\"repair\",\"by\":\"lead\"}" },
		{ "case.linked", "{\"to\":\"C-1\",\"relation\":\"two_channels\",\"by\":\"clerk1\"}" },
		{ "complaint.signed", "{}" },
		{ "workorder.rated", "{\"signed\":false,\"channel\":\"paper\"}" },
		{ "workorder.rated", "{\"grade\":\"basically_satisfied\",\"signed\":true,\"channel\":\"ivr\",\"signer\":\"family\",\"authenticated\":true}" },
		{ "callback.done", "{\"kind\":\"repair\",\"by\":\"cs2\",\"mode\":\"phone\",\"grade\":\"very_satisfied\",\"conforms\":true,"
		    "\"covers\":[\"R-1\",\"R-2\"],\"effect\":\"好\",\"suggestions\":\"\"}" },
		{ "appointment.agreed", "{\"at\":\"2026-11-03t09:00:00z\",\"by\":\"cs2\"}" },
		{ "contact.requested", "{\"for\":\"dunning\",\"ref\":\"B-1\"}" },
		{ "survey.planned", "{\"level\":\"company\",\"purpose\":\"半年征询\",\"audience\":\"全体业户\",\"form\":\"表一\",\"scope\":\"全区\","
		    "\"quantity\":800,\"schedule\":\"五月\",\"staff\":\"客服组\",\"items\":[{\"item\":\"保洁\",\"dept\":\"cleaning\"},{\"dept\":\"greening\",\"item\":\"绿化\"}]}" },
		{ "plan.made", "{\"kind\":\"training\",\"period\":\"2026-H1\",\"by\":\"lead\",\"role\":\"cs_lead\"}" },
		{ "inspection.done", "{\"by\":\"lead\",\"period\":\"2026-W45\",\"score\":97.5,\"findings\":\"\"}" },
		{ "permit.approved", "{\"kind\":\"hot_work\",\"household\":\"3-2-1201\",\"by\":\"m\",\"role\":\"site_manager\",\"until\":\"2026-11-03\"}" },
		{ "permit.approved", "{\"kind\":\"hot_work\",\"household\":\"3-2-1201\",\"by\":\"m\",\"role\":\"site_manager\",\"until\":\"2026-11-03T18:00:00+08:00\"}" },
		{ "report.generated", "{\"name\":\"callback_rate\",\"period\":\"2026-11\",\"version\":1}" },
		{ "record.amended", "{\"event\":17,\"by\":\"lead\",\"reason\":\"typo\",\"fields\":{\"in_home\":true,\"trade\":\"plumbing\"}}" },
		{ "bill.issued", "{\"household\":\"3-2-1201\",\"fee_kind\":\"management\",\"period\":\"2026-11\",\"amount\":26850,\"due\":\"2026-11-20\"}" },
		{ "bill.waived", "{}" },
		{ "payment.posted", "{\"household\":\"3-2-1201\",\"amount\":0,\"method\":\"wechat\",\"received\":\"2026-11-05\"}" },
		{ "notification.requested", "{\"notification\":\"n1\",\"to\":\"3-2-1201\",\"channel\":\"sms\",\"template\":\"dunning_5\","
		    "\"params\":{\"amount\":26850,\"name\":\"王\",\"rate\":0.5,\"overdue\":true,\"balance\":-3},\"urgency\":\"routine\"}" },
		{ "obligation.opened", "{\"obligation\":\"C1:C-1\",\"rule\":\"C1\",\"role\":\"cs_assistant\",\"due\":\"2026-11-04T18:00:00+08:00\"}" },
		{ "clock.jumped", "{\"seconds\":-7200}" },
		{ "config.activated", "{\"kind\":\"rules\",\"digest\":\"00ff\",\"by\":\"admin\"}" },
		{ "probe.recorded", "{}" },
		{ "probe.recorded", "{\"n\":-9223372036854775808,\"text\":\"\"}" },
		{ "incident.changed", "{\"state\":\"Awaiting User Info\",\"group\":\"56\",\"assignee\":\"89\",\"reassignments\":1,\"reopens\":0}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct outcome o = check(rows[i].type, rows[i].data);

		if (o.code != 0)
			fail_msg("%s %s: %s %s: %s", rows[i].type, rows[i].data, errcode_name(o.code), o.fault.path, o.fault.detail);
		assert_int_equal(o.unknown, 0);
	}
}

#define BILL(field)	"{\"household\":\"3-2-1201\",\"fee_kind\":\"rent\",\"period\":\"2026-11\",\"amount\":1,\"due\":\"2026-11-20\"," field "}"
#define DONE(field)	"{\"kind\":\"repair\",\"by\":\"a\",\"mode\":\"phone\"," field "}"
#define SURVEY(items)	"{\"level\":\"company\",\"purpose\":\"p\",\"audience\":\"a\",\"form\":\"f\",\"scope\":\"s\",\"quantity\":1," \
			"\"schedule\":\"s\",\"staff\":\"s\",\"items\":" items "}"
#define NOTE(params)	"{\"notification\":\"n\",\"to\":\"a\",\"channel\":\"sms\",\"template\":\"t\",\"urgency\":\"routine\",\"params\":" params "}"

static void
test_refused(void **state)
{
	static const struct {
		const char *type, *data;
		int code;
		const char *path, *detail;	/* detail: a part of it */
	} rows[] = {
		/* Missing. */
		{ "case.linked", "{}", E_MISSING, "data.to", "required: an id" },
		{ "case.linked", "{\"by\":\"a\",\"to\":\"C-1\"}", E_MISSING, "data.relation", "one of duplicate, recurrence, two_channels, mass" },
		{ "household.registered", "{\"kind\":\"owner\"}", E_MISSING, "data.name", "text of 1 to 200 bytes" },
		{ "case.reclassified", "{\"by\":\"a\"}", E_MISSING, "data", "at least one is required of kind, category, severity" },
		{ "payment.posted", "{\"household\":\"h\",\"amount\":1,\"method\":\"pos\",\"other\":1}", E_MISSING, "data.received", "YYYY-MM-DD" },
		/* Kinds. */
		{ "case.linked", "[]", E_KIND, "data", "found an array of 0; wanted a map with string keys" },
		{ "case.linked", "7", E_KIND, "data", "found 7" },
		{ "case.replied", "{\"by\":null}", E_KIND, "data.by", "found nil; wanted an id" },
		{ "case.replied", "{\"by\":\"a\",\"automatic\":null}", E_KIND, "data.automatic", "found nil; wanted true or false" },
		{ "case.replied", "{\"by\":\"a\",\"automatic\":1}", E_KIND, "data.automatic", "found 1; wanted true or false" },
		{ "case.replied", "{\"by\":\"a\",\"automatic\":\"yes\"}", E_KIND, "data.automatic", "found \"yes\"" },
		{ "case.closed", "{\"by\":7}", E_KIND, "data.by", "found 7; wanted an id" },
		{ "case.closed", "{\"by\":\"a\",\"outcome\":[]}", E_KIND, "data.outcome", "found an array of 0; wanted one of done" },
		{ "case.referred", "{\"by\":\"a\",\"reason\":{\"a\":1}}", E_KIND, "data.reason", "found a map of 1; wanted text of 1 to 4000 bytes" },
		{ "bill.issued", BILL("\"payer\":false"), E_KIND, "data.payer", "found false" },
		{ "arrears.opened", "{\"household\":\"h\",\"amount\":\"12\"}", E_KIND, "data.amount", "found \"12\"; wanted an integer from 0 to 1000000000000 (fen)" },
		{ "arrears.opened", "{\"household\":\"h\",\"amount\":12.5}", E_KIND, "data.amount", "found 12.5; wanted an integer" },
		{ "household.moved_in", "{\"date\":\"tomorrow\"}", E_KIND, "data.date", "found \"tomorrow\"; wanted a day that exists" },
		{ "household.moved_in", "{\"date\":\"2026-11-3\"}", E_KIND, "data.date", "YYYY-MM-DD" },
		{ "household.moved_in", "{\"date\":20261103}", E_KIND, "data.date", "found 20261103" },
		{ "bill.issued", "{\"period\":\"2026-11-01\"}", E_KIND, "data.period", "wanted a month" },
		{ "plan.made", "{\"period\":\"2026-X1\"}", E_KIND, "data.period", "wanted a period" },
		{ "household.registered", "{\"phone\":\"call me\"}", E_KIND, "data.phone", "found text of 7 bytes; wanted a telephone number" },
		{ "household.registered", "{\"phone\":\"+-+-1\"}", E_KIND, "data.phone", "3 of them digits" },
		{ "household.registered", "{\"email\":\"nobody\"}", E_KIND, "data.email", "found text of 6 bytes; wanted an e-mail address" },
		{ "household.registered", "{\"email\":\"a@b@c\"}", E_KIND, "data.email", "" },
		{ "household.registered", "{\"email\":\"a b@c\"}", E_KIND, "data.email", "" },
		{ "household.registered", "{\"email\":\"@c\"}", E_KIND, "data.email", "" },
		{ "household.registered", "{\"email\":\"a@\"}", E_KIND, "data.email", "" },
		/* Bounds. */
		{ "arrears.opened", "{\"household\":\"h\",\"amount\":-1}", E_RANGE, "data.amount", "found -1; wanted an integer from 0" },
		{ "arrears.opened", "{\"household\":\"h\",\"amount\":1000000000001}", E_RANGE, "data.amount", "found 1000000000001" },
		{ "call.ended", "{\"wait_s\":604801}", E_RANGE, "data.wait_s", "wanted an integer from 0 to 604800 (s)" },
		{ "inspection.done", "{\"by\":\"a\",\"score\":1000.5}", E_RANGE, "data.score", "found 1000.5; wanted a number from 0 to 1000" },
		{ "rule.violated", "{\"rule\":\"V4\",\"event\":0}", E_RANGE, "data.event", "found 0; wanted a sequence number of 1 or more" },
		{ "household.moved_in", "{\"date\":\"2026-02-30\"}", E_RANGE, "data.date", "found \"2026-02-30\"; wanted a day that exists" },
		{ "household.moved_in", "{\"date\":\"1900-02-29\"}", E_RANGE, "data.date", "" },
		{ "bill.issued", "{\"period\":\"2026-13\"}", E_RANGE, "data.period", "wanted a month" },
		{ "plan.made", "{\"period\":\"2026-Q5\"}", E_RANGE, "data.period", "" },
		{ "plan.made", "{\"period\":\"2026-H0\"}", E_RANGE, "data.period", "" },
		{ "plan.made", "{\"period\":\"2026-W54\"}", E_RANGE, "data.period", "" },
		{ "plan.made", "{\"period\":\"2026-00\"}", E_RANGE, "data.period", "" },
		{ "plan.made", "{\"period\":\"2026-04-31\"}", E_RANGE, "data.period", "" },
		{ "task.done", "{\"by\":\"a\",\"to\":\"b\",\"due\":\"2026-04-31\"}", E_RANGE, "data.due", "wanted a date, YYYY-MM-DD, or an instant" },
		{ "household.registered", "{\"phone\":\"12\"}", E_RANGE, "data.phone", "" },
		{ "household.registered", "{\"phone\":\"123456789012345678901234567890123\"}", E_RANGE, "data.phone", "" },
		{ "household.registered", "{\"name\":\"\"}", E_RANGE, "data.name", "found text of 0 bytes; wanted text of 1 to 200 bytes" },
		{ "repair.requested", "{\"trade\":\"\"}", E_RANGE, "data.trade", "found \"\"; wanted text of 1 to 200 bytes, such as plumbing" },
		{ "survey.planned", SURVEY("[]"), E_RANGE, "data.items", "found an array of 0; wanted an array of 1 to 200 maps" },
		/* Values. */
		{ "workorder.rated", "{\"grade\":\"verysatisfied\"}", E_VALUE, "data.grade", "did you mean very_satisfied? one of very_satisfied, satisfied" },
		{ "workorder.rated", "{\"grade\":\"5\"}", E_VALUE, "data.grade", "found \"5\"; one of very_satisfied" },
		{ "workorder.rated", "{\"grade\":\"\"}", E_VALUE, "data.grade", "found \"\"; one of" },
		{ "workorder.rated", "{\"grade\":\"satisfied \"}", E_VALUE, "data.grade", "did you mean satisfied?" },
		{ "case.assigned", "{\"to\":\"a\",\"role\":\"mayor\"}", E_VALUE, "data.role", "..." },
		/* Ids. */
		{ "case.linked", "{\"to\":\"\"}", E_ID, "data.to", "found \"\"" },
		{ "case.linked", "{\"to\":\"王\"}", E_ID, "data.to", "found \"王\"; wanted an id: 1 to 64 characters" },
		{ "case.linked", "{\"to\":\"a b\"}", E_ID, "data.to", "found \"a b\"" },
		{ "case.linked", "{\"to\":\"a\\u0000\"}", E_ID, "data.to", "found \"a?\"" },
		{ "case.linked", "{\"to\":\"12345678901234567890123456789012345678901234567890123456789012345\"}", E_ID, "data.to", "found \"1234" },
		/* Instants. */
		{ "appointment.agreed", "{\"at\":\"2026-11-03 09:00\"}", E_TIME, "data.at", "found \"2026-11-03 09:00\"; wanted an instant such as" },
		{ "appointment.agreed", "{\"at\":\"2026-11-03T09:00:00\"}", E_TIME, "data.at", "+08:00" },
		{ "appointment.agreed", "{\"at\":\"2026-11-03\"}", E_TIME, "data.at", "" },
		{ "appointment.agreed", "{\"at\":1793665800}", E_KIND, "data.at", "found 1793665800" },
		{ "task.done", "{\"by\":\"a\",\"to\":\"b\",\"due\":\"soon\"}", E_TIME, "data.due", "" },
		/* Inside containers. */
		{ "callback.done", DONE("\"covers\":\"R-1\""), E_KIND, "data.covers", "found \"R-1\"; wanted an array of at most 64 ids" },
		{ "callback.done", DONE("\"covers\":[\"R-1\",\"R 2\"]"), E_ID, "data.covers[1]", "found \"R 2\"; wanted an id" },
		{ "callback.done", DONE("\"covers\":[\"R-1\",\"R-2\",7]"), E_KIND, "data.covers[2]", "found 7; wanted an id" },
		{ "survey.planned", SURVEY("[{\"item\":\"i\",\"dept\":\"d\"},7]"), E_KIND, "data.items[1]", "found 7; wanted a map {item, dept}" },
		{ "survey.planned", SURVEY("[{\"item\":\"i\",\"dept\":\"d\"},{\"item\":\"i\"}]"), E_MISSING, "data.items[1].dept", "required: text" },
		{ "survey.planned", SURVEY("[{\"item\":\"i\",\"dept\":3}]"), E_KIND, "data.items[0].dept", "found 3" },
		{ "survey.planned", SURVEY("[{\"item\":\"\",\"dept\":\"d\"}]"), E_RANGE, "data.items[0].item", "found \"\"" },
		{ "notification.requested", NOTE("{\"a\":\"x\",\"b\":{}}"), E_KIND, "data.params.b", "found a map of 0; wanted text, a finite number or a boolean" },
		{ "notification.requested", NOTE("{\"a\":null}"), E_KIND, "data.params.a", "found nil" },
		{ "notification.requested", NOTE("{\"a\\n\\\"b\":[]}"), E_KIND, "data.params.a??b", "" },
		{ "notification.requested", NOTE("[]"), E_KIND, "data.params", "found an array of 0; wanted a map of at most 64" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct outcome o = check(rows[i].type, rows[i].data);

		if (o.code != rows[i].code || strcmp(o.fault.path, rows[i].path) != 0 || strstr(o.fault.detail, rows[i].detail) == NULL)
			fail_msg("%s %s: %s %s: %s", rows[i].type, rows[i].data, errcode_name(o.code), o.fault.path, o.fault.detail);
	}
}

/* What they said about themselves is in no answer and no log. */
static void
test_personal_values_stay_out_of_details(void **state)
{
	static const struct {
		const char *type, *data;
	} rows[] = {
		{ "household.registered", "{\"phone\":\"secret\"}" }, { "household.registered", "{\"email\":\"secret\"}" },
		{ "household.registered", "{\"phone\":13800138000}" }, { "notification.requested", NOTE("{\"a\":[\"secret\"]}") },
		{ "callback.done", DONE("\"effect\":13800138000") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct outcome o = check(rows[i].type, rows[i].data);

		assert_int_not_equal(o.code, 0);
		assert_null(strstr(o.fault.detail, "secret"));
		assert_null(strstr(o.fault.detail, "13800138000"));
	}
}

static void
test_unknown_fields_are_counted(void **state)
{
	(void)state;
	assert_int_equal(check("call.started", "{\"newer\":{\"deep\":[1,2]},\"queue\":\"q\",\"newest\":null}").unknown, 2);
	assert_int_equal(check("survey.planned", SURVEY("[{\"item\":\"i\",\"dept\":\"d\",\"weight\":2}]")).unknown, 1);
	assert_int_equal(check("survey.planned", SURVEY("[{\"item\":\"i\",\"dept\":\"d\",\"weight\":2}]")).code, 0);
	assert_int_equal(check("call.started", "{\"Queue\":\"q\",\"queu\":1,\"queue2\":1}").unknown, 3);
}

/* Packs {"key": …} and leaves the value to the caller. */
static void
open_map(msgpack_sbuffer *b, msgpack_packer *p, const char *key)
{
	msgpack_sbuffer_init(b);
	msgpack_packer_init(p, b, msgpack_sbuffer_write);
	msgpack_pack_map(p, 1);
	pack_text(p, key, strlen(key));
}

static int
close_map(msgpack_sbuffer *b, const char *type)
{
	int code = check_packed(type, b).code;

	msgpack_sbuffer_destroy(b);
	return (code);
}

static void
test_what_json_cannot_say(void **state)
{
	msgpack_sbuffer b;
	msgpack_packer p;

	(void)state;
	open_map(&b, &p, "at");
	msgpack_pack_timestamp(&p, &(msgpack_timestamp){ 1793665800, 5 });
	assert_int_equal(close_map(&b, "bill.delivered"), 0);
	open_map(&b, &p, "at");
	msgpack_pack_timestamp(&p, &(msgpack_timestamp){ -1, 5 });
	assert_int_equal(close_map(&b, "bill.delivered"), 0);
	open_map(&b, &p, "at");
	msgpack_pack_ext_with_body(&p, "abcd", 4, 7);
	assert_int_equal(close_map(&b, "bill.delivered"), E_KIND);
	open_map(&b, &p, "text");
	msgpack_pack_bin_with_body(&p, "abcd", 4);
	assert_int_equal(close_map(&b, "probe.recorded"), E_KIND);
	open_map(&b, &p, "n");
	msgpack_pack_uint64(&p, UINT64_MAX);
	assert_int_equal(close_map(&b, "probe.recorded"), E_RANGE);
	open_map(&b, &p, "n");
	msgpack_pack_double(&p, 1);
	assert_int_equal(close_map(&b, "probe.recorded"), E_KIND);
	open_map(&b, &p, "seconds");
	msgpack_pack_double(&p, NAN);
	assert_int_equal(close_map(&b, "clock.jumped"), E_RANGE);
	open_map(&b, &p, "seconds");
	msgpack_pack_double(&p, INFINITY);
	assert_int_equal(close_map(&b, "clock.jumped"), E_RANGE);
	open_map(&b, &p, "figures");
	msgpack_pack_map(&p, 1);
	pack_text(&p, "rate", 4);
	msgpack_pack_float(&p, NAN);
	assert_int_equal(close_map(&b, "period.closed"), E_RANGE);
}

static void
pack_long_text(msgpack_packer *p, size_t len)
{
	char *s = malloc(len);

	memset(s, 'x', len);
	pack_text(p, s, len);
	free(s);
}

/* At the bound and one beyond it. */
static void
test_long_text(void **state)
{
	static const struct {
		const char *type, *key;
		size_t max;
	} rows[] = {
		{ "case.replied", "text", 4000 }, { "call.started", "queue", 200 }, { "probe.recorded", "text", 65536 },
		{ "config.activated", "content", 61440 }, { "household.registered", "name", 200 }, { "repair.requested", "trade", 200 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t more = 0; more < 2; more++) {
			msgpack_sbuffer b;
			msgpack_packer p;
			int code;

			open_map(&b, &p, rows[i].key);
			pack_long_text(&p, rows[i].max + more);
			code = close_map(&b, rows[i].type);
			if (more == 0)
				assert_true(code == 0 || code == E_MISSING);
			else
				assert_int_equal(code, E_RANGE);
		}
}

/* A value that the field accepts. */
static void
pack_valid(msgpack_packer *p, const struct field *f)
{
	static const struct {
		enum field_kind kind;
		const char *text;
	} texts[] = {
		{ FIELD_TEXT, "文" }, { FIELD_ID, "a.b:c/d-1_Z" }, { FIELD_DATE, "2024-02-29" }, { FIELD_MONTH, "2026-12" },
		{ FIELD_PERIOD, "2026-Q4" }, { FIELD_INSTANT, "2026-11-03T08:30:00+08:00" }, { FIELD_WHEN, "2026-11-03" },
		{ FIELD_PHONE, "110" }, { FIELD_EMAIL, "a@b" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].kind == f->kind)
			pack_text(p, texts[i].text, strlen(texts[i].text));
	if (f->kind == FIELD_ENUM)
		pack_text(p, f->list->values[f->list->count - 1].code, f->list->values[f->list->count - 1].len);
	if (f->kind == FIELD_BOOL)
		msgpack_pack_false(p);
	if (f->kind == FIELD_INT || f->kind == FIELD_NUMBER || f->kind == FIELD_SEQ)
		msgpack_pack_int64(p, f->max);
	if (f->kind == FIELD_IDS) {
		msgpack_pack_array(p, 1);
		pack_text(p, "x", 1);
	}
	if (f->kind == FIELD_MAP)
		msgpack_pack_map(p, 0);
	if (f->kind == FIELD_ITEMS) {
		msgpack_pack_array(p, 1);
		msgpack_pack_map(p, 2);
		pack_text(p, "dept", 4);
		pack_text(p, "d", 1);
		pack_text(p, "item", 4);
		pack_text(p, "i", 1);
	}
}

/* All fields of a type that `want` says yes to, in the catalogue's order or backwards; `broken` (or NULL) gets a nil. */
static struct outcome
check_made(const struct type *t, bool (*want)(const struct field *, const void *), const void *arg, bool backwards, const struct field *broken)
{
	msgpack_sbuffer b;
	msgpack_packer p;
	struct outcome o;
	unsigned pairs = 0;

	for (unsigned i = 0; i < t->count; i++)
		pairs += want(&t->fields[i], arg);
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&p, pairs);
	for (unsigned i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[backwards ? t->count - 1 - i : i];

		if (!want(f, arg))
			continue;
		pack_text(&p, f->name, f->len);
		if (f == broken)
			msgpack_pack_nil(&p);
		else
			pack_valid(&p, f);
	}
	o = check_packed(t->name, &b);
	msgpack_sbuffer_destroy(&b);
	return (o);
}

static bool
every(const struct field *f, const void *arg)
{
	(void)f, (void)arg;
	return (true);
}

static bool
needed(const struct field *f, const void *arg)
{
	(void)arg;
	return (f->required || f->any_of);
}

static bool
all_but(const struct field *f, const void *arg)
{
	return (f != arg);
}

/* Every type: whole, in both orders, with what is needed only, without each field, with a nil in each field. */
static void
test_every_type(void **state)
{
	(void)state;
	for (unsigned i = 0; i < catalogue_count(); i++) {
		const struct type *t = catalogue_at(i);

		for (int backwards = 0; backwards < 2; backwards++) {
			struct outcome o = check_made(t, every, NULL, backwards, NULL);

			if (o.code != 0)
				fail_msg("%s: %s %s: %s", t->name, errcode_name(o.code), o.fault.path, o.fault.detail);
			assert_int_equal(o.unknown, 0);
			assert_int_equal(check_made(t, needed, NULL, backwards, NULL).code, 0);
		}
		for (unsigned j = 0; j < t->count; j++) {
			const struct field *f = &t->fields[j];
			struct outcome o = check_made(t, all_but, f, false, NULL), nil = check_made(t, every, NULL, false, f);
			char path[80];

			snprintf(path, sizeof(path), "data.%s", f->name);
			assert_int_equal(o.code, f->required ? E_MISSING : 0);
			assert_string_equal(o.fault.path, f->required ? path : "");
			assert_int_equal(nil.code, E_KIND);
			assert_string_equal(nil.fault.path, path);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_every_type),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_what_json_cannot_say),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_unknown_fields_are_counted),
		cmocka_unit_test(test_personal_values_stay_out_of_details),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
