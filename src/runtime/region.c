/* See mapscope/region.h. */
#include "mapscope/region.h"

#include <string.h>

#include "runtime/emit.h"
#include "runtime/thread.h"

struct text {
    char bytes[MSC_TEXT_MAX + 1];
    uint32_t truncated;
};

/* A byte 10xxxxxx continues a character, which has at most three of them; more is no UTF-8, and cut as it is. */
static size_t cut_length(const char *text)
{
    size_t length = MSC_TEXT_MAX;
    while (length > MSC_TEXT_MAX - 4 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length == MSC_TEXT_MAX - 4 ? MSC_TEXT_MAX : length;
}

static void text_cut(struct text *out, const char *text)
{
    size_t length = text ? strnlen(text, MSC_TEXT_MAX + 1) : 0;
    out->truncated = length > MSC_TEXT_MAX;
    if (out->truncated)
        length = cut_length(text);
    if (length)
        memcpy(out->bytes, text, length);
    out->bytes[length] = '\0';
}

__attribute__((cold, noinline)) static void emit_note(enum msc_event event, uint64_t id, const char *category,
                                                      const char *message)
{
    struct text category_text, message_text;
    text_cut(&category_text, category);
    text_cut(&message_text, message);
    struct msc_ev_note note = {
        .id = id,
        .category = category_text.bytes,
        .message = message_text.bytes,
        .truncated = category_text.truncated | message_text.truncated,
    };
    msc_emit(event, &note);
}

uint64_t msc_region_begin(const char *category, const char *message)
{
    if (!msc_gate_on(MSC_EVENT_REGION_BEGIN))
        return 0;
    uint64_t id = thread_unique_id();
    emit_note(MSC_EVENT_REGION_BEGIN, id, category, message);
    return id;
}

void msc_region_end(uint64_t id)
{
    if (id && msc_gate_on(MSC_EVENT_REGION_END))
        emit_note(MSC_EVENT_REGION_END, id, "", "");
}

void msc_log(const char *category, const char *message)
{
    if (msc_gate_on(MSC_EVENT_LOG))
        emit_note(MSC_EVENT_LOG, 0, category, message);
}

void msc_variant(const char *category, const char *name)
{
    if (msc_gate_on(MSC_EVENT_VARIANT))
        emit_note(MSC_EVENT_VARIANT, 0, category, name);
}
