/*
 * serials: the registers of receipts, invoices and cards (F4).  A register is a kind and what its numbers begin with; within it they follow each other
 * without a gap.  One that is void is none; one that is not there, or is there twice, is somebody's to explain.
 */
#ifndef SERIALS_H
#define SERIALS_H

#include "buffer.h"
#include "dossier.h"

/* Read them, and tell of each register what was handed out in the period, what is missing below, and what is odd.  0, or an exit status after a sentence. */
int	serials_tell(const struct common *, struct estate *, int64_t from, int64_t until, struct buffer *, bool zh);

#endif
