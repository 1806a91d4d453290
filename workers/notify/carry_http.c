/* Gateways and robots: what they are told, and what their answer means. */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "sender.h"

static void
add_percent(struct buffer *b, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *s != '\0'; s++)
		if (strchr(plain, *s) != NULL)
			buffer_add(b, s, 1);
		else
			buffer_printf(b, "%%%02X", (unsigned char)*s);
}

static void
add_query(struct buffer *b, const char *name, const char *value)
{
	buffer_printf(b, "%c%s=", strchr(b->data, '?') != NULL ? '&' : '?', name);
	add_percent(b, value);
}

static void
header(struct parcel *p, const char *name, const char *value)
{
	char line[1200];

	snprintf(line, sizeof(line), "%s: %s", name, value);
	p->headers = curl_slist_append(p->headers, line);
}

static void
member(struct buffer *b, const char *name, const char *value)
{
	buffer_printf(b, "%s\"%s\":", b->data[b->len - 1] == '{' ? "" : ",", name);
	json_write_text(b, value, strlen(value));
}

static void
hmac(const void *key, size_t key_len, const char *text, size_t len, unsigned char out[crypto_auth_hmacsha256_BYTES])
{
	crypto_auth_hmacsha256_state h;

	crypto_auth_hmacsha256_init(&h, key, key_len);
	crypto_auth_hmacsha256_update(&h, (const unsigned char *)text, len);
	crypto_auth_hmacsha256_final(&h, out);
}

/* ---- Text messages ---- */

static void
prepare_json(struct parcel *p)
{
	const struct letter *l = p->letter;

	buffer_text(&p->body, "{");
	member(&p->body, "to", l->phone);
	member(&p->body, "text", l->text.data);
	member(&p->body, "reference", l->key);
	if (l->receipts[0] != '\0')
		member(&p->body, "receipt", l->receipts);
	buffer_text(&p->body, "}");
}

static void
prepare_kannel(struct parcel *p)
{
	const struct letter *l = p->letter;
	struct buffer receipt = { NULL, 0, 0 };

	add_query(&p->url, "username", l->secrets->user);
	add_query(&p->url, "password", l->secrets->password);
	if (*l->channel->from != '\0')
		add_query(&p->url, "from", l->channel->from);
	add_query(&p->url, "to", l->phone);
	add_query(&p->url, "charset", "UTF-8");
	add_query(&p->url, "coding", l->segments.gsm ? "0" : "2");
	add_query(&p->url, "text", l->text.data);
	if (l->receipts[0] != '\0') {
		/* 1 delivered, 2 not, 16 refused by the centre; %d is which. */
		add_query(&p->url, "dlr-mask", "19");
		buffer_printf(&receipt, "%s/kannel?reference=", l->receipts);
		add_percent(&receipt, l->key);
		buffer_text(&receipt, "&type=%d");
		add_query(&p->url, "dlr-url", receipt.data);
	}
	buffer_free(&receipt);
}

/* ---- Webhooks ---- */

static void
sign_generic(struct parcel *p)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	char hex[2 * sizeof(mac) + 1], value[80], when[24];
	struct buffer text = { NULL, 0, 0 };

	snprintf(when, sizeof(when), "%lld", (long long)time(NULL));
	buffer_printf(&text, "%s.%s", when, p->body.data);
	hmac(p->letter->secrets->secret, strlen(p->letter->secrets->secret), text.data, text.len, mac);
	snprintf(value, sizeof(value), "sha256=%s", sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac)));
	header(p, "X-Estate-Timestamp", when);
	header(p, "X-Estate-Signature", value);
	buffer_free(&text);
}

static void
prepare_generic(struct parcel *p)
{
	const struct letter *l = p->letter;

	buffer_text(&p->body, "{");
	member(&p->body, "notification", l->notification);
	member(&p->body, "to", l->to);
	member(&p->body, "about", l->subject);
	member(&p->body, "template", l->template);
	member(&p->body, "urgency", urgency_names[l->urgency]);
	member(&p->body, "headline", l->headline.data);
	member(&p->body, "text", l->text.data);
	buffer_text(&p->body, "}");
	if (l->secrets->secret[0] != '\0')
		sign_generic(p);
}

static void
base64_of_mac(const char *key, const char *text, char out[64])
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];

	hmac(key, strlen(key), text, strlen(text), mac);
	sodium_bin2base64(out, 64, mac, sizeof(mac), sodium_base64_VARIANT_ORIGINAL);
}

/* The robots sign differently: DingTalk its address, Feishu its body, WeCom not at all. */
static void
prepare_robot(struct parcel *p)
{
	const struct letter *l = p->letter;
	const char *secret = l->secrets->secret;
	bool feishu = l->channel->kind == KIND_FEISHU;
	char when[24], text[320], sign[64];

	snprintf(when, sizeof(when), "%lld", (long long)time(NULL) * (feishu ? 1 : 1000));
	snprintf(text, sizeof(text), "%s\n%s", when, secret);
	buffer_text(&p->body, "{");
	if (*secret != '\0' && feishu) {
		base64_of_mac(text, "", sign);
		member(&p->body, "timestamp", when);
		member(&p->body, "sign", sign);
	} else if (*secret != '\0' && l->channel->kind == KIND_DINGTALK) {
		base64_of_mac(secret, text, sign);
		add_query(&p->url, "timestamp", when);
		add_query(&p->url, "sign", sign);
	}
	member(&p->body, feishu ? "msg_type" : "msgtype", "text");
	buffer_printf(&p->body, ",\"%s\":{", feishu ? "content" : "text");
	member(&p->body, feishu ? "text" : "content", l->text.data);
	buffer_text(&p->body, "}}");
}

