/*
 * Reads a trace as values and as records, side by side, and holds each event of the one against that of the other.
 * Records go through the reader's fast path (collector/ctf/straight.h), which values never do; what values hold,
 * tests/e2e/test_ctf_differential.sh compares with babeltrace2.
 *
 *     ctf_records FOLDER      # all that there is under each plan, says "events=N straight=M"; 1 = they differ: where
 *
 * Plans are many (make_plan): each keeps other fields, in other forms, in another order. M events are of classes that
 * can be read by the fast path under the first of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/ctf.h"
#include "collector/ctf/trace.h"

/* Sanitizers take up to twenty times as long: some of the plans do there. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { PLANS = 12 };
#else
enum { PLANS = 96 };
#endif

enum { CLASSES_MAX = 4096, FIELDS_MAX = 128, BLANK = 0xA5 };

/* What a plan was made of. */
struct layout {
    struct ctf_place places[FIELDS_MAX];
    size_t size;
    uint16_t time_at;
};

struct comparison {
    unsigned plan; /* its number */
    struct layout layouts[CLASSES_MAX];
};

static const struct ctf_program *program_of(const struct ctf_event_class *class)
{
    return &((const struct ctf_class *)(const void *)class)->program; /* what is shown of one is its first member */
}

/* ---- plans ---- */

struct forms {
    uint8_t forms[8]; /* enum ctf_form; up to the first 0 */
};

static bool is_number(const struct ctf_field *field)
{
    return field->type == CTF_UNSIGNED || field->type == CTF_SIGNED || field->type == CTF_ENUM;
}

static uint32_t element_bits(const struct ctf_event_class *class, size_t field)
{
    const struct tsdl_type *element = program_of(class)->types[field]->element;
    return element ? element->size : 0;
}

/* Those that the fast path has for a field; none where it has none. */
static struct forms straight_forms(const struct ctf_event_class *class, size_t index)
{
    const struct ctf_field *field = &class->fields[index];
    if (is_number(field) && field->bits == 64)
        return (struct forms){{CTF_U64}};
    if (is_number(field) && field->bits == 32)
        return (struct forms){{field->element == CTF_SIGNED ? CTF_S32 : CTF_U32, CTF_FLAG, CTF_NOT}};
    if (field->type == CTF_SEQUENCE && element_bits(class, index) == 64)
        return (struct forms){{CTF_VALUE}};
    if (field->type == CTF_SEQUENCE && element_bits(class, index) == 8)
        return (struct forms){{CTF_BYTES}};
    bool is_varying = program_of(class)->types[index]->kind != TSDL_ARRAY;
    return field->type == CTF_STRING && is_varying ? (struct forms){{CTF_VALUE, CTF_BYTES}} : (struct forms){{0}};
}

/* All that a field can take. */
static struct forms all_forms(const struct ctf_event_class *class, size_t index)
{
    const struct ctf_field *field = &class->fields[index];
    if (is_number(field))
        return (struct forms){{CTF_VALUE, CTF_U64, CTF_U32, CTF_S32, CTF_FLAG, CTF_NOT}};
    if (field->type == CTF_STRING || (field->type == CTF_SEQUENCE && element_bits(class, index) == 8))
        return (struct forms){{CTF_VALUE, CTF_BYTES}};
    return (struct forms){{CTF_VALUE}};
}

static size_t form_bytes(uint8_t form)
{
    if (form == CTF_U64)
        return sizeof(uint64_t);
    if (form == CTF_U32 || form == CTF_S32)
        return sizeof(uint32_t);
    return form == CTF_FLAG || form == CTF_NOT ? sizeof(bool) : sizeof(struct ctf_value);
}

static size_t align(size_t at, size_t bytes)
{
    size_t unit = bytes > sizeof(uint64_t) ? sizeof(uint64_t) : bytes;
    return (at + unit - 1) / unit * unit;
}

/* Evenly spread, and the same in each run. */
static uint32_t draw(unsigned plan, uint32_t class, size_t field)
{
    uint32_t bits =
        (plan * UINT32_C(0x9e3779b1)) ^ (class * UINT32_C(0x85ebca6b)) ^ ((uint32_t)field * UINT32_C(0xc2b2ae35));
    bits = (bits ^ bits >> 15) * UINT32_C(0x2c1b3c6d);
    return bits ^ bits >> 13;
}

