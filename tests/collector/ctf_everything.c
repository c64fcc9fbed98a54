/* See ctf_everything.h. */
#include "collector/ctf_everything.h"

static const char everything[] =
    "event { name = \"t:all\"; id = 3; stream_id = 0; loglevel = 13; fields := struct {\n"
    "u8 _a; s16 _b; u32 _c; s64 _d; f32 _e; f64 _f; string _g; u16 _h;\n"
    "integer { size = 16; align = 8; byte_order = be; } _i; integer { size = 16; align = 8; byte_order = le; } _j;\n"
    "u8 _k[3]; text8 _l[4]; u16 __m_length; s32 _m[ __m_length ]; u8 __o_length; text8 _o[ __o_length ];\n"
    "integer { size = 3; align = 1; } _p; integer { size = 13; align = 1; signed = 1; } _q;\n"
    "enum : s8 { \"LOW\" = -2, \"NEXT\", \"RANGE\" = 10 ... 20 } _r; u32 _s; u64 __t_length; u64 _t[ __t_length ];\n"
    "u8 __u_length; f64 _u[ __u_length ]; }; };\n"
    "event { name = \"t:nothing\"; id = 70000; stream_id = 0; fields := struct { }; };";

static void put_everything(struct ctf_writer *writer, uint64_t time)
{
    unsigned array_align = writer->layout.natural_alignment ? 64 : 8;
    bool big = writer->layout.big_endian;
    ctf_put_event(writer, 3, time);
    ctf_put(writer, 32, 4711);
    ctf_put_bytes(writer, "name\0rest", 10);
    ctf_put_at(writer, array_align, 8, 200); /* the payload's structure begins aligned */
    ctf_put(writer, 16, (uint64_t)-300);
    ctf_put(writer, 32, 4000000000);
    ctf_put(writer, 64, (uint64_t)-5000000000);
    ctf_put_float(writer, 1.5f);
    ctf_put_double(writer, -2.25);
    ctf_put_bytes(writer, "odd", 4);
    ctf_put(writer, 16, 65000);
    ctf_put_at(writer, 8, 16, big ? 0x1234 : 0x3412);
    ctf_put_at(writer, 8, 16, big ? 0x3412 : 0x1234);
    ctf_put_bytes(writer, "\1\2\377", 3);
    ctf_put_bytes(writer, "ab\0d", 4);
    ctf_put(writer, 16, 2);
    ctf_put(writer, 32, (uint64_t)-1);
    ctf_put(writer, 32, 77);
    ctf_put(writer, 8, 3);
    ctf_put_bytes(writer, "xyz", 3);
    ctf_put_at(writer, 1, 3, 5);
    ctf_put_at(writer, 1, 13, (uint64_t)-1000);
    ctf_put(writer, 8, (uint64_t)-1);
    ctf_put(writer, 32, 99);
    ctf_put(writer, 64, 0);
    ctf_put_at(writer, array_align, 0, 0); /* an empty sequence aligns too */
    ctf_put(writer, 8, 2);
    ctf_put_double(writer, 0.5);
    ctf_put_double(writer, 8);
}

static void put_nothing(struct ctf_writer *writer, uint64_t time)
{
    ctf_put_event(writer, 70000, time);
    ctf_put(writer, 32, 4711);
    ctf_put_bytes(writer, "name\0rest", 10);
}

uint64_t ctf_everything_time(uint64_t index)
{
    return 1000 + 10 * index + (index % 3 ? UINT64_C(1) << 40 : 0) + ((index / 3) << 41);
}

static struct ctf_layout complete(const struct ctf_layout *variation)
{
    struct ctf_layout layout = *variation;
    layout.context = "s32 _vpid; text8 _procname[10];";
    layout.events = everything;
    return layout;
}

char *ctf_everything_text(const struct ctf_layout *variation)
{
    struct ctf_layout layout = complete(variation);
    return ctf_layout_text(&layout);
}

void ctf_write_everything(const char *folder, const struct ctf_layout *variation)
{
    struct ctf_layout layout = complete(variation);
    struct ctf_writer writer;
    ctf_write_metadata(folder, &layout);
    ctf_writer_open(&writer, &layout, 5);
    for (uint64_t i = 0; i < CTF_EVERYTHING_EVENTS; i += 3) {
        ctf_packet_begin(&writer, ctf_everything_time(i) - 1, i / 3);
        put_everything(&writer, ctf_everything_time(i));
        put_everything(&writer, ctf_everything_time(i + 1));
        put_nothing(&writer, ctf_everything_time(i + 2));
        ctf_packet_end(&writer, 4096);
    }
    ctf_writer_save(&writer, folder, "ch_5");
    ctf_writer_close(&writer);
}
