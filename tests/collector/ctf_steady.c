/*
 * Writes a trace of any length by a program that never holds more: two threads, each with a map in which a fixed
 * set of keys comes and goes by deferred cleanups, and one lock that both wait for. What reads it needs the same
 * memory however long it is. usage: ctf_steady EVENTS FOLDER
 */
#include "support/cmocka_main.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/ctf_writer.h"

enum { THREADS = 2, KEYS = 500, STEP_EVENTS = 8, STEP_NS = 1000, PACKET_STEPS = 500 };

enum { ALLOC, PUSH, ASSIGN, ACCESS, RUN_BEGIN, DELETE, RUN_END, WAIT, RELEASE };

#define EVENT(number, name, fields)                                                                                    \
    "event { name = \"mapscope:" name "\"; id = " #number "; stream_id = 0; fields := struct { " fields " }; };\n"
#define OBJECT(name) "u32 _" name "; u8 _" name "_gen; "
#define OPERATION(found)                                                                                               \
    OBJECT("map")                                                                                                      \
    "u32 _seq; u32 _key_id; u8 _rate; u64 _begin_ns; u64 _end_ns; u32 _version; u32 _scope; "                          \
    "u32 _action; u8 _" found ";"
#define STACK "u8 __stack_length; u64 _stack[__stack_length];"
#define DEFER OBJECT("map") "u32 _action; u32 _scope; u32 _key_id; u32 _version;"

static const struct ctf_layout layout = {
    .uuid = 1,
    .clock_uuid = 1,
    .context = "u32 _vpid; u32 _vtid;",
    .events = EVENT(0, "map_alloc", OBJECT("map")) EVENT(1, "defer_push", DEFER)
        EVENT(2, "map_assign", OPERATION("inserted") STACK) EVENT(3, "map_access", OPERATION("hit")) EVENT(
            4, "defer_run_begin", DEFER) EVENT(5, "map_delete", OPERATION("found")) EVENT(6, "defer_run_end", DEFER)
            EVENT(7, "lock_wait", OBJECT("lock") "u64 _begin_ns; u32 _wait_ns; u32 _weight; u32 _owner_tid; " STACK)
                EVENT(8, "lock_release",
                      OBJECT("lock") "u64 _release_ns; u32 _charge_ns; u32 _weight; u8 _waiters; " STACK),
};

struct thread {
    struct ctf_writer writer;
    FILE *file;
    uint32_t number; /* of the thread, its map and its stream */
    uint64_t seq, packets;
};

static void put_event(struct thread *thread, uint32_t id, uint64_t time)
{
    ctf_put_event(&thread->writer, id, time);
    ctf_put(&thread->writer, 32, 100);
    ctf_put(&thread->writer, 32, 101 + thread->number);
}

static void put_object(struct thread *thread, uint64_t address)
{
    ctf_put(&thread->writer, 32, address);
    ctf_put(&thread->writer, 8, 1);
}

static void put_stack(struct thread *thread)
{
    ctf_put(&thread->writer, 8, 2);
    ctf_put(&thread->writer, 64, 0x1000);
    ctf_put(&thread->writer, 64, 0x2000 + thread->number);
}

static void put_defer(struct thread *thread, uint32_t id, uint64_t time, uint64_t step)
{
    put_event(thread, id, time);
    put_object(thread, 0x100 + thread->number);
    ctf_put(&thread->writer, 32, step * THREADS + thread->number + 1);
    ctf_put(&thread->writer, 32, 0);
    ctf_put(&thread->writer, 32, step % KEYS);
    ctf_put(&thread->writer, 32, step / KEYS);
}

static void put_operation(struct thread *thread, uint32_t id, uint64_t time, uint64_t step, uint64_t action)
{
    struct ctf_writer *writer = &thread->writer;
    put_event(thread, id, time);
    put_object(thread, 0x100 + thread->number);
    ctf_put(writer, 32, ++thread->seq);
    ctf_put(writer, 32, step % KEYS);
    ctf_put(writer, 8, 1);
    ctf_put(writer, 64, time - 20);
    ctf_put(writer, 64, time - 10);
    ctf_put(writer, 32, step / KEYS + 1);
    ctf_put(writer, 32, 0);
    ctf_put(writer, 32, action);
    ctf_put(writer, 8, 1);
}

static void put_wait(struct thread *thread, uint64_t time)
{
    put_event(thread, WAIT, time);
    put_object(thread, 0x200);
    ctf_put(&thread->writer, 64, time - 50);
    ctf_put(&thread->writer, 32, 40 + time % 7);
    ctf_put(&thread->writer, 32, 65536);
    ctf_put(&thread->writer, 32, 101 + (thread->number + 1) % THREADS);
    put_stack(thread);
}

static void put_release(struct thread *thread, uint64_t time)
{
    put_event(thread, RELEASE, time);
    put_object(thread, 0x200);
    ctf_put(&thread->writer, 64, time - 5);
    ctf_put(&thread->writer, 32, 30 + time % 5);
    ctf_put(&thread->writer, 32, 65536);
    ctf_put(&thread->writer, 8, 1);
    put_stack(thread);
}

/* A key lives for as long as its cleanup waits: until the action that was registered in this step runs. */
static void put_step(struct thread *thread, uint64_t step, uint64_t time)
{
    put_defer(thread, PUSH, time, step);
    put_operation(thread, ASSIGN, time + 100, step, 0);
    put_stack(thread);
    put_operation(thread, ACCESS, time + 200, step, 0);
    put_defer(thread, RUN_BEGIN, time + 300, step);
    put_operation(thread, DELETE, time + 400, step, step * THREADS + thread->number + 1);
    put_defer(thread, RUN_END, time + 500, step);
    put_wait(thread, time + 600);
    put_release(thread, time + 700);
}

static void put_packet(struct thread *thread, uint64_t first, uint64_t end)
{
    struct ctf_writer *writer = &thread->writer;
    uint64_t start = STEP_NS * (first + 1);
    ctf_packet_begin(writer, start, thread->packets++);
    if (first == 0) {
        put_event(thread, ALLOC, start);
        put_object(thread, 0x100 + thread->number);
    }
    for (uint64_t step = first; step < end; step++)
        put_step(thread, step, STEP_NS * (step + 1) + thread->number);
    ctf_packet_end(writer, 4096);
    assert_int_equal(fwrite(writer->bytes, 1, writer->at / 8, thread->file), writer->at / 8);
    ctf_writer_close(writer);
    ctf_writer_open(writer, &layout, thread->number);
}

static void write_thread(const char *folder, uint32_t number, uint64_t steps)
{
    struct thread thread = {.number = number};
    char name[16];
    snprintf(name, sizeof name, "ev_%u", number);
    char *path = ctf_path(folder, name);
    thread.file = fopen(path, "wb");
    assert_non_null(thread.file);
    ctf_writer_open(&thread.writer, &layout, number);
    for (uint64_t step = 0; step < steps; step += PACKET_STEPS)
        put_packet(&thread, step, step + PACKET_STEPS < steps ? step + PACKET_STEPS : steps);
    ctf_writer_close(&thread.writer);
    assert_int_equal(fclose(thread.file), 0);
    free(path);
}

int main(int argc, char **argv)
{
    uint64_t events = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
    if (!events) {
        fprintf(stderr, "usage: ctf_steady EVENTS FOLDER\n");
        return 2;
    }
    ctf_write_metadata(argv[2], &layout);
    for (uint32_t i = 0; i < THREADS; i++)
        write_thread(argv[2], i, events / (STEP_EVENTS * THREADS) + 1);
    return 0;
}
