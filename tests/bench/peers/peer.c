/* What all peers share: see peer.h. */
#include "peer.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
peer_connect(const char *address)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct sockaddr_in ip = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct sockaddr *to;
	socklen_t len;
	int fd, one = 1;

	if (address[0] == '/') {
		snprintf(local.sun_path, sizeof(local.sun_path), "%s", address);
		to = (const struct sockaddr *)&local;
		len = sizeof(local);
	} else {
		ip.sin_port = htons((uint16_t)atoi(address));
		to = (const struct sockaddr *)&ip;
		len = sizeof(ip);
	}
	if ((fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 || connect(fd, to, len) != 0) {
		perror(address);
		if (fd >= 0)
			close(fd);
		return (-1);
	}
	if (address[0] != '/')
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return (fd);
}

int
peer_line(int fd, char *line, size_t size)
{
	for (size_t n = 0; n + 1 < size && read(fd, line + n, 1) == 1; n++)
		if (line[n] == '\n') {
			line[n + 1] = '\0';
			return (0);
		}
	fprintf(stderr, "the peer closed the connection, or speaks in longer lines than it should\n");
	return (-1);
}

int
peer_write(int fd, const char *text)
{
	return (write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1);
}

const uint8_t *
peer_line_end(const uint8_t *from, const uint8_t *end)
{
	const uint8_t *at = end > from ? memchr(from, '\n', (size_t)(end - from)) : NULL;

	return (at != NULL ? at + 1 : NULL);
}
