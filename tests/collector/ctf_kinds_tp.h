/* Events with a field of every kind that LTTng-UST can write, for ctf_kinds.c. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER ctf_kinds
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "collector/ctf_kinds_tp.h"

#if !defined(TESTS_CTF_KINDS_TP_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define TESTS_CTF_KINDS_TP_H

#include <lttng/tracepoint.h>
#include <stdint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_ENUM(ctf_kinds, color,
    LTTNG_UST_TP_ENUM_VALUES(
        lttng_ust_field_enum_value("red", 0)
        lttng_ust_field_enum_auto("next")
        lttng_ust_field_enum_range("many words", 10, 20)
        lttng_ust_field_enum_value("below", -3)
        lttng_ust_field_enum_range("also", 15, 30)))

LTTNG_UST_TRACEPOINT_EVENT(ctf_kinds, numbers,
    LTTNG_UST_TP_ARGS(int64_t, n),
    LTTNG_UST_TP_FIELDS(
        lttng_ust_field_integer(int8_t, s8, (int8_t)n)
        lttng_ust_field_integer(uint8_t, u8, (uint8_t)n)
        lttng_ust_field_integer(int16_t, s16, (int16_t)(n * 99))
        lttng_ust_field_integer(uint16_t, u16, (uint16_t)(n * 99))
        lttng_ust_field_integer(int32_t, s32, (int32_t)(n * 9999))
        lttng_ust_field_integer(uint32_t, u32, (uint32_t)(n * 9999))
        lttng_ust_field_integer(int64_t, s64, n * INT64_C(0x1234567890))
        lttng_ust_field_integer(uint64_t, u64, (uint64_t)n * UINT64_C(0x1234567890))
        lttng_ust_field_integer_hex(uint64_t, hex, (uint64_t)n * UINT64_C(0xFEDCBA987))
        lttng_ust_field_integer_network(uint16_t, net16, (uint16_t)n)
        lttng_ust_field_integer_network(int32_t, net32, (int32_t)n)
        lttng_ust_field_integer_network_hex(uint64_t, net64, (uint64_t)n)
        lttng_ust_field_float(float, single, (float)n / 3)
        lttng_ust_field_float(double, real, (double)n / 7)
        lttng_ust_field_enum(ctf_kinds, color, int32_t, color, (int32_t)(n % 35 - 4))))

LTTNG_UST_TRACEPOINT_EVENT(ctf_kinds, arrays,
    LTTNG_UST_TP_ARGS(const char *, text, const uint8_t *, bytes, size_t, count),
    LTTNG_UST_TP_FIELDS(
        lttng_ust_field_string(line, text)
        lttng_ust_field_array(uint8_t, three, bytes, 3)
        lttng_ust_field_array_hex(uint8_t, four, bytes, 4)
        lttng_ust_field_array_text(char, cut, text, 5)
        lttng_ust_field_sequence(uint8_t, some, bytes, size_t, count)
        lttng_ust_field_sequence_hex(uint16_t, words, (const uint16_t *)bytes, uint8_t, (uint8_t)(count / 2))
        lttng_ust_field_sequence_network(uint32_t, nets, (const uint32_t *)bytes, uint16_t, (uint16_t)(count / 4))
        lttng_ust_field_sequence(int64_t, longs, (const int64_t *)bytes, uint32_t, (uint32_t)(count / 8))
        lttng_ust_field_sequence_text(char, part, text, size_t, count % 7 + 1)
        lttng_ust_field_integer(uint8_t, last, 255)))

/* As our own events are: lengths of 32 bits, and nothing that is smaller beside them. */
LTTNG_UST_TRACEPOINT_EVENT(ctf_kinds, tails,
    LTTNG_UST_TP_ARGS(int64_t, n, const char *, text, const uint8_t *, bytes, uint32_t, count),
    LTTNG_UST_TP_FIELDS(
        lttng_ust_field_integer(int64_t, s64, n)
        lttng_ust_field_integer(int32_t, s32, (int32_t)n)
        lttng_ust_field_integer(uint32_t, u32, (uint32_t)(n % 3))
        lttng_ust_field_sequence(uint64_t, stack, (const uint64_t *)bytes, uint32_t, count / 8)
        lttng_ust_field_sequence_text(char, part, text, uint32_t, count % 9 + 1)
        lttng_ust_field_integer(int32_t, behind, (int32_t)-n)
        lttng_ust_field_sequence(uint8_t, some, bytes, uint32_t, count)
        lttng_ust_field_integer(uint64_t, hash, (uint64_t)n * UINT64_C(0xFEDCBA987))
        lttng_ust_field_string(line, text)))

LTTNG_UST_TRACEPOINT_EVENT(ctf_kinds, nothing,
    LTTNG_UST_TP_ARGS(),
    LTTNG_UST_TP_FIELDS())

/* Texts of no length: the test leaves them out, see there. */
LTTNG_UST_TRACEPOINT_EVENT(ctf_kinds, empty_text,
    LTTNG_UST_TP_ARGS(const char *, text),
    LTTNG_UST_TP_FIELDS(
        lttng_ust_field_string(line, text)
        lttng_ust_field_sequence_text(char, none, text, uint32_t, 0)))
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
