/*
 * contacts: where staff are reached.  contacts.yaml lies beside notify.yaml and never enters the log; its ids are those of the roster.
 *
 *	contacts:
 *	  - { id: lead-1, phone: "+8613900000001", email: lead@example.net, language: zh }
 */
#ifndef CONTACTS_H
#define CONTACTS_H

#include <stdbool.h>
#include <stddef.h>

struct contacts;

struct contact {
	char id[65], phone[24], email[255];	/* checked; empty: none */
	bool english;
};

/* A file that is not there holds none.  NULL, with a sentence. */
struct contacts		*contacts_read(const char *path, char *why, size_t why_size);
void			 contacts_free(struct contacts *);
const struct contact	*contacts_find(const struct contacts *, const char *id);

/* A number as providers take it: +, then 5 to 15 digits; what people write between them is left out.  False: it is none. */
bool	contact_phone(const char *s, size_t len, char out[24]);
/* One address and nothing else: no blank, no control character, no second @, nothing that ends a header. */
bool	contact_email(const char *s, size_t len, char out[255]);

#endif