/*
 * By fours, plans keep what is straight; everything; and, twice, what is straight with one field or so that is not: the
 * first four all of that, the others some of it.
 */
static uint8_t choose_form(unsigned plan, const struct ctf_event_class *class, size_t index)
{
    uint32_t luck = draw(plan, class->index, index);
    bool is_any = plan % 4 == 1 || (plan % 4 > 1 && luck % class->field_count == 0);
    struct forms forms = is_any ? all_forms(class, index) : straight_forms(class, index);
    if (!*forms.forms || (plan > 3 && (luck >> 8) % 5 == 0))
        return CTF_LEFT_OUT;
    return forms.forms[(luck >> 16) % strlen((const char *)forms.forms)];
}

/* Every second four of plans go backwards through the fields. */
static void make_plan(void *self, const struct ctf_event_class *class, struct ctf_plan *plan)
{
    struct comparison *comparison = self;
    struct layout *layout = &comparison->layouts[class->index];
    if (class->index >= CLASSES_MAX || class->field_count > FIELDS_MAX)
        abort();
    *layout = (struct layout){0};
    for (size_t i = 0; i < class->field_count; i++) {
        size_t index = comparison->plan % 8 > 3 ? class->field_count - 1 - i : i;
        uint8_t form = choose_form(comparison->plan, class, index);
        size_t to = align(layout->size, form_bytes(form));
        if (form == CTF_LEFT_OUT || to + form_bytes(form) > CTF_PLAN_BYTES - sizeof(uint64_t))
            continue;
        layout->places[index] = (struct ctf_place){.offset = (uint16_t)to, .form = form};
        layout->size = to + form_bytes(form);
    }
    layout->time_at = (uint16_t)align(layout->size, sizeof(uint64_t));
    layout->size = layout->time_at + sizeof(uint64_t);
    memcpy(plan->places, layout->places, class->field_count * sizeof *layout->places);
    memset(plan->blank, BLANK, sizeof plan->blank);
    plan->size = layout->size;
    plan->time_at = layout->time_at;
}

/* ---- one event ---- */

