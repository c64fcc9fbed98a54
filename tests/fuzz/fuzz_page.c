/* The shared page of a killed program, as page_script.h makes it, through mapscope locks, set and convert. */
#include <stdlib.h>
#include <string.h>

#include "collector/ctf_writer.h"
#include "collector/lock_table.h"
#include "collector/session/pages.h"
#include "fuzz/conversion.h"
#include "fuzz/page_script.h"
#include "fuzz/trace_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void read_locks(const char *folder)
{
    struct lock_table table;
    if (lock_table_read(folder, &table, NULL))
        return;
    for (size_t i = 0; i < table.count; i++)
        if (!table.rows[i].title || strlen(table.rows[i].holder) >= sizeof table.rows[i].holder)
            abort();
    lock_table_fini(&table);
}

/* The process is gone: nothing may be set. */
static void set(const char *folder)
{
    struct pages_settings settings = {.has_map_rate = true, .map_rate = 3};
    size_t count = 0;
    (void)pages_set(folder, &settings, &count, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static bool has_trace;
    const char *folder = conversion_folder();
    struct script script = {bytes, bytes + size}, nothing = {NULL, NULL};
    if (!has_trace)
        trace_script_write(&nothing, folder);
    has_trace = true;
    page_script_write(&script, SIZE_MAX, folder);
    read_locks(folder);
    set(folder);
    conversion_check(folder);
    return 0;
}
