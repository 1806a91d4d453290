/*
 * An incoming message: [1, verb, number, …] proven well-formed, then handed to the part it belongs to.  Unknown verbs and answers
 * to questions nobody asked are passed by, as PROTOCOL.md section 7 wants.
 */
#include <string.h>

#include "internal.h"

/* Depth: message, list, element, and what a status may nest.  Keys are not checked for duplicates: the last one counts. */
static const struct mp_bounds bounds = { 16, 1u << 20, false };

static bool
on_nak(struct estate *e, uint64_t number, struct mp body)
{
	struct estate_fault f;

	if (!es_fault_read(&body, &f))
		return (false);
	if (number < REQUEST_NUMBER_FIRST && number > 0)
		es_put_on_nak(e, number, &f);
	else if (!es_session_on_nak(e, number, &f) && !es_request_on_nak(e, number, &f) && !es_serve_on_fault(e, number, &f))
		es_subscribe_on_fault(e, number, &f);
	return (true);
}

/* By the daemon: a subscription, or a service.  One that was asked for has no fault, and its handle is gone already. */
static bool
on_ended(struct estate *e, uint64_t number, struct mp body, bool (*on_fault)(struct estate *, uint64_t, const struct estate_fault *))
{
	struct estate_fault f;

	if (!es_fault_read(&body, &f))
		return (false);
	on_fault(e, number, &f);
	return (true);
}

bool
es_answer_dispatch(struct estate *e, const void *bytes, size_t size)
{
	struct mp m = mp_over(bytes, size), body;
	uint64_t version, number;
	uint32_t elements, len;
	const char *verb;
	size_t where;

	if (mp_check(&m, &bounds, &where) != MP_OK)
		return (false);
	if (!mp_array(&m, &elements) || elements < 3 || !mp_uint(&m, &version) || !mp_str(&m, &verb, &len))
		return (false);
	if (version != PROTOCOL_VERSION)
		return (false);
	body = m;
	if (!mp_uint(&m, &number))
		return (false);
	elements -= 3;
	if (mp_equal(verb, len, "ack"))
		es_put_on_ack(e, body, elements + 1);
	else if (mp_equal(verb, len, "events"))
		return (es_subscribe_on_events(e, number, m, elements));
	else if (mp_equal(verb, len, "progress"))
		return (es_subscribe_on_progress(e, number, m, elements));
	else if (mp_equal(verb, len, "nak"))
		return (elements >= 1 && on_nak(e, number, m));
	else if (es_request_on_answer(e, number, verb, len, m, elements))
		return (true);
	else if (mp_equal(verb, len, "welcome"))
		es_session_on_welcome(e, number, m, elements);
	else if (mp_equal(verb, len, "resumed"))
		es_session_on_resumed(e, number, m, elements);
	else if (mp_equal(verb, len, "pong"))
		es_session_on_pong(e, number, m, elements);
	else if (mp_equal(verb, len, "subscribed"))
		return (es_subscribe_on_subscribed(e, number, m, elements));
	else if (mp_equal(verb, len, "ended"))
		return (elements >= 1 && on_ended(e, number, m, es_subscribe_on_fault));
	else if (mp_equal(verb, len, "asked"))
		return (es_serve_on_asked(e, number, m, elements));
	else if (mp_equal(verb, len, "unserved") && elements >= 1)
		return (on_ended(e, number, m, es_serve_on_fault));
	return (true);
}
