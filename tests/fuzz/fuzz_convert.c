/* A recording as trace_script.h makes it, through all of mapscope convert. */
#include "fuzz/conversion.h"
#include "fuzz/trace_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct script script = {bytes, bytes + size};
    trace_script_write(&script, conversion_folder());
    conversion_check(conversion_folder());
    return 0;
}