void
carry_http_prepare(struct parcel *p)
{
	const struct letter *l = p->letter;
	char bearer[600];

	/* An address with a key in it is a secret: then it stands in the file of credentials. */
	buffer_text(&p->url, l->secrets->url[0] != '\0' ? l->secrets->url : l->channel->url);
	if (l->channel->kind == KIND_KANNEL)
		prepare_kannel(p);
	else if (l->channel->kind == KIND_JSON)
		prepare_json(p);
	else if (l->channel->kind == KIND_GENERIC)
		prepare_generic(p);
	else
		prepare_robot(p);
	if (l->secrets->token[0] != '\0') {
		snprintf(bearer, sizeof(bearer), "Bearer %s", l->secrets->token);
		header(p, "Authorization", bearer);
	}
	header(p, "Idempotency-Key", l->key);
	header(p, "Expect", "");
	if (p->body.data != NULL) {
		header(p, "Content-Type", "application/json; charset=utf-8");
		curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE, (long)p->body.len);
		curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, p->body.data);
	}
	curl_easy_setopt(p->easy, CURLOPT_URL, p->url.data);
	curl_easy_setopt(p->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, p->headers);
}

/* ---- The answer ---- */

static void
ended(struct result *r, enum how how, const char *reason)
{
	r->how = how;
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
}

static void
take_provider(const json_t *v, struct result *r)
{
	if (json_is_string(v))
		snprintf(r->provider, sizeof(r->provider), "%s", json_string_value(v));
	else if (json_is_integer(v))
		snprintf(r->provider, sizeof(r->provider), "%lld", (long long)json_integer_value(v));
	/* It becomes a key and a line of a log. */
	for (char *c = r->provider; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			*c = '_';
}

static void
judge_sms(const json_t *o, struct result *r)
{
	static const char *const names[] = { "id", "message_id", "provider_id" };

	if (json_is_false(json_object_get(o, "ok"))) {
		ended(r, json_is_true(json_object_get(o, "retry")) ? HOW_TEMPORARY : HOW_PERMANENT, "the provider says that it is not ok");
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && r->provider[0] == '\0'; i++)
		take_provider(json_object_get(o, names[i]), r);
	ended(r, HOW_LEFT, "");
}

static void
judge_robot(const json_t *o, struct result *r)
{
	const json_t *code = json_object_get(o, "errcode");
	json_int_t n;
	char reason[60];

	if (code == NULL)
		code = json_object_get(o, "code");
	if (!json_is_integer(code)) {
		ended(r, HOW_UNKNOWN, REASON_UNKNOWN ": the answer has no code");
		return;
	}
	n = json_integer_value(code);
	snprintf(reason, sizeof(reason), "the robot answered %lld", (long long)n);
	/* Too many in a minute: WeCom, DingTalk, Feishu. */
	ended(r, n == 0 ? HOW_LEFT : n == 45009 || n == 130101 || n == 11232 || n == 9499 ? HOW_TEMPORARY : HOW_PERMANENT, n == 0 ? "" : reason);
}

/* It said 2xx; of a JSON gateway we want to understand what. */
static void
judge_taken(const struct parcel *p, struct result *r)
{
	json_t *o;

	if (p->letter->channel->kind == KIND_KANNEL || p->letter->channel->kind == KIND_GENERIC) {
		ended(r, HOW_LEFT, "");
		return;
	}
	o = p->too_long || p->answer.data == NULL ? NULL : json_loadb(p->answer.data, p->answer.len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(o))
		ended(r, HOW_UNKNOWN, REASON_UNKNOWN ": the answer is not what it should be");
	else if (p->letter->channel->kind == KIND_JSON)
		judge_sms(o, r);
	else
		judge_robot(o, r);
	json_decref(o);
}

void
carry_http_result(const struct parcel *p, CURLcode rc, struct result *r)
{
	char reason[200];
	long status = 0;

	curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
	/* The sentence of libcurl may hold the address, which may hold a key. */
	snprintf(reason, sizeof(reason), "%s", curl_easy_strerror(rc));
	if (rc != CURLE_OK && carry_nothing_written(p, rc))
		ended(r, HOW_TEMPORARY, reason);
	else if (rc != CURLE_OK) {
		snprintf(reason, sizeof(reason), REASON_UNKNOWN ": %s", curl_easy_strerror(rc));
		ended(r, HOW_UNKNOWN, reason);
	} else if (status / 100 == 2)
		judge_taken(p, r);
	else if (status == 502 || status == 504) {
		/* Something before the provider speaks: what that one did with it nobody knows. */
		snprintf(reason, sizeof(reason), REASON_UNKNOWN ": answered %ld", status);
		ended(r, HOW_UNKNOWN, reason);
	} else {
		snprintf(reason, sizeof(reason), "answered %ld", status);
		ended(r, status == 408 || status == 425 || status == 429 || status >= 500 ? HOW_TEMPORARY : HOW_PERMANENT, reason);
	}
}
