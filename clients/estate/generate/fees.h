/*
 * Bills and the payments for them.  A bill's story: `since` is its monthly run, `kind` its fee, `amount_fen` what is still to be paid.
 */
#ifndef GENERATE_FEES_H
#define GENERATE_FEES_H

#include "world.h"

enum fee { FEE_MANAGEMENT, FEE_VACANT, FEE_RENT, FEE_WATER, FEE_ELECTRICITY, FEE_REPAIR_FUND, FEE_PARKING, FEE_COUNT };

extern const char *const fee_names[FEE_COUNT];

void	 bill_id(char out[ID_SIZE], const struct story *);
int64_t	 bill_due_day(const struct story *);

/* payments.c: the household pays now, all of it or a part. */
step_fn	 payment_made;

#endif
