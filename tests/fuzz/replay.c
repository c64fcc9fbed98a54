/* Feeds every file of a corpus to a fuzz target, without libFuzzer. usage: replay_TARGET FOLDER */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { FILE_BYTES_MAX = 1 << 20 };

static int replay(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(FILE_BYTES_MAX);
    if (!file || !bytes)
        return 1;
    size_t size = fread(bytes, 1, FILE_BYTES_MAX, file);
    fclose(file);
    uint8_t *exact = realloc(bytes, size + !size); /* so that a sanitizer sees each byte too far */
    if (exact)
        LLVMFuzzerTestOneInput(exact, size);
    free(exact ? exact : bytes);
    return 0;
}

int main(int argc, char **argv)
{
    struct dirent **names;
    int count = argc == 2 ? scandir(argv[1], &names, NULL, alphasort) : -1, failed = count <= 2;
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.')
            failed |= replay(argv[1], names[i]->d_name);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    if (failed)
        fprintf(stderr, "replay: no corpus, or a file that cannot be read\n");
    return failed;
}