/* As records hold it, of an event's value. */
static uint32_t to_u32(uint64_t number)
{
    return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

static int32_t to_s32(const struct ctf_field *field, const struct ctf_value *value)
{
    bool is_large = field->element == CTF_SIGNED ? value->i > INT32_MAX : value->u > INT32_MAX;
    return is_large ? INT32_MAX : value->i < INT32_MIN ? INT32_MIN : (int32_t)value->i;
}

static bool same_bytes(const struct ctf_field *field, const struct ctf_value *value, const struct ctf_value *kept)
{
    if (kept->length != value->length)
        return false;
    if (field->type == CTF_STRING)
        return memcmp(kept->text, value->text, value->length) == 0;
    for (uint32_t i = 0; i < value->length; i++)
        if ((uint8_t)kept->text[i] != (uint8_t)value->us[i])
            return false;
    return true;
}

static bool same_value(const struct ctf_field *field, const struct ctf_value *value, const struct ctf_value *kept)
{
    if (kept->is_absent || kept->length != value->length)
        return false;
    if (field->type == CTF_SEQUENCE)
        return memcmp(kept->us, value->us, value->length * sizeof *value->us) == 0;
    return field->type == CTF_STRING ? same_bytes(field, value, kept) : kept->u == value->u;
}

static bool is_kept(const struct ctf_field *field, uint8_t form, const struct ctf_value *value, const void *at)
{
    switch ((enum ctf_form)form) {
    case CTF_VALUE:
        return same_value(field, value, at);
    case CTF_BYTES:
        return same_bytes(field, value, at);
    case CTF_U64:
        return *(const uint64_t *)at == value->u;
    case CTF_U32:
        return *(const uint32_t *)at == to_u32(value->u);
    case CTF_S32:
        return *(const int32_t *)at == to_s32(field, value);
    case CTF_FLAG:
        return *(const uint8_t *)at == (value->u != 0);
    case CTF_NOT:
        return *(const uint8_t *)at == (value->u == 0);
    case CTF_LEFT_OUT:
        break;
    }
    return false;
}

static bool is_blank(const uint8_t *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (at[i] != BLANK)
            return false;
    return true;
}

/* Options of variants and their tags are left out whatever the plan says. */
static bool is_never_kept(const struct ctf_event_class *class, const struct ctf_field *field)
{
    return program_of(class)->is_nested && (strchr(field->name, '.') || field->type == CTF_ENUM);
}

/* NULL = the record is what the values are; else where it is not. */
static const char *first_difference(const struct layout *layout, const struct ctf_event *event, const uint8_t *record)
{
    bool is_owned[CTF_PLAN_BYTES] = {false};
    memset(is_owned + layout->time_at, true, sizeof event->time_ns);
    for (size_t i = 0; i < event->class->field_count; i++) {
        const struct ctf_field *field = &event->class->fields[i];
        const struct ctf_place *place = &layout->places[i];
        size_t bytes = form_bytes(place->form);
        if (place->form == CTF_LEFT_OUT ||
            (is_never_kept(event->class, field) && is_blank(record + place->offset, bytes)))
            continue;
        if (!is_kept(field, place->form, &event->values[i], record + place->offset))
            return field->name;
        memset(is_owned + place->offset, true, bytes);
    }
    for (size_t i = 0; i < layout->size; i++)
        if (!is_owned[i] && record[i] != BLANK)
            return "(what no field fills)";
    return memcmp(record + layout->time_at, &event->time_ns, sizeof event->time_ns) ? "(time)" : NULL;
}

static bool is_same(const struct comparison *comparison, const struct ctf_event *event, const struct ctf_entry *entry)
{
    const struct layout *layout = &comparison->layouts[entry->class->index];
    const char *where = "(which event)";
    if (entry->class->index == event->class->index && entry->time_ns == event->time_ns && entry->cpu == event->cpu)
        where = first_difference(layout, event, ctf_record(entry));
    if (where)
        fprintf(stderr, "plan %u: %s at %" PRIu64 ": %s\n", comparison->plan, event->class->name, event->time_ns,
                where);
    return !where;
}

/* ---- the whole ---- */

struct counts {
    uint64_t events, straight;
};

/* 1 = the next of both are alike, 0 = both are at their end. */
static int compare_block(const struct comparison *comparison, struct ctf_reader *values, struct ctf_reader *records,
                         struct counts *counts)
{
    const struct ctf_entry *const *entries;
    struct ctf_event event;
    size_t count = 0;
    int state = ctf_next_many(records, &entries, &count);
    if (state == 0)
        return ctf_next(values, &event) == 0 ? 0 : -1;
    for (size_t i = 0; state == 1 && i < count; i++) {
        if (ctf_next(values, &event) != 1 || !is_same(comparison, &event, entries[i]))
            return -1;
        counts->events++;
        counts->straight += program_of(entries[i]->class)->straight != NULL;
    }
    return state;
}

static bool same_losses(struct ctf_reader *values, struct ctf_reader *records)
{
    struct losses one = ctf_losses(values), other = ctf_losses(records);
    return one.events == other.events && one.discarded_events == other.discarded_events &&
           one.damaged_packets == other.damaged_packets && one.lost_packets == other.lost_packets;
}

/* 0 = alike, under the plan. */
static int compare(struct comparison *comparison, const char *folder, struct diag *diag, struct counts *counts)
{
    struct ctf_reader *values = NULL, *records = NULL;
    struct ctf_options planned = {.plan = make_plan, .self = comparison};
    int state = ctf_open(folder, NULL, diag, &values);
    if (!state)
        state = ctf_open(folder, &planned, diag, &records);
    if (!state)
        do
            state = compare_block(comparison, values, records, counts);
        while (state > 0);
    if (!state && !same_losses(values, records))
        state = -1;
    ctf_close(records);
    ctf_close(values);
    return state;
}

int main(int argc, char **argv)
{
    static struct comparison comparison;
    struct counts counts[PLANS] = {{0}};
    struct diag diag;
    int error = 0;
    if (argc != 2)
        return 2;
    diag_init(&diag);
    for (; comparison.plan < PLANS && !error; comparison.plan++)
        error = compare(&comparison, argv[1], &diag, &counts[comparison.plan]);
    if (error)
        fprintf(stderr, "ctf_records: plan %u: they differ. %s\n", comparison.plan - 1, diag_text(&diag));
    else
        printf("events=%" PRIu64 " straight=%" PRIu64 "\n", counts->events, counts->straight);
    diag_fini(&diag);
    return error || fflush(stdout) || ferror(stdout) ? 1 : 0;
}
