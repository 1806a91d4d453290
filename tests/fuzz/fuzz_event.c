/*
 * Any bytes as an event: never a crash; what is accepted can be read back the same; and the decoder, which proves most events on the
 * one walk that reads them, accepts nothing that mp_check() would not.
 */
#include <assert.h>
#include <string.h>

#include "bounds.h"
#include "event.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t key[EVENT_KEY_BYTES];
	struct data_fault fault = { 0 };
	struct event e, again;
	int code = event_decode(&e, bytes, len, &fault);
	const struct mp_bounds bounds = { EVENT_DEPTH_MAX, EVENT_ITEMS_MAX, true };
	struct mp m = mp_over(bytes, len);
	bool formed;
	size_t where;

	formed = mp_check(&m, &bounds, &where) == MP_OK;
	assert(code != 0 || formed);
	assert(formed || code == E_TOO_LARGE || strncmp(fault.path, "byte ", 5) == 0);
	if (code != 0) {
		assert(fault.code == code);
		assert(memchr(fault.path, 0, sizeof(fault.path)) != NULL && memchr(fault.detail, 0, sizeof(fault.detail)) != NULL);
		(void)event_peek(&e, bytes, len);
		return (0);
	}
	assert(event_peek(&again, bytes, len));
	assert(again.id.s == e.id.s && again.type.s == e.type.s && again.kind == e.kind && again.time_ns == e.time_ns);
	event_key(&e, 1, key);
	return (0);
}
