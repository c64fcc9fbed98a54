/* See ctf_kernel.h. */
#include "collector/ctf_kernel.h"

#include <stdio.h>

#include "collector/ctf_writer.h"

enum { WAKING, SWITCH, ENTRY, EXIT, COMM_BYTES = 16, CPU_STEP_NS = 500 };

static const char events[] =
    "event { name = \"sched_waking\"; id = 0; stream_id = 0; fields := struct { text8 _comm[16]; s32 _tid; s32 _prio;\n"
    "s32 _target_cpu; }; };\n"
    "event { name = \"sched_switch\"; id = 1; stream_id = 0; fields := struct { text8 _prev_comm[16]; s32 _prev_tid;\n"
    "s32 _prev_prio; enum : s64 { \"TASK_RUNNING\" = 0, \"TASK_INTERRUPTIBLE\" = 1, \"TASK_UNINTERRUPTIBLE\" = 2 } "
    "_prev_state;\ntext8 _next_comm[16]; s32 _next_tid; s32 _next_prio; }; };\n"
    "event { name = \"syscall_entry_futex\"; id = 2; stream_id = 0; fields := struct {\n"
    "integer { size = 64; align = 8; base = 16; } _uaddr; s32 _op; u32 _val; u64 _utime; u64 _uaddr2; u32 _val3; }; "
    "};\n"
    "event { name = \"syscall_exit_futex\"; id = 3; stream_id = 0; fields := struct { s64 _ret; u64 _uaddr; }; };\n";

static void put_comm(struct ctf_writer *writer, const char *name)
{
    char comm[COMM_BYTES] = {0};
    snprintf(comm, sizeof comm, "%s", name);
    ctf_put_bytes(writer, comm, sizeof comm);
}

static void put_waking(struct ctf_writer *writer, uint64_t time)
{
    ctf_put_event(writer, WAKING, time);
    put_comm(writer, "server");
    ctf_put(writer, 32, 4711);
    ctf_put(writer, 32, 20);
    ctf_put(writer, 32, writer->instance);
}

static void put_switch(struct ctf_writer *writer, uint64_t time)
{
    ctf_put_event(writer, SWITCH, time);
    put_comm(writer, "swapper/0");
    ctf_put(writer, 32, 0);
    ctf_put(writer, 32, 20);
    ctf_put(writer, 64, 1);
    put_comm(writer, "server");
    ctf_put(writer, 32, 4711);
    ctf_put(writer, 32, 20);
}

static void put_entry(struct ctf_writer *writer, uint64_t time)
{
    ctf_put_event(writer, ENTRY, time);
    ctf_put(writer, 64, 0x7f0000001000);
    ctf_put(writer, 32, 128);
    ctf_put(writer, 32, 2);
    ctf_put(writer, 64, 0);
    ctf_put(writer, 64, 0);
    ctf_put(writer, 32, 0);
}

static void put_exit(struct ctf_writer *writer, uint64_t time)
{
    ctf_put_event(writer, EXIT, time);
    ctf_put(writer, 64, (uint64_t)-11);
    ctf_put(writer, 64, 0);
}

static void write_cpu(const char *folder, const struct ctf_layout *layout, unsigned cpu, uint64_t begin_ns)
{
    static void (*const put[])(struct ctf_writer *, uint64_t) = {put_waking, put_switch, put_entry, put_exit};
    struct ctf_writer writer;
    char name[32];
    uint64_t time = begin_ns + cpu * CPU_STEP_NS;
    ctf_writer_open(&writer, layout, cpu);
    ctf_packet_begin(&writer, time, 0);
    for (unsigned i = 0; i < 4 * CTF_KERNEL_ROUNDS; i++, time += 1000)
        put[i % 4](&writer, time);
    ctf_packet_end(&writer, 4096);
    snprintf(name, sizeof name, "channel0_%u", cpu);
    ctf_writer_save(&writer, folder, name);
    ctf_writer_close(&writer);
}

void ctf_write_kernel(const char *folder, uint64_t begin_ns, int64_t clock_offset_ns)
{
    struct ctf_layout layout = {
        .compact_header = true,
        .uuid = 0xaa,
        .clock_uuid = 0xbb,
        .clock_offset = clock_offset_ns,
        .env = "domain = \"kernel\"; sysname = \"Linux\"; kernel_release = \"6.1.0\"; tracer_name = \"lttng-modules\";",
        .events = events,
    };
    ctf_write_metadata(folder, &layout);
    for (unsigned cpu = 0; cpu < CTF_KERNEL_CPUS; cpu++)
        write_cpu(folder, &layout, cpu, begin_ns);
}
