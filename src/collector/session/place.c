/* See place.h. */
#include "collector/session/place.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/session/daemon.h"
#include "collector/session/tree.h"

#define RUN_FOLDER DAEMON_ROOT_FOLDER
#define RUN_HOME RUN_FOLDER "/mapscope"

/* The daemon puts up to 40 characters behind its home, and a socket's path has 108. */
enum { HOME_LENGTH_MAX = 64 };

const char *place_name(const struct place *place)
{
    if (place->kind == PLACE_SHARED && place->home)
        return "shared, the user's";
    static const char *const names[] = {
        [PLACE_NAMESPACE] = "own namespace",
        [PLACE_GLOBAL] = "own, " RUN_FOLDER,
        [PLACE_HOME] = "own folder",
        [PLACE_SHARED] = "shared, " RUN_FOLDER,
    };
    return names[place->kind];
}

/* Whether root's daemon is there for us, answering or not. */
static bool has_root_daemon(void)
{
    enum daemon_state state = daemon_look(RUN_FOLDER, false).state;
    return state == DAEMON_ALIVE || state == DAEMON_HUNG;
}

static int set_home(struct place *place, const char *path, struct diag *diag)
{
    place->home = strdup(path);
    return place->home ? 0 : diag_errno(diag, ENOMEM, "cannot prepare the session daemon");
}

static int make_run(struct diag *diag)
{
    if (mkdir(RUN_FOLDER, 0755) && errno != EEXIST)
        return diag_errno(diag, errno, "cannot create %s for the session daemon", RUN_FOLDER);
    return 0;
}

/* 0, or why this root has no namespace of its own. */
static int unshare_run(void)
{
    if (unshare(CLONE_NEWNS))
        return -errno;
    if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL))
        return -errno;
    return mount("tmpfs", RUN_FOLDER, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") ? -errno : 0;
}

/* In /run/lttng, whichever that is now. */
static int make_home(struct place *place, struct diag *diag)
{
    if (mkdir(RUN_HOME, 0700) && errno != EEXIST)
        return diag_errno(diag, errno, "cannot create %s for the session daemon", RUN_HOME);
    return set_home(place, RUN_HOME, diag);
}

static int enter_run(struct place *place, struct diag *diag)
{
    place->kind = PLACE_GLOBAL;
    place->owns_run = tree_is_empty(RUN_FOLDER) == 1;
    return make_home(place, diag);
}

static int enter_as_root(struct place *place, struct diag *diag)
{
    int error = make_run(diag);
    if (error)
        return error;
    if (unshare_run())
        return has_root_daemon() ? 0 : enter_run(place, diag);
    place->kind = PLACE_NAMESPACE;
    return make_home(place, diag);
}

static int enter_as_user(struct place *place, struct diag *diag)
{
    static const char name[] = "/ms-XXXXXX";
    const char *base = getenv("XDG_RUNTIME_DIR");
    if (!base || base[0] != '/' || strlen(base) + sizeof name > HOME_LENGTH_MAX || access(base, W_OK | X_OK))
        base = "/tmp";
    char path[HOME_LENGTH_MAX];
    snprintf(path, sizeof path, "%s%s", base, name);
    place->kind = PLACE_HOME;
    if (!mkdtemp(path))
        return diag_errno(diag, errno, "cannot create a folder in %s for the session daemon", base);
    int error = set_home(place, path, diag);
    if (error)
        rmdir(path);
    return error;
}

int place_enter(struct place *place, struct diag *diag)
{
    *place = (struct place){.kind = PLACE_SHARED};
    int error = 0;
    if (geteuid() == 0)
        error = enter_as_root(place, diag);
    else if (!daemon_root_is_open() || !has_root_daemon())
        error = enter_as_user(place, diag);
    if (error) {
        place_leave(place);
        place_fini(place);
    }
    return error;
}

/* The daemon that the user started, which the program found in `home` when it began. */
static int join_user(struct place *place, const char *home, struct diag *diag)
{
    char *folder;
    if (asprintf(&folder, "%s/.lttng", home ? home : "") < 0)
        return diag_errno(diag, ENOMEM, "cannot look for a session daemon");
    enum daemon_state state = home ? daemon_look(folder, false).state : DAEMON_ABSENT;
    free(folder);
    if (state == DAEMON_ALIVE || state == DAEMON_HUNG)
        return set_home(place, home, diag);
    return diag_set(diag, -ESRCH,
                    "no session daemon of yours runs that the program could register with: start one with "
                    "lttng-sessiond --daemonize, and the program will notice");
}

int place_join(struct place *place, const char *home, struct diag *diag)
{
    *place = (struct place){.kind = PLACE_SHARED};
    if (daemon_root_is_open() && has_root_daemon())
        return 0;
    if (geteuid() != 0)
        return join_user(place, home, diag);
    int error = make_run(diag);
    if (!error)
        error = enter_run(place, diag);
    if (error) {
        place_leave(place);
        place_fini(place);
    }
    return error;
}

void place_leave(const struct place *place)
{
    if (place->kind == PLACE_SHARED) /* nothing there is ours */
        return;
    if (place->kind == PLACE_NAMESPACE)
        umount2(RUN_FOLDER, MNT_DETACH); /* with everything in it */
    else if (place->owns_run)
        tree_clear(RUN_FOLDER);
    else if (place->home)
        tree_remove(AT_FDCWD, place->home);
}

void place_fini(struct place *place)
{
    free(place->home);
    place->home = NULL;
}

int place_set_environment(const struct place *place, struct environment *environment)
{
    if (place->kind == PLACE_HOME)
        return environment_set(environment, "LTTNG_HOME", place->home);
    environment_unset(environment, "LTTNG_HOME"); /* another daemon than ours */
    return 0;
}
