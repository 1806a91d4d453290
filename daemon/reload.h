/*
 * reload: other settings come into force, by SIGHUP, and another list of clients, by SIGHUP or by an operator's verb.
 *
 * Each setting that changed is told in the log: applied, or in need of a restart (settings.def says which is which).  Settings that cannot
 * be read leave those in force, and the list is read all the same; a list that cannot be read leaves both.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include <stdbool.h>
#include <stddef.h>

struct clients;
struct daemon;
struct settings;

/* Read the list that the settings name, as a start does; own_part: also what the daemon keeps in its folder.  NULL with a sentence in
 * `why`. */
struct clients	*reload_read(const struct settings *, bool own_part, char *why, size_t why_len);

/*
 * Put this list in force, which is the daemon's from then on: what changed goes to the log per client and into it as events (by: who
 * did it, NULL for the file), and live sessions have their new rights, or end.
 */
void		 reload_adopt(struct daemon *, struct clients *, const char *by);

/* Listen to SIGHUP. */
void		 reload_start(struct daemon *);

#endif
