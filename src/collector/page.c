/* See page.h. Start reading at page_read. */
#include "collector/page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/page_layout.h"
#include "collector/page_list.h"

_Static_assert((int)PAGE_STACK == (int)LOCK_SNAPSHOT_STACK_MAX && (int)PAGE_NAME == (int)LOCK_SNAPSHOT_NAME_SIZE &&
                   (int)PAGE_COMM == (int)LOCK_SNAPSHOT_COMM_SIZE,
               "the model has room for what a page holds");

/* ---- what a page says ---- */

/* The bytes of a page, at three moments: what they agree on did not change hands. Of the second the rest is taken. */
enum { MOMENTS = 3, MIDDLE = 1 };

struct bytes {
    unsigned char *moments[MOMENTS]; /* may all be the same; aligned for any type */
    size_t size;
};

static const struct page_header *header_of(const struct bytes *bytes)
{
    return (const struct page_header *)(const void *)bytes->moments[MIDDLE];
}

static struct page_lock *lock_at(const struct bytes *bytes, int moment, size_t index)
{
    return (struct page_lock *)(void *)(bytes->moments[moment] + PAGE_LOCKS_OFFSET) + index;
}

static struct page_wait *wait_at(const struct bytes *bytes, int moment, size_t index)
{
    return (struct page_wait *)(void *)(bytes->moments[moment] + PAGE_WAITS_OFFSET) + index;
}

/* False: free, or it changed hands. */
static bool read_lock(const struct bytes *bytes, size_t index, struct page_lock *out)
{
    if (!page_lock_read(lock_at(bytes, MIDDLE, index), out))
        return false;
    for (int moment = 0; moment < MOMENTS; moment++)
        if (lock_at(bytes, moment, index)->gen != out->gen)
            return false;
    return true;
}

