/* Any bytes as what mapscope check reads: gzip or not, a profile or not. */
#include <stdlib.h>
#include <unistd.h>

#include "exporters/gzip_read.h"
#include "exporters/pprof/pprof_check.h"
#include "fuzz/stream_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[STREAM_PATH_SIZE];
    struct gzip_content content;
    struct pprof_verdict verdict;
    int fd = stream_file_open(bytes, size, path);
    if (gzip_read(path, &content, NULL) == 0) {
        (void)pprof_check(content.bytes, content.size, PPROF_FOR_ALL, &verdict, NULL);
        gzip_content_fini(&content);
    }
    close(fd);
    return 0;
}
