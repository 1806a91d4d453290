/* estate keygen: a pair of CURVE keys, the secret one into a file. */
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "buffer.h"
#include "command.h"
#include "curvekey.h"
#include "json.h"
#include "reach.h"

static const char help[] =
"Usage: estate keygen --out FILE [--json]\n"
"Make a pair of keys. The secret one goes into the new FILE, which its owner alone may read; the public one is printed:\n"
"a client's is what `estate client add --key` takes, the daemon's is what clients take as --server-key.\n"
"\n"
"  -o, --out FILE           where the secret key goes; never a file that is there\n"
"      --json               {\"public\":KEY,\"file\":FILE}\n"
"      --help               this text\n"
"\n"
"Examples\n"
"  estate keygen --out /etc/estated/server.key\n"
"  estate keygen --out kiosk-3.key\n"
"Exit status: 0 done, 2 wrong usage, 3 the file could not be written\n";

int
cmd_keygen(int argc, char **argv)
{
	static const struct option options[] = { { "out", required_argument, NULL, 'o' }, COMMON_OPTIONS };
	char public[CURVEKEY_CHARS + 1], why[512];
	const char *file = NULL;
	struct common common;
	int c, r;

	common_init(&common);
	while ((c = next_option(argc, argv, "ho:", options)) != -1)
		if (c == 'o')
			file = optarg;
		else if ((r = common_option(&common, c, "keygen", help)) != -1)
			return (r);
	if (optind != argc || file == NULL || *file == '\0')
		return (usage_error("keygen", "where shall the secret key go? --out FILE"));
	if (curvekey_make(file, public, why, sizeof(why)) != 0) {
		complain("keygen", "%s", why);
		return (EXIT_UNREACHED);
	}
	if (common.json) {
		struct buffer b = { NULL, 0, 0 };

		/* No character of Z85 needs an escape in JSON. */
		buffer_printf(&b, "{\"public\":\"%s\",\"file\":", public);
		json_write_text(&b, file, strlen(file));
		printf("%s}\n", b.data);
		buffer_free(&b);
	} else
		printf("%s\n", public);
	return (0);
}
