/*
 * vault: the keys that personal data is sealed with, and whose they are.
 *
 *   DIR/vault     a file with one key a slot, written ahead of need, each in 64 bytes of its own:
 *                 0 u8 state (1 a key, 2 erased)   8 u8[32] key   40 u64 XXH3-64 of bytes 0..39, its seed the log's secret plus the slot
 *                 before them 4096 bytes: "ESTATEVT", u32 version (1), u32 0, u8[16] log UUID, u64 XXH3-64 of these 32 bytes
 *   DIR/persons/  an LMDB environment (env.h), the index:
 *                 persons   person's id, 0, slot (u64, big-endian as all in keys)  →  nothing
 *                 links     household, 0, subject                                  →  nothing
 *                 meta      "next": the first slot nobody uses; "whole": 1 once it knows all that the months hold
 *
 * A sealed value names its slot, so that opening needs no index, and sealing for somebody new needs no flush: the slots are there
 * already, and whose they become the applier writes down in its own time, before the events themselves reach the months: what the
 * index lacks is in the journal.  A person may have several slots.  Lost, the index is made again from the log; the keys are not.
 *
 * To erase a household: the slots of its own, and those of all subjects (cases, calls) that the log ever linked with it.  The file of
 * slots is overwritten, written anew without them and renamed, so that no copy of these keys stays in the filesystem.
 */
#ifndef VAULT_H
#define VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch.h"

#define VAULT_FILE	"vault"

struct identity;
struct vault;

/*
 * Open the vault in the data folder, making it if it is missing and this is no `readonly` look.  NULL with a sentence in `why` if it
 * belongs to another log, is of a newer release, or is damaged.
 */
struct vault	*vault_open(const char *folder, const struct identity *, bool readonly, char *why, size_t why_len);
void		 vault_close(struct vault *);

/* Recovery: does the index know all that the months hold?  If not, append what they hold, then say that it does: 0 or an LMDB error. */
bool		 vault_is_whole(const struct vault *);
int		 vault_set_whole(struct vault *);

/* Recovery: these events of the journal use slots that the index does not know yet. */
void		 vault_adopt(struct vault *, const struct batch *);

/* Recovery is over: 0, or -1 with a sentence in `why` when the log uses keys that the vault does not have. */
int		 vault_check(struct vault *, char *why, size_t why_len);

/* Writer's thread, between begin and end: the slot and key to seal this person's data with.  0, or an errno (ENOSPC: no room for more
 * keys) or LMDB error. */
int		 vault_read_begin(struct vault *);
void		 vault_read_end(struct vault *);
int		 vault_key_for(struct vault *, const char *person, size_t len, uint64_t *slot, uint8_t key[32]);

enum vault_answer { VAULT_KEY, VAULT_ERASED, VAULT_UNKNOWN };

/* The key in a slot, from any thread.  UNKNOWN: there is no such slot, or it is damaged. */
enum vault_answer vault_key(struct vault *, uint64_t slot, uint8_t key[32]);

/* Applier's thread: note whose the slots of these batches are and what they link, in one flushed transaction, before the months get
 * them; again without harm.  0 or an LMDB error. */
int		 vault_append(struct vault *, struct batch *const *, unsigned count);

/* After a start: what a killed process wrote may be in the page cache only.  0, or an errno or LMDB error. */
int		 vault_sync(struct vault *);

/* Applier's thread: keys for those who come next, if few are left.  0 or an errno. */
int		 vault_prepare(struct vault *);

/*
 * Erase the household's keys, and those of what was linked with it, as far as they are indexed: drain the applier first.  0, and
 * *keys says how many there were: overwritten, flushed, gone.  Else an errno or LMDB error.  From any thread.
 */
int		 vault_erase(struct vault *, const char *household, uint64_t *keys);

/* Copy the vault into the folder of a backup, flushed, after the months; adds its bytes.  0, or -1 with a sentence in `why`. */
int		 vault_copy(struct vault *, const char *folder, uint64_t *bytes, char *why, size_t why_len);

#endif
