/* A library with a lock-free map, and a mutex of its own: for main.c, loaded and unloaded. */
#include <mapscope/mutex.h>
#include <mapscope/syncmap.h>

__attribute__((visibility("default"))) int plugin_use(void);
__attribute__((visibility("default"))) void plugin_end(void);

static msc_mutex mutex = MSC_MUTEX_INITIALIZER_NAMED("plugin");
static struct msc_syncmap *map;

int plugin_use(void)
{
    struct msc_map_options options = {
        .struct_size = sizeof options, .name = "plugin", .key = MSC_KEY_U64, .value_size = 64};
    int error = msc_syncmap_create(&options, &map);
    for (uint64_t key = 0; key < 100 && !error; key++) {
        error = msc_mutex_lock(&mutex);
        if (!error)
            error = msc_syncmap_store_u64(map, key % 10, NULL);
        msc_mutex_unlock(&mutex);
    }
    return error;
}

void plugin_end(void)
{
    msc_syncmap_destroy(map);
}
