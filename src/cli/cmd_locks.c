/* mapscope locks: prints collector/lock_table, once or again and again. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/say.h"
#include "collector/lock_table.h"
#include "exporters/chrome/json.h"
#include "model/contention.h"
#include "support/outbuf.h"
#include "support/utf8.h"

static const char usage[] =
    "usage: mapscope locks [OPTION...] DIR | PID\n"
    "\n"
    "Who holds and who waits for which lock, and what each has cost so far: of a recorded process that\n"
    "runs (PID), or of all that were recorded into DIR, also when they have ended, or were killed.\n"
    "\n"
    "  --watch[=SECONDS]  again and again (1), until ^C or until they have all ended\n"
    "  --top N            at most N locks (20)\n"
    "  --json             one JSON object for each table, on a line\n"
    "\n"
    "Exit status: 0 done, 1 there is no page to be read, 2 wrong usage.\n";

struct request {
    const char *target;
    uint64_t watch_seconds; /* 0 = once */
    uint64_t top;
    bool is_json, is_terminal;
    size_t width; /* 0 = any */
};

static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static int parse(struct request *request, int argc, char **argv)
{
    static const struct option options[] = {{"watch", optional_argument, NULL, 'w'},
                                            {"top", required_argument, NULL, 't'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h')
            return -1;
        if (option == 'j')
            request->is_json = true;
        else if (option == 'w' && !options_number(optarg ? optarg : "1", 1, 86400, &request->watch_seconds))
            return cli_usage_error("--watch takes seconds from 1 to 86400", "locks");
        else if (option == 't' && !options_number(optarg, 1, 1000000, &request->top))
            return cli_usage_error("--top takes a number from 1 on", "locks");
        else if (option != 'w' && option != 't')
            return CLI_USAGE;
    }
    if (optind != argc - 1)
        return cli_usage_error("locks takes one folder or process number", "locks");
    request->target = argv[optind];
    return 0;
}

/* ---- a table for people ---- */

enum { COLUMNS = 7, CELL_SIZE = 40 };

/* All but the first column, the lock's title, which takes what is left of the line. */
static const char *const headings[COLUMNS] = {"KIND",        "WAITERS", "HOLDER", "LONGEST",
                                              "CONTENTIONS", "WAITED",  "PROCESS"};
static const bool is_number[COLUMNS] = {false, true, false, true, true, true, false};

struct cells {
    char text[COLUMNS][CELL_SIZE];
};

static void print_duration(char out[CELL_SIZE], uint64_t ns)
{
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
    size_t i = 0;
    while (i < 3 && ns < units[i].ns)
        i++;
    snprintf(out, CELL_SIZE, units[i].ns > 1 ? "%.2f %s" : "%.0f %s", (double)ns / (double)units[i].ns, units[i].name);
}

static void print_thread(char out[CELL_SIZE], const char *name, uint32_t number)
{
    char *clean = utf8_printable(name, strlen(name));
    if (number == 0)
        snprintf(out, CELL_SIZE, "-");
    else if (clean && clean[0])
        snprintf(out, CELL_SIZE, "%s (%" PRIu32 ")", clean, number);
    else
        snprintf(out, CELL_SIZE, "%" PRIu32, number);
    free(clean);
}

static void make_cells(const struct lock_table_row *row, struct cells *out)
{
    snprintf(out->text[0], CELL_SIZE, "%s", contention_kind_text(row->kind));
    snprintf(out->text[1], CELL_SIZE, "%zu", row->waiters);
    print_thread(out->text[2], row->holder, row->holder_tid);
    print_duration(out->text[3], row->longest_ns);
    snprintf(out->text[4], CELL_SIZE, "%" PRIu64, row->contentions);
    print_duration(out->text[5], row->wait_ns);
    print_thread(out->text[6], row->process, row->pid);
}

/* Characters that take a column each, but for those that combine, which names of locks seldom have. */
static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xC0) != 0x80;
    return columns;
}

