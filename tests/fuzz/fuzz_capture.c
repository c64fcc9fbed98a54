/* Any bytes as capture.json, read by mapscope convert and by mapscope record, which may overwrite only its own. */
#include <stdlib.h>

#include "collector/capture_read.h"
#include "collector/ctf_writer.h"
#include "collector/session/capture.h"
#include "fuzz/conversion.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct losses losses = {0};
    const char *folder = conversion_folder();
    ctf_write_file(folder, "capture.json", bytes, size);
    struct capture_said said = capture_read(folder);
    capture_add_losses(&said, &losses);
    char *path = ctf_path(folder, "capture.json");
    capture_is_ours(path);
    free(path);
    return 0;
}
