#include "common/core/zone_file.h"

#include "common/core/must.h"
#include "common/core/slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE     44
#define KIND_SIZE       6
#define OFFSET_S_MAX    (26 * 3600)
#define RULE_TIME_S_MAX (167 * 3600 + 3599)

/* The parts of a TZif block, in the order of their counts in the header. */
enum part { UT_MARKS, STANDARD_MARKS, LEAPS, CHANGES, KINDS, CHARS, PARTS };

struct header {
    char version;
    uint32_t counts[PARTS];
};

struct bytes {
    const uint8_t *at;
    size_t left;
};

static bool take_bytes(struct bytes *bytes, size_t size, const uint8_t **out)
{
    if (size > bytes->left) {
        return false;
    }
    *out = bytes->at;
    bytes->at += size;
    bytes->left -= size;
    return true;
}

static uint64_t big_endian(const uint8_t *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

static bool take_header(struct bytes *bytes, struct header *out)
{
    const uint8_t *at;
    if (!take_bytes(bytes, HEADER_SIZE, &at) || memcmp(at, "TZif", 4) != 0) {
        return false;
    }
    out->version = (char)at[4];
    for (int part = 0; part < PARTS; part++) {
        out->counts[part] = (uint32_t)big_endian(at + 20 + 4 * part, 4);
        if (out->counts[part] > ZONE_FILE_BYTES) {
            return false;
        }
    }
    return true;
}

/* Every file begins with a block of 32-bit times, for readers that know no better. */
static bool skip_first_block(struct bytes *bytes)
{
    struct header header;
    const uint8_t *skipped;
    if (!take_header(bytes, &header) || header.version < '2') {
        return false;
    }
    const uint32_t *n = header.counts;
    size_t size = 5 * (size_t)n[CHANGES] + KIND_SIZE * (size_t)n[KINDS] + n[CHARS] + 8 * (size_t)n[LEAPS] +
                  n[STANDARD_MARKS] + n[UT_MARKS];
    return take_bytes(bytes, size, &skipped);
}

static bool set_abbreviation(struct zone_kind *kind, const char *text, size_t size)
{
    if (size >= sizeof kind->abbreviation) {
        return false;
    }
    memcpy(kind->abbreviation, text, size);
    kind->abbreviation[size] = '\0';
    return true;
}

static bool read_kinds(struct zone *zone, const uint8_t *at, const char *chars, size_t char_count)
{
    for (size_t i = 0; i < zone->kind_count; i++, at += KIND_SIZE) {
        struct zone_kind *kind = &zone->kinds[i];
        kind->offset_s = (int32_t)big_endian(at, 4);
        kind->is_dst = at[4] != 0;
        size_t start = at[5];
        if (start >= char_count || kind->offset_s > OFFSET_S_MAX || kind->offset_s < -OFFSET_S_MAX) {
            return false;
        }
        if (!set_abbreviation(kind, chars + start, strnlen(chars + start, char_count - start))) {
            return false;
        }
    }
    return true;
}

static bool read_changes(struct zone *zone, const uint8_t *times, const uint8_t *kinds)
{
    for (size_t i = 0; i < zone->change_count; i++) {
        zone->changes_s[i] = (int64_t)big_endian(times + 8 * i, 8);
        zone->change_kinds[i] = kinds[i];
        bool ascending = i == 0 || zone->changes_s[i] > zone->changes_s[i - 1];
        if (!ascending || kinds[i] >= zone->kind_count) {
            return false;
        }
    }
    return true;
}

static bool read_block(struct zone *zone, struct bytes *bytes)
{
    struct header header;
    if (!take_header(bytes, &header)) {
        return false;
    }
    const uint32_t *n = header.counts;
    const uint8_t *times, *change_kinds, *kinds, *chars, *marks;
    /* Leap seconds are refused: instants here do not count them. */
    if (n[KINDS] == 0 || n[KINDS] > UINT8_MAX + 1 || n[LEAPS] != 0 || !take_bytes(bytes, 8 * n[CHANGES], &times) ||
        !take_bytes(bytes, n[CHANGES], &change_kinds) || !take_bytes(bytes, KIND_SIZE * n[KINDS], &kinds) ||
        !take_bytes(bytes, n[CHARS], &chars) || !take_bytes(bytes, n[STANDARD_MARKS] + n[UT_MARKS], &marks)) {
        return false;
    }
    zone->change_count = n[CHANGES];
    zone->kind_count = n[KINDS];
    zone->changes_s = calloc(zone->change_count + 1, sizeof *zone->changes_s);
    zone->change_kinds = calloc(zone->change_count + 1, sizeof *zone->change_kinds);
    zone->kinds = calloc(zone->kind_count, sizeof *zone->kinds);
    MUST(zone->changes_s != NULL && zone->change_kinds != NULL && zone->kinds != NULL);
    return read_kinds(zone, kinds, (const char *)chars, n[CHARS]) && read_changes(zone, times, change_kinds);
}

static bool take_char(struct slice *text, char c)
{
    if (text->size == 0 || text->at[0] != c) {
        return false;
    }
    text->at++;
    text->size--;
    return true;
}

static bool take_number(struct slice *text, int max, int *out)
{
    size_t size = 0;
    while (size < text->size && ascii_is_digit(text->at[size])) {
        size++;
    }
    uint64_t value;
    if (!slice_parse_uint((struct slice){text->at, size}, (uint64_t)max, &value)) {
        return false;
    }
    text->at += size;
    text->size -= size;
    *out = (int)value;
    return true;
}

/* EST, or <+0330> in angle brackets. */
static bool take_abbreviation(struct slice *text, struct zone_kind *kind)
{
    bool quoted = take_char(text, '<');
    size_t size = 0;
    while (size < text->size && (quoted ? text->at[size] != '>' : ascii_is_letter(text->at[size]))) {
        size++;
    }
    if (size == 0 || !set_abbreviation(kind, text->at, size)) {
        return false;
    }
    text->at += size;
    text->size -= size;
    return !quoted || take_char(text, '>');
}

/* A signed h, h:mm or h:mm:ss. */
static bool take_clock(struct slice *text, int *out_s)
{
    bool negative = take_char(text, '-');
    int hours, minutes = 0, seconds = 0;
    if (!negative) {
        take_char(text, '+');
    }
    if (!take_number(text, RULE_TIME_S_MAX / 3600, &hours) ||
        (take_char(text, ':') && !take_number(text, 59, &minutes)) ||
        (take_char(text, ':') && !take_number(text, 59, &seconds))) {
        return false;
    }
    int time_s = (hours * 60 + minutes) * 60 + seconds;
    *out_s = negative ? -time_s : time_s;
    return true;
}

/* ",M3.2.0/2", ",J60" or ",59", each with a time or 02:00 without. */
static bool take_rule(struct slice *text, struct zone_rule *rule)
{
    bool right = take_char(text, ',');
    if (take_char(text, 'M')) {
        rule->form = ZONE_DAY_MONTH_WEEK;
        right = right && take_number(text, 12, &rule->month) && rule->month > 0 && take_char(text, '.') &&
                take_number(text, 5, &rule->week) && rule->week > 0 && take_char(text, '.') &&
                take_number(text, 6, &rule->weekday);
    } else if (take_char(text, 'J')) {
        rule->form = ZONE_DAY_WITHOUT_LEAP;
        right = right && take_number(text, 365, &rule->day) && rule->day > 0;
    } else {
        rule->form = ZONE_DAY_OF_YEAR;
        right = right && take_number(text, 365, &rule->day);
    }
    rule->time_s = 2 * 3600;
    return right && (!take_char(text, '/') || take_clock(text, &rule->time_s));
}

static bool parse_tail(struct zone_tail *tail, struct slice text)
{
    if (text.size == 0) {
        return true;
    }
    int west_s;
    tail->is_known = true;
    if (!take_abbreviation(&text, &tail->standard) || !take_clock(&text, &west_s)) {
        return false;
    }
    tail->standard.offset_s = -west_s;
    if (text.size == 0) {
        return true;
    }
    tail->has_dst = true;
    tail->summer.is_dst = true;
    tail->summer.offset_s = tail->standard.offset_s + 3600;
    if (!take_abbreviation(&text, &tail->summer)) {
        return false;
    }
    if (text.size > 0 && text.at[0] != ',') {
        if (!take_clock(&text, &west_s)) {
            return false;
        }
        tail->summer.offset_s = -west_s;
    }
    return take_rule(&text, &tail->to_summer) && take_rule(&text, &tail->to_standard) && text.size == 0;
}

/* The last line of the file, between line feeds. */
static bool read_tail(struct zone *zone, struct bytes *bytes)
{
    struct slice text = {(const char *)bytes->at, bytes->left};
    if (!take_char(&text, '\n') || text.size == 0 || text.at[text.size - 1] != '\n') {
        return false;
    }
    text.size--;
    return parse_tail(&zone->tail, text);
}

struct zone *zone_parse(const uint8_t *bytes, size_t size, const char *name)
{
    struct zone *zone = calloc(1, sizeof *zone);
    MUST(zone != NULL && strlen(name) < sizeof zone->name);
    strcpy(zone->name, name);
    struct bytes rest = {bytes, size};
    if (!skip_first_block(&rest) || !read_block(zone, &rest) || !read_tail(zone, &rest)) {
        zone_free(zone);
        return NULL;
    }
    return zone;
}

struct zone *zone_read(const char *path, const char *name)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return NULL;
    }
    uint8_t bytes[ZONE_FILE_BYTES];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    bool whole = size < sizeof bytes && !ferror(file);
    fclose(file);
    return whole ? zone_parse(bytes, size, name) : NULL;
}

void zone_free(struct zone *zone)
{
    if (zone != NULL) {
        free(zone->changes_s);
        free(zone->change_kinds);
        free(zone->kinds);
        free(zone);
    }
}
