/* Any bytes as an event: never a crash, and what is accepted can be read back the same. */
#include <assert.h>
#include <string.h>

#include "event.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t key[EVENT_KEY_BYTES];
	struct data_fault fault = { 0 };
	struct event e, again;
	int code = event_decode(&e, bytes, len, &fault);

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
