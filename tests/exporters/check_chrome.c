/*
 * Applies chrome_rules.h to a file, or to standard input for "-". Prints what it counted, a line each
 * ("X 12", "i 3", "C 40", "M 8", "flows 2"); exit status 1 and the first broken rule on stderr otherwise.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/chrome_rules.h"
#include "support/vec.h"

struct content {
    char *bytes;
    size_t size, capacity;
};

static int read_all(FILE *file, struct content *content)
{
    enum { CHUNK = 1 << 16 };
    size_t got;
    do {
        int error = VEC_RESERVE(content->bytes, content->size, content->capacity, CHUNK);
        if (error)
            return error;
        got = fread(content->bytes + content->size, 1, CHUNK, file);
        content->size += got;
    } while (got);
    return ferror(file) ? -EIO : 0;
}

static int read_path(const char *path, struct content *content)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!file)
        return -errno;
    int error = read_all(file, content);
    fclose(file);
    return error;
}

static int check(const char *path)
{
    struct content content = {0};
    struct chrome_counts counts;
    struct diag diag;
    diag_init(&diag);
    int error = read_path(path, &content);
    if (error)
        diag_errno(&diag, -error, "cannot read");
    else
        error = chrome_rules_check(content.bytes, content.size, &diag, &counts);
    if (error)
        fprintf(stderr, "%s: %s\n", path, diag_text(&diag));
    else
        printf("X %llu\ni %llu\nC %llu\nM %llu\nflows %llu\n", (unsigned long long)counts.slices,
               (unsigned long long)counts.instants, (unsigned long long)counts.counters,
               (unsigned long long)counts.labels, (unsigned long long)counts.flows);
    diag_fini(&diag);
    free(content.bytes);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: check_chrome FILE|-\n");
        return 2;
    }
    return check(argv[1]);
}