static bool read_wait(const struct bytes *bytes, size_t index, struct page_wait *out)
{
    if (!page_wait_read(wait_at(bytes, MIDDLE, index), out))
        return false;
    for (int moment = 0; moment < MOMENTS; moment++)
        if (wait_at(bytes, moment, index)->state != out->state)
            return false;
    return true;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* No time in the page is later than what it is as of. */
static uint64_t latest_of(const struct bytes *bytes, uint64_t at_ns)
{
    struct page_lock lock;
    struct page_wait wait;
    for (size_t i = 0; i < PAGE_LOCKS; i++)
        if (read_lock(bytes, i, &lock))
            at_ns = later(at_ns, later(lock.first_ns, lock.settled_ns));
    for (size_t i = 0; i < PAGE_WAITS; i++)
        if (read_wait(bytes, i, &wait))
            at_ns = later(at_ns, later(wait.begin_ns, wait.end_ns));
    return at_ns;
}

/* A damaged word may say anything: nobody waited longer than the process lives. */
static uint64_t owed(const struct lock_snapshot *snapshot, uint64_t word, uint64_t paid_ns)
{
    uint64_t life_ns = snapshot->at_ns > snapshot->begin_ns ? snapshot->at_ns - snapshot->begin_ns : 0, most_ns;
    uint64_t owed_ns = page_word_unsettled(word, paid_ns, snapshot->at_ns);
    if (__builtin_mul_overflow(page_word_waiters(word), life_ns, &most_ns) || owed_ns <= most_ns)
        return owed_ns;
    return 0;
}

static void take_lock(struct lock_snapshot *snapshot, struct page_lock *from)
{
    struct lock_snapshot_lock *lock = &snapshot->locks[snapshot->lock_count++];
    *lock = (struct lock_snapshot_lock){.object = {from->lock, from->gen},
                                        .kind = from->kind,
                                        .site = from->site,
                                        .map = from->map,
                                        .holder_tid = from->holder,
                                        .mode = from->mode,
                                        .is_free = from->is_free != 0,
                                        .waiters = page_word_waiters(from->word),
                                        .owed_ns = owed(snapshot, from->word, from->paid_ns),
                                        .handoff_ns = from->tell ? from->handoff_of_hold_ns : 0,
                                        .since_ns = later(from->first_ns, from->settled_ns),
                                        .totals = {.ops = from->ops,
                                                   .contentions = from->contentions,
                                                   .wait_ns = from->wait_ns,
                                                   .charge_ns = from->charge_ns,
                                                   .handoff_ns = from->handoff_ns,
                                                   .max_ns = from->max_ns,
                                                   .dropped = from->dropped},
                                        .counts_ops = from->counts_ops != 0};
    memcpy(lock->name, from->name, sizeof lock->name);
}

enum { NO_LOCK = PAGE_LOCKS };

/* `indices` of each entry of the page: its index in the snapshot, or NO_LOCK. */
static void take_locks(struct lock_snapshot *snapshot, const struct bytes *bytes, size_t indices[PAGE_LOCKS])
{
    struct page_lock lock;
    for (size_t i = 0; i < PAGE_LOCKS; i++) {
        indices[i] = NO_LOCK;
        if (!read_lock(bytes, i, &lock))
            continue;
        indices[i] = snapshot->lock_count;
        take_lock(snapshot, &lock);
    }
}

static uint64_t wait_ns_of(const struct lock_snapshot *snapshot, struct page_wait *from)
{
    uint64_t begin_ns = from->begin_ns, end_ns = from->end_ns;
    if (page_wait_phase(from->state) != PAGE_WAIT_ENDED)
        end_ns = snapshot->at_ns;
    return begin_ns && end_ns > begin_ns ? end_ns - begin_ns : 0;
}

static void take_wait(struct lock_snapshot *snapshot, struct page_wait *from, size_t lock)
{
    static const enum lock_wait_state states[] = {[PAGE_WAIT_WAITING] = LOCK_WAIT_BLOCKED,
                                                  [PAGE_WAIT_ENDED] = LOCK_WAIT_ENDED,
                                                  [PAGE_WAIT_SIGNAL] = LOCK_WAIT_SIGNAL};
    struct lock_snapshot_wait *wait = &snapshot->waits[snapshot->wait_count++];
    *wait = (struct lock_snapshot_wait){.lock = lock,
                                        .tid = from->tid,
                                        .owner_tid = from->owner,
                                        .state = states[page_wait_phase(from->state)],
                                        .kind = from->kind,
                                        .mode = from->mode,
                                        .result = from->result,
                                        .begin_ns = from->begin_ns,
                                        .wait_ns = wait_ns_of(snapshot, from),
                                        .pc_count = from->stack_count};
    memcpy(wait->pcs, from->stack, from->stack_count * sizeof *wait->pcs);
}

static void take_waits(struct lock_snapshot *snapshot, const struct bytes *bytes, const size_t indices[PAGE_LOCKS])
{
    struct page_wait wait;
    for (size_t i = 0; i < PAGE_WAITS; i++) {
        if (!read_wait(bytes, i, &wait) || page_wait_phase(wait.state) > PAGE_WAIT_SIGNAL)
            continue;
        size_t lock = indices[wait.lock];
        if (lock != NO_LOCK && snapshot->locks[lock].object.generation == wait.gen)
            take_wait(snapshot, &wait, lock);
    }
}

static int by_begin(const void *left, const void *right)
{
    const struct lock_snapshot_wait *a = left, *b = right;
    if (a->begin_ns != b->begin_ns)
        return a->begin_ns < b->begin_ns ? -1 : 1;
    return (a->tid > b->tid) - (a->tid < b->tid);
}

static void take_header(struct lock_snapshot *snapshot, const struct page_header *from)
{
    struct page_header header;
    memcpy((void *)&header, (const void *)from, sizeof header);
    *snapshot =
        (struct lock_snapshot){.pid = header.pid,
                               .parent_pid = header.parent,
                               .begin_ns = header.begin_ns,
                               .clock_offset_ns = (int64_t)(header.begin_epoch_ns - header.begin_ns),
                               .at_ns = header.end_ns,
                               .has_ended = header.state == PAGE_EXITED || header.end_ns,
                               .error = header.error,
                               .lost_waits = header.losses.waits_unslotted + header.losses.waits_unlocked,
                               .lost_waits_ns = header.losses.waits_unslotted_ns + header.losses.waits_unlocked_ns,
                               .evicted = header.losses.locks_evicted};
    memcpy(snapshot->comm, header.comm, sizeof snapshot->comm - 1);
}

static int take_tables(struct lock_snapshot *snapshot, const struct bytes *bytes)
{
    size_t *indices = calloc(PAGE_LOCKS, sizeof *indices);
    snapshot->locks = calloc(PAGE_LOCKS, sizeof *snapshot->locks);
    snapshot->waits = calloc(PAGE_WAITS, sizeof *snapshot->waits);
    bool has_memory = indices && snapshot->locks && snapshot->waits;
    if (has_memory) {
        snapshot->at_ns = latest_of(bytes, snapshot->at_ns);
        take_locks(snapshot, bytes, indices);
        take_waits(snapshot, bytes, indices);
        qsort(snapshot->waits, snapshot->wait_count, sizeof *snapshot->waits, by_begin);
    }
    free(indices);
    return has_memory ? 0 : -ENOMEM;
}

/* `now_ns`: of the second moment, 0 = the page says. */
static int parse(const struct bytes *bytes, uint64_t now_ns, struct lock_snapshot *out, struct diag *diag)
{
    bool has_tables;
    if (bytes->size < sizeof(struct page_header) || !page_header_check(header_of(bytes), bytes->size, &has_tables))
        return diag_set(diag, -EINVAL, "this is no page of mapscope, or of another version");
    struct lock_snapshot snapshot;
    take_header(&snapshot, header_of(bytes));
    snapshot.has_tables = has_tables;
    if (now_ns && !snapshot.at_ns)
        snapshot.at_ns = now_ns;
    snapshot.at_ns = later(snapshot.at_ns, snapshot.begin_ns);
    if (has_tables && take_tables(&snapshot, bytes)) {
        lock_snapshot_fini(&snapshot);
        return diag_errno(diag, ENOMEM, "cannot read the page");
    }
    *out = snapshot;
    return 0;
}

int page_parse(const void *bytes, size_t size, uint64_t now_ns, struct lock_snapshot *out, struct diag *diag)
{
    size_t used = size < PAGE_SIZE_WHOLE ? size : PAGE_SIZE_WHOLE;
    unsigned char *copy = malloc(used + 1); /* aligned, and not nothing */
    if (!copy)
        return diag_errno(diag, ENOMEM, "cannot read the page");
    memcpy(copy, bytes, used);
    struct bytes still = {.moments = {copy, copy, copy}, .size = used};
    int error = parse(&still, now_ns, out, diag);
    free(copy);
    return error;
}

/* ---- the file ---- */

/* As many bytes as there are, up to `size`; or a negative errno. */
static ssize_t read_all(int fd, unsigned char *out, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t got = pread(fd, out + used, size - used, (off_t)used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        used += (size_t)got;
    }
    return (ssize_t)used;
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* What all moments have is read; a page that grows in between has its tables next time. *now_ns: of the second. */
static int read_moments(int fd, struct bytes *bytes, uint64_t *now_ns)
{
    bytes->size = PAGE_SIZE_WHOLE;
    for (int moment = 0; moment < MOMENTS; moment++) {
        bytes->moments[moment] = malloc(PAGE_SIZE_WHOLE);
        ssize_t got = bytes->moments[moment] ? read_all(fd, bytes->moments[moment], PAGE_SIZE_WHOLE) : -ENOMEM;
        if (got < 0)
            return (int)got;
        if ((size_t)got < bytes->size)
            bytes->size = (size_t)got;
        if (moment == MIDDLE)
            *now_ns = monotonic_ns();
    }
    return 0;
}

static int read_open(int fd, uint64_t end_ns, struct lock_snapshot *out, struct diag *diag)
{
    struct stat status;
    struct bytes bytes = {.size = 0};
    uint64_t now_ns = 0;
    int error = fstat(fd, &status) ? -errno : S_ISREG(status.st_mode) ? read_moments(fd, &bytes, &now_ns) : -EINVAL;
    if (error)
        diag_errno(diag, -error, "cannot read it");
    bool is_alive =
        !error && bytes.size >= sizeof(struct page_header) && page_is_mapped_by((pid_t)header_of(&bytes)->pid, &status);
    if (!error)
        error = parse(&bytes, is_alive ? now_ns : end_ns, out, diag);
    if (!error && !is_alive)
        out->has_ended = true;
    for (int moment = 0; moment < MOMENTS; moment++)
        free(bytes.moments[moment]);
    return error;
}

int page_read(const char *path, uint64_t end_ns, struct lock_snapshot *out, struct diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return diag_errno(diag, errno, "cannot read %s", path);
    int error = read_open(fd, end_ns, out, diag);
    close(fd);
    return error ? diag_wrap(diag, error, "%s", path) : 0;
}
