/*
 * Knows nothing of libmapscope: a library that does is loaded, used by a thread, and unloaded before that thread ends
 * and the process forks. Whatever is to happen then in libmapscope must still be there. Prints nothing. usage: main
 * PLUGIN
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int (*use)(void);
static pthread_barrier_t used, unloaded;

static void *use_and_stay(void *failed)
{
    *(int *)failed = use();
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&unloaded);
    return NULL;
}

static void *symbol(void *plugin, const char *name)
{
    void *found = plugin ? dlsym(plugin, name) : NULL;
    if (found)
        return found;
    puts(dlerror());
    exit(1);
}

int main(int argc, char **argv)
{
    int failed, status = 1;
    pthread_t thread;
    if (argc != 2)
        return 2;
    void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    use = (int (*)(void))symbol(plugin, "plugin_use");
    void (*end)(void) = (void (*)(void))symbol(plugin, "plugin_end");
    pthread_barrier_init(&used, NULL, 2);
    pthread_barrier_init(&unloaded, NULL, 2);
    if (pthread_create(&thread, NULL, use_and_stay, &failed))
        return 1;
    pthread_barrier_wait(&used);
    end();
    dlclose(plugin);
    if (dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD)) {
        puts("the plugin is not unloaded");
        return 1;
    }
    pthread_barrier_wait(&unloaded);
    pthread_join(thread, NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, &status, 0);
    return failed || status;
}
