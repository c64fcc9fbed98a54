/*
 * The last words of a program that aborts over a misused map. Async-signal-safe: the text is put together in
 * the stack and written with write(2); modules are found by _dl_find_object, which takes no lock.
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <unistd.h>

#include "runtime/map_fault.h"

/* glibc 2.35 */
extern __typeof__(_dl_find_object) _dl_find_object __attribute__((weak));

enum { TEXT_BYTES = 512, PATH_BYTES = 256, HEX_DIGITS = 16 };

/* Collects a few words before they are written. */
struct text {
    int fd;
    size_t length;
    char bytes[TEXT_BYTES];
};

static void flush(struct text *text)
{
    size_t done = 0;
    while (done < text->length) {
        ssize_t written = write(text->fd, text->bytes + done, text->length - done);
        if (written < 0 && errno != EINTR)
            break;
        done += written > 0 ? (size_t)written : 0;
    }
    text->length = 0;
}

static void put(struct text *text, const char *string)
{
    for (; *string; string++) {
        if (text->length == TEXT_BYTES)
            flush(text);
        text->bytes[text->length++] = *string;
    }
}

static void put_number(struct text *text, uint64_t number, unsigned base)
{
    char digits[24];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    do
        digits[--at] = "0123456789abcdef"[number % base];
    while (number /= base);
    put(text, digits + at);
}

static void put_address(struct text *text, uintptr_t address)
{
    put(text, "0x");
    put_number(text, address, 16);
}

/* "/usr/bin/server(+0x1a2b) [0x55d0a0001a2b]", as backtrace_symbols_fd; the address alone if there is no module. */
static void put_place(struct text *text, uintptr_t pc)
{
    struct dl_find_object object;
    if (_dl_find_object && !_dl_find_object((void *)(pc - 1), &object)) { // NOLINT: looked up, not followed
        const struct link_map *module = object.dlfo_link_map;
        char path[PATH_BYTES];
        ssize_t length = module->l_name[0] ? 0 : readlink("/proc/self/exe", path, sizeof path - 1);
        path[length > 0 ? length : 0] = '\0';
        put(text, module->l_name[0] ? module->l_name : path);
        put(text, "(+");
        put_address(text, pc - module->l_addr);
        put(text, ") ");
    }
    put(text, "[");
    put_address(text, pc);
    put(text, "]");
}

static void write_place(struct text *text, uintptr_t pc)
{
    put(text, "    ");
    put_place(text, pc);
    put(text, "\n");
    flush(text);
}

/* Go panics where the program is at fault alone, and calls a race fatal. */
static const char *prefix(enum msc_fault_kind kind)
{
    switch (kind) {
    case MSC_FAULT_NIL_MAP:
        return "panic: ";
    case MSC_FAULT_UNHASHABLE:
        return "panic: runtime error: ";
    default:
        return "fatal error: ";
    }
}

void map_fault_print(int fd, const struct msc_fault *fault)
{
    struct text text = {.fd = fd};
    put(&text, prefix(fault->kind));
    put(&text, msc_fault_text(fault->kind));
    put(&text, "\n\nmap \"");
    put(&text, fault->name);
    flush(&text);
    put(&text, "\" at ");
    put_address(&text, (uintptr_t)fault->map);
    put(&text, ", in thread ");
    put_number(&text, fault->tid, 10);
    put(&text, ":\n");
    flush(&text);
    for (size_t i = 0; i < fault->stack_count; i++)
        write_place(&text, fault->stack[i]);
    if (!fault->other_tid)
        return;
    put(&text, "thread ");
    put_number(&text, fault->other_tid, 10);
    put(&text, " entered the map from:\n");
    flush(&text);
    write_place(&text, (uintptr_t)fault->other_pc);
}