/* The title, cut or filled up to `width` columns. */
static void print_title(const char *title, size_t width)
{
    char *clean = utf8_printable(title, strlen(title));
    const char *text = clean ? clean : "?";
    size_t columns = columns_of(text), kept = columns > width ? width - 3 : columns, bytes = 0;
    for (size_t seen = 0; text[bytes]; bytes++) {
        seen += ((unsigned char)text[bytes] & 0xC0) != 0x80;
        if (seen > kept)
            break;
    }
    printf("%.*s%s%*s", (int)bytes, text, columns > width ? "..." : "", columns < width ? (int)(width - columns) : 0,
           "");
    free(clean);
}

struct layout {
    size_t title, columns[COLUMNS], count; /* widths; `count` columns are shown */
};

enum { TITLE_MIN = 12 };

static struct layout lay_out(const struct request *request, const struct lock_table *table, size_t rows,
                             const struct cells *cells)
{
    struct layout layout = {.title = TITLE_MIN, .count = table->processes > 1 ? COLUMNS : COLUMNS - 1};
    size_t others = 0;
    for (size_t column = 0; column < layout.count; column++) {
        layout.columns[column] = strlen(headings[column]);
        for (size_t i = 0; i < rows; i++) {
            size_t width = columns_of(cells[i].text[column]);
            layout.columns[column] = width > layout.columns[column] ? width : layout.columns[column];
        }
        others += 2 + layout.columns[column];
    }
    for (size_t i = 0; i < rows; i++) {
        size_t width = columns_of(table->rows[i].title);
        layout.title = width > layout.title ? width : layout.title;
    }
    if (request->width && layout.title + others > request->width)
        layout.title = request->width > others + TITLE_MIN ? request->width - others : TITLE_MIN;
    return layout;
}

static void print_line(const struct layout *layout, const char *title, const struct cells *cells)
{
    print_title(title, layout->title);
    for (size_t column = 0; column < layout->count; column++) {
        const char *text = cells ? cells->text[column] : headings[column];
        int fill = (int)(layout->columns[column] - columns_of(text));
        bool is_last = column + 1 == layout->count;
        printf("  %*s%s%*s", is_number[column] ? fill : 0, "", text, is_number[column] || is_last ? 0 : fill, "");
    }
    putchar('\n');
}

static void print_summary(const struct lock_table *table, size_t rows)
{
    size_t waiting = 0;
    for (size_t i = 0; i < table->count; i++)
        waiting += table->rows[i].waiters;
    printf("%zu process%s, %zu of them running; %zu thread%s waiting; %zu of %zu locks contended", table->processes,
           table->processes == 1 ? "" : "es", table->running, waiting, waiting == 1 ? "" : "s", table->count,
           table->locks);
    if (rows < table->count)
        printf(", the first %zu of them:", rows);
    putchar('\n');
    if (table->lost_waits)
        printf("%" PRIu64 " waits found no place in the page and are missing here\n", table->lost_waits);
    if (table->evicted)
        printf("%" PRIu64 " times a lock that nobody waited for made room for another: its totals are in the trace, "
               "or with [other locks]\n",
               table->evicted);
}

