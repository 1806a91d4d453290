/* JSON at the edge, msgpack within: see json.h. */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sitetime.h"

void
json_to_msgpack(msgpack_packer *p, const json_t *v)
{
	const char *key;
	json_t *item;
	size_t i;

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		/* jansson keeps the order in which the keys came. */
		msgpack_pack_map(p, json_object_size(v));
		json_object_foreach((json_t *)(uintptr_t)v, key, item) {
			msgpack_pack_str_with_body(p, key, strlen(key));
			json_to_msgpack(p, item);
		}
		break;
	case JSON_ARRAY:
		msgpack_pack_array(p, json_array_size(v));
		json_array_foreach(v, i, item)
			json_to_msgpack(p, item);
		break;
	case JSON_STRING:
		msgpack_pack_str_with_body(p, json_string_value(v), json_string_length(v));
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
		break;
	}
}

/* Up to the next byte that needs an escape. */
static size_t
plain(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len && (unsigned char)s[i] >= 0x20 && s[i] != '"' && s[i] != '\\' && s[i] != 0x7f)
		i++;
	return (i);
}

static void
escape(struct buffer *b, char c)
{
	static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (const char *n = named; *n != '\0'; n += 2)
		if (*n == c) {
			char two[2] = { '\\', n[1] };

			buffer_add(b, two, 2);
			return;
		}
	buffer_printf(b, "\\u%04x", (unsigned char)c);
}

static void
write_utf8(struct buffer *b, const char *s, size_t len)
{
	size_t n;

	while (len > 0) {
		if ((n = plain(s, len)) > 0)
			buffer_add(b, s, n);
		s += n;
		len -= n;
		if (len > 0) {
			escape(b, *s++);
			len--;
		}
	}
}

void
json_write_text(struct buffer *b, const char *s, size_t len)
{
	size_t good;

	buffer_add(b, "\"", 1);
	while (!mp_utf8(s, len, &good)) {
		write_utf8(b, s, good);
		buffer_text(b, "\uFFFD");
		s += good + 1;
		len -= good + 1;
	}
	write_utf8(b, s, len);
	buffer_add(b, "\"", 1);
}

void
json_write_float(struct buffer *b, double v)
{
	char text[40];

	if (!isfinite(v)) {
		buffer_text(b, "null");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	buffer_text(b, text);
	if (strpbrk(text, ".e") == NULL)
		buffer_text(b, ".0");
}

static void
write_base64(struct buffer *b, const uint8_t *p, size_t len)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	buffer_add(b, "\"", 1);
	for (; len > 0; p += 3) {
		size_t n = len < 3 ? len : 3;
		uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);
		char four[4] = { digit[v >> 18], digit[v >> 12 & 63], n > 1 ? digit[v >> 6 & 63] : '=',
		    n > 2 ? digit[v & 63] : '=' };

		buffer_add(b, four, 4);
		len -= n;
	}
	buffer_add(b, "\"", 1);
}

static bool
write_ext(struct buffer *b, struct mp *m)
{
	char text[SITETIME_TEXT];
	const uint8_t *p;
	int64_t seconds;
	uint32_t nanos, len;
	int8_t type;

	if (mp_timestamp(m, &seconds, &nanos)) {
		sitetime_utc(seconds, nanos, text);
		buffer_printf(b, "\"%s\"", text);
		return (true);
	}
	if (!mp_ext(m, &type, &p, &len))
		return (false);
	buffer_printf(b, "{\"ext\":%d,\"base64\":", type);
	write_base64(b, p, len);
	buffer_text(b, "}");
	return (true);
}

static bool
write_key(struct buffer *b, struct mp *m)
{
	const char *s;
	uint32_t len;
	bool ok;

	if (mp_str(m, &s, &len)) {
		json_write_text(b, s, len);
		return (true);
	}
	/* JSON knows only text for keys: another kind is written as the text of its JSON. */
	struct buffer key = { NULL, 0, 0 };

	if ((ok = json_write(&key, m)))
		json_write_text(b, key.data, key.len);
	buffer_free(&key);
	return (ok);
}

static bool
write_container(struct buffer *b, struct mp *m, bool map, unsigned depth);

static bool
write_value(struct buffer *b, struct mp *m, unsigned depth)
{
	const char *s;
	const uint8_t *p;
	uint64_t u;
	int64_t i;
	uint32_t len;
	double d;
	bool v;

	switch (mp_peek(m)) {
	case MP_NIL:
		buffer_text(b, "null");
		return (mp_nil(m));
	case MP_BOOL:
		if (!mp_bool(m, &v))
			return (false);
		buffer_text(b, v ? "true" : "false");
		return (true);
	case MP_UINT:
		if (!mp_uint(m, &u))
			return (false);
		buffer_printf(b, "%" PRIu64, u);
		return (true);
	case MP_INT:
		if (!mp_int(m, &i))
			return (false);
		buffer_printf(b, "%" PRId64, i);
		return (true);
	case MP_FLOAT:
		if (!mp_float(m, &d))
			return (false);
		json_write_float(b, d);
		return (true);
	case MP_STR:
		if (!mp_str(m, &s, &len))
			return (false);
		json_write_text(b, s, len);
		return (true);
	case MP_BIN:
		if (!mp_bin(m, &p, &len))
			return (false);
		write_base64(b, p, len);
		return (true);
	case MP_EXT:
		return (write_ext(b, m));
	case MP_ARRAY:
		return (write_container(b, m, false, depth));
	case MP_MAP:
		return (write_container(b, m, true, depth));
	default:
		return (false);
	}
}

static bool
write_container(struct buffer *b, struct mp *m, bool map, unsigned depth)
{
	uint32_t n;

	if (depth == 0 || !(map ? mp_map(m, &n) : mp_array(m, &n)))
		return (false);
	buffer_text(b, map ? "{" : "[");
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			buffer_text(b, ",");
		if (map) {
			if (!write_key(b, m))
				return (false);
			buffer_text(b, ":");
		}
		if (!write_value(b, m, depth - 1))
			return (false);
	}
	buffer_text(b, map ? "}" : "]");
	return (true);
}

bool
json_write(struct buffer *b, struct mp *m)
{
	return (write_value(b, m, MP_DEPTH_MAX));
}
