/* See proc.h. */
#include "collector/doctor/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/vec.h"

enum { TEXT_MAX = 16 << 20, READ_BYTES = 16384 };

const char *proc_path(pid_t pid, const char *name, char path[PROC_PATH_SIZE])
{
    snprintf(path, PROC_PATH_SIZE, "/proc/%ld/%s", (long)pid, name);
    return path;
}

/* Files of /proc say nothing of their size: read until the end. */
static int read_all(int fd, char **text, size_t *size)
{
    char *bytes = NULL;
    size_t count = 0, capacity = 0;
    for (;;) {
        int error = count < TEXT_MAX ? VEC_RESERVE(bytes, count, capacity, READ_BYTES + 1) : -EFBIG;
        ssize_t got = error ? 0 : read(fd, bytes + count, READ_BYTES);
        if (got < 0)
            error = -errno;
        if (error) {
            free(bytes);
            return error;
        }
        if (got == 0)
            break;
        count += (size_t)got;
    }
    bytes[count] = '\0';
    *text = bytes;
    *size = count;
    return 0;
}

int proc_read(pid_t pid, const char *name, char **text, size_t *size)
{
    char path[PROC_PATH_SIZE];
    int fd = open(proc_path(pid, name, path), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = read_all(fd, text, size);
    close(fd);
    return error;
}

int proc_read_link(pid_t pid, const char *name, char **target)
{
    char path[PROC_PATH_SIZE], text[PATH_MAX];
    ssize_t length = readlink(proc_path(pid, name, path), text, sizeof text - 1);
    if (length < 0)
        return -errno;
    *target = strndup(text, (size_t)length);
    return *target ? 0 : -ENOMEM;
}

bool proc_exists(pid_t pid)
{
    char state = proc_state(pid);
    return state && state != 'Z' && state != 'X';
}

char proc_state(pid_t pid)
{
    char *text, state = 0;
    size_t size;
    if (proc_read(pid, "stat", &text, &size))
        return 0;
    const char *end = strrchr(text, ')'); /* of the name, which may have parentheses itself */
    if (end && end[1] == ' ')
        state = end[2];
    free(text);
    return state;
}

int proc_user(pid_t pid, uid_t *user)
{
    char *text;
    size_t size;
    int error = proc_read(pid, "status", &text, &size);
    if (error)
        return error;
    const char *line = strstr(text, "\nUid:");
    unsigned effective;
    error = line && sscanf(line, "\nUid: %*u %u", &effective) == 1 ? 0 : -EBADMSG;
    free(text);
    if (!error)
        *user = effective;
    return error;
}

/* A line: 7f0000000000-7f0000001000 r-xp 00000000 08:01 131 /usr/lib/libc.so.6 */
bool proc_maps_has(const char *maps, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = maps; *line;) {
        size_t line_length = strcspn(line, "\n");
        const char *slash = memrchr(line, '/', line_length);
        if (slash && (size_t)(line + line_length - slash) > length && strncmp(slash + 1, name, length) == 0)
            return true;
        line += line_length + (line[line_length] == '\n');
    }
    return false;
}

static int add_socket(int folder, const char *name, uint64_t **inodes, size_t *count, size_t *capacity)
{
    char target[64];
    uint64_t inode;
    ssize_t length = readlinkat(folder, name, target, sizeof target - 1);
    if (length < 0) /* closed meanwhile; `.` is no link either */
        return 0;
    target[length] = '\0';
    if (sscanf(target, "socket:[%" SCNu64 "]", &inode) != 1)
        return 0;
    int error = VEC_RESERVE(*inodes, *count, *capacity, 1);
    if (!error)
        (*inodes)[(*count)++] = inode;
    return error;
}

int proc_sockets(pid_t pid, uint64_t **inodes, size_t *count)
{
    char path[PROC_PATH_SIZE];
    DIR *folder = opendir(proc_path(pid, "fd", path));
    if (!folder)
        return -errno;
    size_t capacity = 0;
    int error = 0;
    *inodes = NULL;
    *count = 0;
    for (const struct dirent *entry; !error && (entry = readdir(folder));)
        error = add_socket(dirfd(folder), entry->d_name, inodes, count, &capacity);
    closedir(folder);
    if (error)
        free(*inodes);
    return error;
}

int proc_shares_folder(pid_t pid, const char *path)
{
    char *theirs_path, root[PROC_PATH_SIZE];
    struct stat ours, theirs;
    if (stat(proc_path(pid, "root", root), &theirs))
        return -errno;
    if (asprintf(&theirs_path, "%s%s", root, path) < 0)
        return -ENOMEM;
    bool is_same = stat(path, &ours) == 0 && stat(theirs_path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
                   ours.st_ino == theirs.st_ino;
    free(theirs_path);
    return is_same;
}