static int print_table(const struct request *request, const struct lock_table *table)
{
    size_t rows = table->count < request->top ? table->count : (size_t)request->top;
    struct cells *cells = calloc(rows + 1, sizeof *cells);
    if (!cells)
        return -ENOMEM;
    for (size_t i = 0; i < rows; i++)
        make_cells(&table->rows[i], &cells[i]);
    struct layout layout = lay_out(request, table, rows, cells);
    if (request->watch_seconds && request->is_terminal)
        fputs("\033[H\033[J", stdout);
    print_summary(table, rows);
    if (rows)
        print_line(&layout, "LOCK", NULL);
    for (size_t i = 0; i < rows; i++)
        print_line(&layout, table->rows[i].title, &cells[i]);
    if (request->watch_seconds && !request->is_terminal)
        putchar('\n');
    free(cells);
    return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

/* ---- JSON ---- */

static char *put_text(struct outbuf *out, char *at, const char *text, bool is_known)
{
    return is_known ? json_string(out, at, text) : JSON_PUT(at, "null");
}

static void put_row(struct outbuf *out, const struct lock_table_row *row)
{
    char *at = json_begin(out);
    at = JSON_PUT(at, "{\"lock\":");
    at = json_string(out, at, row->title);
    at = JSON_PUT(at, ",\"kind\":");
    at = json_string(out, at, contention_kind_text(row->kind));
    at = JSON_PUT(at, ",\"pid\":");
    at = json_u64(at, row->pid);
    at = JSON_PUT(at, ",\"process\":");
    at = put_text(out, at, row->process, row->process[0] != '\0');
    at = row->process_has_ended ? JSON_PUT(at, ",\"running\":false") : JSON_PUT(at, ",\"running\":true");
    at = JSON_PUT(at, ",\"waiters\":");
    at = json_u64(at, row->waiters);
    at = JSON_PUT(at, ",\"holder_tid\":");
    at = json_u64(at, row->holder_tid);
    at = JSON_PUT(at, ",\"holder\":");
    at = put_text(out, at, row->holder, row->holder[0] != '\0');
    at = JSON_PUT(at, ",\"longest_ns\":");
    at = json_u64(at, row->longest_ns);
    at = JSON_PUT(at, ",\"contentions\":");
    at = json_u64(at, row->contentions);
    at = JSON_PUT(at, ",\"wait_ns\":");
    at = json_u64(at, row->wait_ns);
    at = JSON_PUT(at, "}");
    json_end(out, at);
}

static int print_json(const struct request *request, const struct lock_table *table, struct diag *diag)
{
    struct outfile file;
    int error = outfile_open(&file, "-", diag);
    if (error)
        return error;
    outbuf_printf(&file.out,
                  "{\"processes\":%zu,\"running\":%zu,\"known_locks\":%zu,\"lost_waits\":%" PRIu64
                  ",\"evicted\":%" PRIu64 ",\"locks\":[",
                  table->processes, table->running, table->locks, table->lost_waits, table->evicted);
    for (size_t i = 0; i < table->count && i < request->top; i++) {
        outbuf_text(&file.out, i ? "," : "");
        put_row(&file.out, &table->rows[i]);
    }
    outbuf_text(&file.out, "]}\n");
    return outfile_commit(&file, diag);
}

/* ---- once, or again and again ---- */

/* 1 = nothing of it runs any more. */
static int show(const struct request *request, struct diag *diag)
{
    struct lock_table table;
    int error = lock_table_read(request->target, &table, diag);
    if (error)
        return error;
    bool is_over = table.running == 0;
    error = request->is_json ? print_json(request, &table, diag) : print_table(request, &table);
    if (error && !request->is_json)
        diag_errno(diag, -error, "cannot print the table");
    lock_table_fini(&table);
    return error ? error : is_over;
}

static int watch(const struct request *request, struct diag *diag)
{
    struct sigaction action = {.sa_handler = note_interrupt};
    struct timespec pause = {.tv_sec = (time_t)request->watch_seconds};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int status = show(request, diag);
    bool has_shown = status >= 0;
    while (status == 0 && !interrupted) {
        nanosleep(&pause, NULL); /* a signal ends it */
        if (!interrupted)
            status = show(request, diag);
    }
    return has_shown && (status == -ESRCH || status == -ENODATA) ? 0 : status; /* the process has ended meanwhile */
}

int cmd_locks(int argc, char **argv)
{
    struct winsize size;
    struct request request = {.top = 20, .is_terminal = isatty(STDOUT_FILENO) == 1};
    int status = parse(&request, argc, argv);
    if (status < 0)
        fputs(usage, stdout);
    if (status)
        return status < 0 ? CLI_DONE : status;
    if (request.is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        request.width = size.ws_col;
    struct diag diag;
    diag_init(&diag);
    status = request.watch_seconds ? watch(&request, &diag) : show(&request, &diag);
    if (status < 0)
        say_error(&diag);
    diag_fini(&diag);
    return status < 0 ? CLI_FAILED : CLI_DONE;
}
