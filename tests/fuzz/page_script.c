/* See page_script.h. An instruction is a place and a number of 64 bits, or the size of the file. */
#include "fuzz/page_script.h"

#include <stdio.h>
#include <sys/stat.h>

#include "collector/ctf_writer.h"
#include "collector/page_fixture.h"

enum { PLACES = 8 };

/* Entries that are used, that are not, and the outermost. */
static const size_t locks[PLACES] = {TABLE, QUEUE, 0, 1, 2, 8, PAGE_LOCKS - 2, PAGE_LOCKS - 1};
static const size_t waits[PLACES] = {OF_TABLE_12, OF_TABLE_13, OF_QUEUE_11, 2, 3, 6, PAGE_WAITS - 2, PAGE_WAITS - 1};

static void poke(void *object, size_t size, struct script *script)
{
    size_t at = script_word(script) * sizeof(uint32_t) % (size - sizeof(uint64_t));
    uint64_t number = script_number(script);
    memcpy((char *)object + at, &number, sizeof number);
}

/* `*size` is the file's. */
static void step(struct script *script, unsigned char *page, size_t *size)
{
    uint8_t what = script_byte(script), place = what >> 2 & (PLACES - 1);
    switch (what & 3) {
    case 0:
        poke(page_fixture_lock(page, locks[place]), sizeof(struct page_lock), script);
        return;
    case 1:
        poke(page_fixture_wait(page, waits[place]), sizeof(struct page_wait), script);
        return;
    case 2:
        poke(page, sizeof(struct page_header), script);
        return;
    default:
        *size = script_number(script) % (PAGE_SIZE_WHOLE + 1);
    }
}

void page_script_write(struct script *script, size_t steps, const char *folder)
{
    unsigned char *page = page_fixture_create();
    size_t size = PAGE_SIZE_WHOLE;
    char *pages = ctf_path(folder, "pages");
    for (size_t i = 0; i < steps && script_has_more(script); i++)
        step(script, page, &size);
    mkdir(pages, 0700);
    ctf_write_file(pages, "700-1000.page", page, size);
    free(pages);
    free(page);
}
