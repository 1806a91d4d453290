/*
 * rights: what a client may do: put which types from which sources, read which types, which services it may be and ask, operate,
 * see personal data; and how much of it.
 *
 * Patterns are what an operator wrote or a shipped role says; for each of the catalogue's types they are worked out once, so that a
 * check on the way of an event is one bit.
 */
#ifndef RIGHTS_H
#define RIGHTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "event.h"

/* Items of one list, of 1 to 128 characters each. */
#define RIGHTS_ITEMS_MAX	128u

/* Room for the catalogue's types, as bits; rights_settle() asserts that it is enough. */
#define RIGHTS_TYPES_MAX	512u

struct rights_list {
	char **items;
	unsigned count;
};

struct rights {
	/* As written. */
	struct rights_list put, read;		/* type patterns */
	struct rights_list sources;		/* exact, "/estate/kiosk/" with a star behind it, or one star alone: any but /estated and below */
	struct rights_list answer, ask;		/* services, exact, or one star alone: any */
	bool operate, see_personal;
	uint64_t events_per_s;			/* limits of all its sessions together; 0: the daemon's own only */
	uint64_t bytes_in_flight;
	uint64_t subscriptions;
	/* Worked out. */
	uint64_t put_types[RIGHTS_TYPES_MAX / 64], read_types[RIGHTS_TYPES_MAX / 64];
	bool any_source, reads_all;
};

/* The lists and limits of a right by the names that files, roles and answers use; kind says which field. */
enum rights_kind { RIGHTS_TYPES, RIGHTS_SOURCES, RIGHTS_SERVICES, RIGHTS_FLAG, RIGHTS_LIMIT };
struct rights_row {
	const char *name;
	enum rights_kind kind;
	size_t offset;				/* in struct rights: a list, a bool or a uint64_t */
	uint64_t min, max;			/* of a limit */
	const char *text;
};
/* Row i, or NULL past the end; and the row of that name, or NULL. */
const struct rights_row	*rights_row_at(unsigned i);
const struct rights_row	*rights_row(const char *name);

struct rights_list	*rights_list_of(struct rights *, const struct rights_row *);
bool			*rights_flag_of(struct rights *, const struct rights_row *);
uint64_t		*rights_limit_of(struct rights *, const struct rights_row *);

/* What is wrong with an item of such a list, as a sentence in `why`; 0 if nothing is. */
int	rights_check_item(enum rights_kind, const char *item, char *why, size_t why_len);

/* Add an item (copied) to a list with room for it. */
void	rights_add(struct rights_list *, const char *item);

/* Work out the types; call it after the last change. */
void	rights_settle(struct rights *);

/* *to becomes a copy that owns its lists. */
void	rights_copy(struct rights *to, const struct rights *from);
void	rights_clear(struct rights *);
void	rights_clear_list(struct rights_list *);
bool	rights_equal(const struct rights *, const struct rights *);

/* The checks.  An event that was decoded at the door; one that was stored, whose type may be of another release. */
bool	rights_may_put_type(const struct rights *, const struct type *);
bool	rights_may_use_source(const struct rights *, const char *source, uint32_t len);
bool	rights_may_read_event(const struct rights *, const struct event *);
bool	rights_may_list(const struct rights_list *, const char *service, uint32_t len);

/* Shipped roles (roles.def): number i, NULL past the end. */
struct role {
	const char *name;
	const char *text;			/* whom it is for */
	const char *lists[5];			/* put sources read answer ask: items separated by blanks */
	bool operate, see_personal;
	uint64_t events_per_s, bytes_in_flight, subscriptions;
};
const struct role	*role_at(unsigned i);
const struct role	*role_find(const char *name);
/* What a shipped role may do, the caller's to clear. */
void			 role_rights(const struct role *, struct rights *);
/* The table of roles as a `roles:` list of clients.yaml, ready to be copied and changed. */
void			 roles_document(FILE *);

#endif
