/*
 * The program whose addresses tests/collector/test_symbolize.c resolves. Prints what LTTng's statedump
 * would tell, then each address with its label:
 *     module BASE SIZE PATH
 *     address LABEL RETURN_ADDRESS
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain.h"

void call_shapes(void);
void library_chain(void);
void library_plain(void);

__attribute__((noinline)) void note(const char *label)
{
    printf("address %s %" PRIxPTR "\n", label, (uintptr_t)__builtin_return_address(0));
}

static int print_module(struct dl_phdr_info *info, size_t size, void *self)
{
    char path[4096] = "";
    uintptr_t first = 0, end = 0;
    (void)size;
    (void)self;
    for (int i = info->dlpi_phnum - 1; i >= 0; i--) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        first = info->dlpi_phdr[i].p_vaddr;
        if (first + info->dlpi_phdr[i].p_memsz > end)
            end = first + info->dlpi_phdr[i].p_memsz;
    }
    if (info->dlpi_name[0])
        snprintf(path, sizeof path, "%s", info->dlpi_name);
    else if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
        abort();
    printf("module %" PRIxPTR " %" PRIxPTR " %s\n", info->dlpi_addr + first, end - first, path);
    return 0;
}

/* As assembly may be written: a function of no size, one with a size, and code that belongs to neither. */
__asm__(".pushsection .text\n"
        ".type sizeless, @function\nsizeless: nop\nin_sizeless: nop\n"
        ".type sized, @function\nsized: nop\n.size sized, . - sized\nbehind_sized: nop\n"
        ".popsection");
extern const char in_sizeless[], behind_sized[];

static __attribute__((noinline)) void program_chain(void) /* @program_chain.start */
{
    chain_middle("program_chain"); /* @program_chain */
}

static __attribute__((noinline, noreturn)) void leave(const char *label)
{
    note(label);
    printf("address after_call %" PRIxPTR "\n", (uintptr_t)__builtin_return_address(0));
    exit(0);
}

/* Its last instruction is the call: the return address belongs to whatever follows. */
static __attribute__((noinline, noreturn)) void ends_with_call(void) /* @ends_with_call.start */
{
    leave("leave"); /* @ends_with_call */
}

int main(void)
{
    dl_iterate_phdr(print_module, NULL);
    printf("address in_sizeless %" PRIxPTR "\n", (uintptr_t)in_sizeless + 1);
    printf("address behind_sized %" PRIxPTR "\n", (uintptr_t)behind_sized + 1);
    program_chain();
    call_shapes();
    library_chain();
    library_plain();
    ends_with_call();
}
