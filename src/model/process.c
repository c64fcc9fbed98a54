/*
 * See process.h. Start reading at process_table_apply. A hash map of (pid, tid) answers both "seen
 * before?" and "which process?"; the arrays within a process are sorted and small.
 */
#include "model/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/utf8.h"
#include "support/vec.h"

/* The statedump gives the vdso no size; on x86-64 and aarch64 it is two pages. */
enum { VDSO_BYTES = 8192 };

struct ids {
    uint32_t pid, tid;
};

/* Names and threads */

static int set_name(char **name, struct event_text text)
{
    char *copy = utf8_sanitize(text.data ? text.data : "", text.data ? text.length : 0);
    if (!copy)
        return -ENOMEM;
    free(*name);
    *name = copy;
    return 0;
}

/* The index of the thread, or where it would be inserted. */
static size_t thread_position(const struct process *process, uint32_t tid)
{
    size_t low = 0, high = process->thread_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (process->threads[middle].tid < tid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct process_thread *find_thread(const struct process *process, uint32_t tid)
{
    size_t at = thread_position(process, tid);
    return at < process->thread_count && process->threads[at].tid == tid ? &process->threads[at] : NULL;
}

static int add_thread(struct process *process, uint32_t tid)
{
    int error = VEC_RESERVE(process->threads, process->thread_count, process->thread_capacity, 1);
    if (error)
        return error;
    char *name = calloc(1, 1);
    if (!name)
        return -ENOMEM;
    size_t at = thread_position(process, tid);
    struct process_thread *thread = &process->threads[at];
    memmove(thread + 1, thread, (process->thread_count - at) * sizeof *thread);
    *thread = (struct process_thread){.tid = tid, .name = name};
    process->thread_count++;
    return 0;
}

static int name_thread(struct process *process, uint32_t tid, struct event_text name)
{
    struct process_thread *thread = find_thread(process, tid);
    return thread && name.length ? set_name(&thread->name, name) : 0;
}

/* Modules */

static bool is_mapped(const struct process_module *module)
{
    return module->unloaded_ns == UINT64_MAX;
}

static uint64_t module_end(const struct process_module *module)
{
    uint64_t end;
    return __builtin_add_overflow(module->base, module->size, &end) ? UINT64_MAX : end;
}

/* The index behind the last module whose base is not above `address`. */
static size_t modules_upto(const struct process *process, uint64_t address)
{
    size_t low = 0, high = process->module_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (process->modules[middle].base <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The mapped module that begins at `base`, or NULL: the youngest of its base. */
static struct process_module *find_mapped(const struct process *process, uint64_t base)
{
    size_t upto = modules_upto(process, base);
    if (upto == 0)
        return NULL;
    struct process_module *module = &process->modules[upto - 1];
    return module->base == base && is_mapped(module) ? module : NULL;
}

static bool is_path(const struct process_module *module, struct event_text path)
{
    return strlen(module->path) == path.length && memcmp(module->path, path.data, path.length) == 0;
}

/* Whatever lies where a new module is mapped has been unmapped without notice. */
static void unload_overlapped(const struct process *process, const struct process_module *loaded)
{
    for (size_t i = 0; i < process->module_count; i++) {
        struct process_module *module = &process->modules[i];
        if (is_mapped(module) && module->base < module_end(loaded) && loaded->base < module_end(module))
            module->unloaded_ns = loaded->loaded_ns;
    }
}

/* Takes the module's path. */
static int insert_module(struct process *process, const struct process_module *loaded)
{
    int error = VEC_RESERVE(process->modules, process->module_count, process->module_capacity, 1);
    if (error)
        return error;
    unload_overlapped(process, loaded);
    size_t at = modules_upto(process, loaded->base);
    struct process_module *module = &process->modules[at];
    memmove(module + 1, module, (process->module_count - at) * sizeof *module);
    *module = *loaded;
    process->module_count++;
    if (loaded->size > process->module_size_max)
        process->module_size_max = loaded->size;
    return 0;
}

static int load_module(struct process *process, const struct event *event)
{
    const struct event_module *told = &event->module;
    struct process_module loaded = {.base = told->base,
                                    .size = told->size ? told->size : VDSO_BYTES,
                                    .loaded_ns = event->time_ns,
                                    .unloaded_ns = UINT64_MAX,
                                    .is_pic = told->is_pic};
    const struct process_module *known = find_mapped(process, told->base);
    if (known && known->size == loaded.size && is_path(known, told->path))
        return 0;
    loaded.path = strndup(told->path.length ? told->path.data : "", told->path.length);
    if (!loaded.path)
        return -ENOMEM;
    int error = insert_module(process, &loaded);
    if (error)
        free(loaded.path);
    return error;
}

static void unload_module(const struct process *process, const struct event *event)
{
    struct process_module *module = find_mapped(process, event->module.base);
    if (module)
        module->unloaded_ns = event->time_ns;
}

static void note_build_id(const struct process *process, const struct event *event)
{
    struct process_module *module = find_mapped(process, event->module.base);
    struct event_text id = event->module.build_id;
    if (!module || id.length == 0 || id.length > sizeof module->build_id)
        return;
    memcpy(module->build_id, id.data, id.length);
    module->build_id_length = id.length;
}

/* Processes */

static void destroy_process(struct process *process)
{
    if (!process)
        return;
    for (size_t i = 0; i < process->module_count; i++)
        free(process->modules[i].path);
    for (size_t i = 0; i < process->thread_count; i++)
        free(process->threads[i].name);
    free(process->modules);
    free(process->threads);
    free(process->name);
    free(process);
}

static struct process *find_seen(const struct process_table *table, uint32_t pid, uint32_t tid)
{
    struct process *const *process = hashmap_find(&table->seen, &(struct ids){pid, tid});
    return process ? *process : NULL;
}

static int add_seen(struct process_table *table, uint32_t tid, struct process *process)
{
    struct process **place = hashmap_put(&table->seen, &(struct ids){process->pid, tid}, NULL);
    if (!place)
        return -ENOMEM;
    *place = process;
    return 0;
}

static struct process *create_process(uint32_t pid)
{
    struct process *process = calloc(1, sizeof *process);
    if (!process)
        return NULL;
    process->pid = pid;
    process->name = calloc(1, 1);
    if (process->name)
        return process;
    free(process);
    return NULL;
}

static int add_process(struct process_table *table, uint32_t pid, struct process **out)
{
    int error = VEC_RESERVE(table->processes, table->count, table->capacity, 1);
    if (error)
        return error;
    struct process *process = create_process(pid);
    if (!process)
        return -ENOMEM;
    error = add_seen(table, 0, process);
    if (error) {
        destroy_process(process);
        return error;
    }
    table->processes[table->count++] = process;
    *out = process;
    return 0;
}

/* The first event of a thread: enters it, and its process if that is new too. */
static int enter(struct process_table *table, uint32_t pid, uint32_t tid, struct process **out)
{
    struct process *process = find_seen(table, pid, 0);
    int error = process ? 0 : add_process(table, pid, &process);
    if (!error && tid && !find_thread(process, tid))
        error = add_thread(process, tid);
    if (!error && tid)
        error = add_seen(table, tid, process);
    if (!error)
        *out = process;
    return error;
}

static int note_ids(struct process_table *table, uint32_t pid, uint32_t tid, struct process **out)
{
    struct process *process = find_seen(table, pid, tid);
    int error = process ? 0 : enter(table, pid, tid, &process);
    if (error)
        return error;
    table->recent[tid % PROCESS_RECENT] = (struct process_seen){.pid = pid, .tid = tid, .process = process};
    *out = process;
    return 0;
}

static int note_event(struct process *process, const struct event *event)
{
    switch (event->kind) {
    case EVENT_PROCESS_NAME:
        return set_name(&process->name, event->process_name);
    case EVENT_THREAD_START:
    case EVENT_THREAD_EXIT: /* it may have been named in between */
        return name_thread(process, event->tid, event->thread.name);
    case EVENT_MODULE_LOAD:
        return load_module(process, event);
    case EVENT_MODULE_UNLOAD:
        unload_module(process, event);
        return 0;
    case EVENT_MODULE_BUILD_ID:
        note_build_id(process, event);
        return 0;
    default:
        return 0;
    }
}

int process_table_apply(struct process_table *table, const struct event *event)
{
    struct process *process = process_table_recent(table, event);
    int error = process ? 0 : note_ids(table, event->pid, event->tid, &process);
    return error ? error : note_event(process, event);
}

void process_table_init(struct process_table *table)
{
    *table = (struct process_table){0};
    hashmap_init(&table->seen, sizeof(struct ids), sizeof(struct process *));
}

void process_table_fini(struct process_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        destroy_process(table->processes[i]);
    free(table->processes);
    hashmap_fini(&table->seen);
    process_table_init(table);
}

const struct process *process_find(const struct process_table *table, uint32_t pid)
{
    return find_seen(table, pid, 0);
}

static bool covers(const struct process_module *module, uint64_t address)
{
    return address >= module->base && address - module->base < module->size;
}

const struct process_module *process_module_at(const struct process *process, uint64_t address, uint64_t time_ns)
{
    const struct process_module *later = NULL;
    for (size_t i = modules_upto(process, address); i-- > 0;) {
        const struct process_module *module = &process->modules[i];
        if (address - module->base >= process->module_size_max)
            break;
        if (!covers(module, address) || module->unloaded_ns <= time_ns)
            continue;
        if (module->loaded_ns <= time_ns)
            return module;
        if (!later || module->loaded_ns <= later->loaded_ns)
            later = module;
    }
    return later;
}

bool process_table_has_modules(const struct process_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->processes[i]->module_count)
            return true;
    return false;
}

const char *process_thread_name(const struct process *process, uint32_t tid)
{
    const struct process_thread *thread = find_thread(process, tid);
    return thread ? thread->name : "";
}
