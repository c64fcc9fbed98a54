/*
 * JSON that is written again and again, kept as it was written first and copied whole from then on: a table
 * under a pair of words (the address of a text, a number), in which what comes later takes the place.
 *
 *     const struct phrase *phrase = phrase_find(phrases, a, b);
 *     return phrase ? phrase_copy(phrase, at) : render(phrases, a, b, at);
 *
 * where `render`, PHRASE_RENDERER, ends with phrase_keep. `a` is never 0.
 *
 * Not thread-safe. A copy costs 2 ns, rendering ten times that.
 */
#ifndef EXPORTERS_CHROME_PHRASE_H
#define EXPORTERS_CHROME_PHRASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Few are longer than PHRASE_SHORT_BYTES; longer than PHRASE_BYTES none is kept. */
enum { PHRASES_LOG2 = 10, PHRASE_SHORT_BYTES = 48, PHRASE_BYTES = 104 };

/* Kept out of the way of what is copied. */
#define PHRASE_RENDERER static __attribute__((cold, noinline))

struct phrase {
    uint64_t a, b; /* a: 0 = free */
    size_t length;
    char text[PHRASE_BYTES];
};

/* Much larger than what is in use, of which alone the cache has to hold anything. */
struct phrases {
    struct phrase table[1 << PHRASES_LOG2];
};

static inline bool phrase_is(const struct phrase *phrase, uint64_t a, uint64_t b)
{
    return phrase->a == a && phrase->b == b;
}

/*
 * Fibonacci hashing (Knuth, TAOCP 6.4): the upper bits of a product with 2^64 over the golden ratio. Two places for
 * each, so that two that are used in turn do not push each other out: addresses, and so who meets whom, change from
 * run to run.
 */
static inline size_t phrase_places(uint64_t a, uint64_t b)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    return ((a * factor + b) * factor >> (64 - PHRASES_LOG2)) & ~(size_t)1;
}

/* NULL = it is not there. */
static inline const struct phrase *phrase_find(const struct phrases *phrases, uint64_t a, uint64_t b)
{
    const struct phrase *first = &phrases->table[phrase_places(a, b)];
    if (__builtin_expect(phrase_is(first, a, b), 1))
        return first;
    return phrase_is(first + 1, a, b) ? first + 1 : NULL;
}

/* `at` has room for PHRASE_BYTES. */
static inline char *phrase_copy(const struct phrase *phrase, char *at)
{
    memcpy(at, phrase->text, PHRASE_SHORT_BYTES);
    if (phrase->length > PHRASE_SHORT_BYTES)
        memcpy(at + PHRASE_SHORT_BYTES, phrase->text + PHRASE_SHORT_BYTES, PHRASE_BYTES - PHRASE_SHORT_BYTES);
    return at + phrase->length;
}

/* What was written from `from` up to `at`, unless it is too long. Nothing of it was flushed. */
static inline char *phrase_keep(struct phrases *phrases, uint64_t a, uint64_t b, const char *from, char *at)
{
    size_t length = (size_t)(at - from);
    if (length > PHRASE_BYTES)
        return at;
    struct phrase *first = &phrases->table[phrase_places(a, b)];
    bool is_first_taken = first->a, is_second_taken = first[1].a;
    struct phrase *phrase = is_first_taken && (!is_second_taken || (a ^ b) & 16) ? first + 1 : first;
    phrase->a = a;
    phrase->b = b;
    phrase->length = length;
    memcpy(phrase->text, from, length);
    return at;
}

#endif
