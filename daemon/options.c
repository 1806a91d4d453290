#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients.h"
#include "curvekey.h"
#include "endpoint.h"
#include "http.h"
#include "reload.h"
#include "rights.h"
#include "settings.h"

static const char usage[] =
	"Usage: estated [--config FILE] [--data DIR] [--listen ENDPOINT]... [--http ADDR:PORT]\n"
	"\n"
	"The event log of an estate's customer-service department: takes msgpack events over\n"
	"ZeroMQ, acknowledges what is on the disk, and hands it on.\n"
	"\n"
	"  --config FILE      settings in YAML (/etc/estated/estated.yaml if it exists)\n"
	"  --data DIR         where the log is kept\n"
	"  --listen ENDPOINT  ipc:///path or tcp://127.0.0.1:port; port 0 picks one, which is\n"
	"                     printed; may be repeated\n"
	"  --http ADDR:PORT   serve /healthz and /metrics\n"
	"  --check-config     say what is in force and where it comes from, and stop\n"
	"  --settings         print the table of settings and stop\n"
	"  --roles            print the shipped roles of clients and stop\n"
	"  --version, --help\n"
	"\n"
	"Try it:   estated --data /tmp/estate --listen ipc:///tmp/estate.sock\n"
	"then:     estate tail -f --connect ipc:///tmp/estate.sock\n";

enum { OPT_CONFIG = 256, OPT_DATA, OPT_LISTEN, OPT_HTTP, OPT_CHECK, OPT_SETTINGS, OPT_ROLES, OPT_VERSION, OPT_HELP };

static const struct option options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "data", required_argument, NULL, OPT_DATA },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "http", required_argument, NULL, OPT_HTTP },
	{ "check-config", no_argument, NULL, OPT_CHECK },
	{ "settings", no_argument, NULL, OPT_SETTINGS },
	{ "roles", no_argument, NULL, OPT_ROLES },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

#define DEFAULT_CONFIG	"/etc/estated/estated.yaml"

int
options_refuse(const char *why)
{
	fprintf(stderr, "estated: %s\n", why);
	return (EXIT_REFUSED);
}

int
options_read(struct options *o, int argc, char **argv)
{
	int opt;

	*o = (struct options){ .argc = argc, .argv = argv };
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (opt) {
		case OPT_CONFIG: o->config = optarg; break;
		case OPT_CHECK: o->check = true; break;
		case OPT_VERSION: puts("estated " ESTATE_VERSION); exit(0);
		case OPT_HELP: fputs(usage, stdout); exit(0);
		case OPT_SETTINGS: settings_document(stdout); exit(0);
		case OPT_ROLES: roles_document(stdout); exit(0);
		case '?': fputs("Try estated --help.\n", stderr); return (EXIT_USAGE);
		default: break;
		}
	if (optind < argc) {
		fprintf(stderr, "estated: \"%s\" is no option. Try estated --help.\n", argv[optind]);
		return (EXIT_USAGE);
	}
	return (0);
}

/* The file first, whatever the order of the options: the command line is added to it. */
struct settings *
options_settings(struct options *o, char *why, size_t why_len)
{
	static const char *const names[] = { "data", "listen", "http" };
	struct settings *s = settings_new();
	int opt, rc = 0;

	/* A file that was read once must be there the next time too: its loss is no wish for the defaults. */
	if (o->config == NULL && access(DEFAULT_CONFIG, F_OK) == 0)
		o->config = DEFAULT_CONFIG;
	if (o->config != NULL)
		rc = settings_read(s, o->config, why, why_len);
	optind = 1;
	while (rc == 0 && (opt = getopt_long(o->argc, o->argv, "", options, NULL)) != -1)
		if (opt >= OPT_DATA && opt <= OPT_HTTP)
			rc = settings_set(s, names[opt - OPT_DATA], optarg, why, why_len);
	if (rc == 0)
		return (s);
	settings_free(s);
	return (NULL);
}

/* A zone of this machine's table, and nothing else: a wrong one would silently be UTC. */
static int
check_timezone(const char *zone, char *why, size_t why_len)
{
	char path[256], magic[4] = "";
	FILE *f = NULL;
	bool ok;

	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
	ok = strstr(zone, "..") == NULL && (f = fopen(path, "re")) != NULL && fread(magic, 1, 4, f) == 4 && memcmp(magic, "TZif", 4) == 0;
	if (f != NULL)
		fclose(f);
	if (!ok)
		snprintf(why, why_len, "timezone: there is no zone \"%.64s\" on this machine; write one such as Asia/Shanghai", zone);
	return (ok ? 0 : -1);
}

/* Each can be listened on, and is named once: the second bind would find the first in its way. */
static int
check_listen(const struct settings *s, bool keys, char *why, size_t why_len)
{
	for (unsigned i = 0; i < s->listen.count; i++) {
		const char *endpoint = s->listen.items[i];
		size_t n = strlen(endpoint);

		if (endpoint_check(endpoint, keys, why, why_len) != 0)
			return (-1);
		/* Port 0 is another one each time. */
		if (endpoint_is_tcp(endpoint) && strcmp(endpoint + n - 2, ":0") == 0)
			continue;
		for (unsigned k = 0; k < i; k++)
			if (strcmp(s->listen.items[k], endpoint) == 0) {
				snprintf(why, why_len, "listen: %.200s is named twice; name it once", endpoint);
				return (-1);
			}
	}
	return (0);
}

static int
refuse_value(const struct settings *s, const char *name, char *why, size_t why_len)
{
	settings_blame(s, name, why, why_len);
	return (-1);
}

int
options_check(const struct settings *s, bool list_too, char *why, size_t why_len)
{
	char secret[CURVEKEY_CHARS + 1];
	bool keys = *s->server_key != '\0';
	struct clients *list;

	if (keys && curvekey_read(s->server_key, secret, why, why_len) != 0)
		return (refuse_value(s, "server_key", why, why_len));
	explicit_bzero(secret, sizeof(secret));
	if (check_listen(s, keys, why, why_len) != 0)
		return (refuse_value(s, "listen", why, why_len));
	if (*s->http != '\0' && http_check_address(s->http, why, why_len) != 0)
		return (refuse_value(s, "http", why, why_len));
	if (check_timezone(s->timezone, why, why_len) != 0)
		return (refuse_value(s, "timezone", why, why_len));
	if (!list_too)
		return (0);
	/* Its own part is read when the folder has been proven. */
	if ((list = reload_read(s, false, why, why_len)) == NULL)
		return (-1);
	clients_free(list);
	return (0);
}

int
options_print(const struct settings *s, char *why, size_t why_len)
{
	struct clients *list = reload_read(s, true, why, why_len);

	if (list == NULL)
		return (options_refuse(why));
	settings_print(s, stdout);
	if (list->listed)
		printf("# a list of %u clients and %u roles of its own; who is not on it: %s\n", list->count, list->role_count,
		    strcmp(s->unlisted, "auto") == 0 ? "none" : s->unlisted);
	else
		printf("# no list of clients; who is on this machine: %s\n", strcmp(s->unlisted, "auto") == 0 ? "local" : s->unlisted);
	clients_free(list);
	return (0);
}
