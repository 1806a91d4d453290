/* The texts of --help: see verb_help.h. */
#include "verb_help.h"

#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "language.h"
#include "wrap.h"

/* COMMON_HELP in Chinese. */
#define COMMON \
	"      --connect ENDPOINT   服务地址：ipc://路径 或 tcp://主机:端口\n" \
	"                           （默认：$ESTATE_ENDPOINT，否则 " ESTATE_ENDPOINT_DEFAULT "）\n" \
	"      --key-file FILE      我方私钥，用于带密钥的 TCP（默认：$ESTATE_KEY_FILE）\n" \
	"      --server-key KEY     服务的公钥（默认：$ESTATE_SERVER_KEY）\n" \
	"      --timeout SECONDS    等待服务多久（默认 30）\n" \
	"      --json               供程序使用：标准输出与标准错误均为 JSON\n" \
	"      --help               本说明\n"

static const struct {
	const char *verb, *text;
} texts[] = {
#define HELP(verb, text) { verb, text },
#include "verb_help.def"
#undef HELP
};

/* Is it that verb's?  "Usage: estate callback quota [OPTION...]" is callback's, and nearer that of callback quota. */
static bool
is_of(const char *english, const char *verb)
{
	static const char begin[] = "sage: estate ";
	size_t len = strlen(verb);

	return (strncmp(english + 1, begin, sizeof(begin) - 1) == 0 && strncmp(english + sizeof(begin), verb, len) == 0 &&
	    strchr(" \n", english[sizeof(begin) + len]) != NULL);
}

void
help_print(const char *english)
{
	const char *text = english;
	bool zh = language_is_zh();
	size_t longest = 0;

	for (size_t i = 0; zh && i < sizeof(texts) / sizeof(*texts); i++)
		if (is_of(english, texts[i].verb) && strlen(texts[i].verb) > longest) {
			longest = strlen(texts[i].verb);
			text = texts[i].text;
		}
	wrap_print(stdout, text);
}
