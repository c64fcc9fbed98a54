/*
 * Streams whose metadata is missing, read by texts that are known to describe such streams (ctf_options.known).
 *
 * A text is believed only if it explains a file: from its first packet on, a thousand events, or all that there
 * are, must have known ids, end exactly where their packets say, be no later than these say, and come from a
 * process that can be. Otherwise the file stays unread. Not thread-safe.
 */
#ifndef COLLECTOR_CTF_KNOWN_H
#define COLLECTOR_CTF_KNOWN_H

#include "collector/ctf/trace.h"
#include "collector/ctf/tree.h"

enum { CTF_KNOWN_MAX = 8 };

/* The known texts, compiled for the streams of one leaf. */
struct ctf_known {
    struct ctf_trace *traces[CTF_KNOWN_MAX];
    bool is_used[CTF_KNOWN_MAX]; /* explains a file, so that its uuid and number are that file's; else it is owned */
    size_t count;
};

/* `texts` is NULL, or ends with NULL; each declares one stream class. 0 or -ENOMEM; a text that cannot be read is left
 * out. */
int ctf_known_init(struct ctf_known *known, const char *const *texts, uint32_t *next_index);

enum ctf_known_result {
    KNOWN_NOTHING, /* none of the texts explains the file */
    KNOWN_EMPTY,   /* it has packets, but no event in them */
    KNOWN_FIRST,   /* `*out` explains it, and from now on is the caller's */
    KNOWN_AGAIN    /* the same, for another file of the leaf */
};

/* An enum ctf_known_result, or -ENOMEM. */
int ctf_known_explain(struct ctf_known *known, const struct ctf_leaf_file *file, struct ctf_trace **out);

/* Destroys the traces that explained nothing. */
void ctf_known_fini(struct ctf_known *known);

#endif
