#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/core/slice.h"
#include "common/core/utf8.h"
#include "common/core/zone.h"
#include "services/cli/cli.h"

int say_wrong(enum exit_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("casebus: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return status;
}

int say_fault(const struct cli *cli, const char *what, const struct answered *answered)
{
    int status = exit_status_of(answered->fault);
    const char *why = answered->why.text[0] ? answered->why.text : fault_meaning(answered->fault);
    if (cli->options.json) {
        printf("{\"fault\":\"%s\",\"id\":\"%s\"}\n", fault_word(answered->fault), answered->id);
    }
    say_wrong((enum exit_status)status, "%s: %s: %s", what, fault_word(answered->fault), why);
    if (status == EXIT_UNKNOWN) {
        fprintf(stderr, "         it may have been done; ask again with --id %s\n", answered->id);
    }
    return status;
}

static const char *escape(const struct cli *cli, const char *code)
{
    return cli->colour ? code : "";
}

const char *say_bold(const struct cli *cli)
{
    return escape(cli, "\033[1m");
}

const char *say_dim(const struct cli *cli)
{
    return escape(cli, "\033[2m");
}

const char *say_red(const struct cli *cli)
{
    return escape(cli, "\033[31m");
}

const char *say_green(const struct cli *cli)
{
    return escape(cli, "\033[32m");
}

const char *say_plain(const struct cli *cli)
{
    return escape(cli, "\033[0m");
}

/* Columns of a word, one per code point. */
static size_t columns(const char *at, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += ((unsigned char)at[i] & 0xc0) != 0x80;
    }
    return count;
}

/* Lays words into lines; writes them unless `out` is NULL. Returns how many lines there are. */
static size_t lay(FILE *out, const char *text, size_t indent, size_t width)
{
    size_t column = indent;
    size_t lines = 1;
    bool first = true;
    while (*text != '\0') {
        size_t size = strcspn(text, " ");
        size_t wide = columns(text, size);
        if (!first && column + 1 + wide > width) {
            if (out) {
                fprintf(out, "\n%*s", (int)indent, "");
            }
            column = indent;
            first = true;
            lines++;
        }
        if (out) {
            fprintf(out, "%s%.*s", first ? "" : " ", (int)size, text);
        }
        column += wide + (first ? 0 : 1);
        first = false;
        text += size;
        text += strspn(text, " ");
    }
    return lines;
}

void say_wrapped(const char *text, size_t indent, size_t width)
{
    lay(stdout, text, indent, width);
    putchar('\n');
}

size_t say_height(const char *text, size_t indent, size_t width)
{
    return lay(NULL, text, indent, width);
}

void say_cut(const char *text, size_t width)
{
    size_t size = strlen(text);
    if (columns(text, size) <= width) {
        puts(text);
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; columns(text, i) <= width - 3; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) {
            kept = i;
        }
    }
    printf("%.*s...\n", (int)kept, text);
}

const char *say_actor(struct arena *arena, Casebus__Role role, bool simulated)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(&casebus__role__descriptor, role);
    if (!value || role == CASEBUS__ROLE__ROLE_UNSPECIFIED) {
        return "somebody";
    }
    if (role == CASEBUS__ROLE__ROLE_SYSTEM) {
        return "";
    }
    char *word = arena_strdup(arena, value->name + strlen("ROLE_"));
    ascii_lower_all(word);
    for (char *c = word; *c != '\0'; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
    return simulated ? arena_printf(arena, "%s (simulated)", word) : word;
}

const char *say_clock(struct arena *arena, const char *zone, int64_t at_ms)
{
    static const char *const MONTHS[] = {
        "", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const struct zone *found = zone ? zone_find(zone) : NULL;
    struct local_time local = zone_local(found ? found : zone_find("UTC"), at_ms);
    struct wall_time wall = local.wall;
    int hour = wall.hour % 12 == 0 ? 12 : wall.hour % 12;
    return arena_printf(arena, "%s %2d %2d:%02d %s", MONTHS[wall.date.month], wall.date.day, hour, wall.minute,
        wall.hour < 12 ? "AM" : "PM");
}
