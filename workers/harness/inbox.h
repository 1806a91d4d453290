/* inbox: what a subscription delivered since the last turn, copied, in its order. */
#ifndef INBOX_H
#define INBOX_H

#include "buffer.h"
#include "engine.h"
#include "estate.h"

enum item_kind { ITEM_EVENT, ITEM_OWN, ITEM_PROGRESS, ITEM_OWN_END };

struct item {
	enum item_kind kind;
	bool end;			/* ITEM_PROGRESS: of the log as it is */
	uint64_t seq, flags;
	int64_t log_time;
	size_t at;			/* of the sender, then the event, in `bytes` */
	uint32_t sender_len, len;
};

struct inbox {
	struct item *items;
	size_t count, room;
	struct buffer bytes;
};

void	inbox_event(struct inbox *, enum item_kind, const struct estate_event *);
/* Progress behind progress takes its place: it says all that did. */
void	inbox_progress(struct inbox *, enum item_kind, uint64_t seq, int64_t log_time, bool end);
/* Lent. */
struct stored	inbox_stored(const struct inbox *, const struct item *);
void	inbox_clear(struct inbox *);
void	inbox_free(struct inbox *);

#endif
