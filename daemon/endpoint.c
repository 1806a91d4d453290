#include "endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the kernel takes for the path of a socket, less the zero at its end. */
#define IPC_PATH_MAX	107u

bool
endpoint_is_tcp(const char *endpoint)
{
	return (strncmp(endpoint, "tcp://", 6) == 0);
}

/* Without keys nobody beyond this machine may be let in. */
static bool
is_loopback(const char *address)
{
	return (strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]:", 6) == 0);
}

/* libzmq takes 70000 for 4464. */
static bool
port_fits(const char *endpoint)
{
	const char *colon = strrchr(endpoint + 6, ':');
	unsigned long port;
	char *end;

	if (colon == NULL)
		return (false);
	port = strtoul(colon + 1, &end, 10);
	return (colon[1] >= '0' && colon[1] <= '9' && *end == '\0' && port <= 65535);
}

int
endpoint_check(const char *endpoint, bool keys, char *why, size_t why_len)
{
	if (strncmp(endpoint, "ipc://", 6) == 0) {
		if (strlen(endpoint + 6) > 0 && strlen(endpoint + 6) <= IPC_PATH_MAX)
			return (0);
		snprintf(why, why_len, "%.200s: the path of a socket has 1 to %u characters", endpoint, IPC_PATH_MAX);
	} else if (strncmp(endpoint, "tcp://", 6) != 0)
		snprintf(why, why_len, "\"%.200s\" is no endpoint: use ipc:///path or tcp://127.0.0.1:port", endpoint);
	else if (strncmp(endpoint + 6, "localhost:", 10) == 0)
		snprintf(why, why_len, "%.200s: libzmq listens on numbers and interfaces, not on names: write tcp://127.0.0.1%.20s", endpoint,
		    endpoint + 6 + strlen("localhost"));
	else if (!keys && !is_loopback(endpoint + 6))
		snprintf(why, why_len, "%.200s is beyond this machine: without keys (setting server_key) estated listens on loopback only, "
		    "such as tcp://127.0.0.1:7400", endpoint);
	else if (port_fits(endpoint))
		return (0);
	else
		snprintf(why, why_len, "%.200s has no port from 0 to 65535: name one such as tcp://127.0.0.1:7400", endpoint);
	return (-1);
}
