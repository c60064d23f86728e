#include "common/contract/json.h"

#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/core/utf8.h"

#include <stdlib.h>
#include <string.h>

/* json-c keeps the last of two equal keys, takes "1." and lone surrogates, and lets whole numbers stick at their
 * largest value. So the text is walked first, by the grammar of RFC 8259 and no more than it. */

#define DEPTH_CEILING 64
#define FIRST_KEYS    64
#define KEY_SHOWN     48

const struct json_limits JSON_LIMITS = {JSON_SIZE_MAX, JSON_DEPTH_MAX, JSON_VALUES_MAX};

struct key {
    struct slice name; /* Without escapes. */
    const char *place; /* Where its quote stands. */
};

struct walk {
    const char *start, *at, *end;
    const struct json_limits *limits;
    struct arena *arena;
    struct why *why;
    unsigned values;
    struct key *keys; /* Of all open objects, one after the other. */
    size_t n_keys, room_for_keys;
};

/* ---- Refusing ---- */

static enum fault refuse_at(struct walk *walk, const char *place, const char *what, const char *detail)
{
    size_t line = 1;
    const char *line_start = walk->start;
    for (const char *c = walk->start; c < place; c++) {
        if (*c == '\n') {
            line++;
            line_start = c + 1;
        }
    }
    size_t column = utf8_length(line_start, (size_t)(place - line_start)) + 1;
    why_set(walk->why, "line %zu, column %zu: %s%s", line, column, what, detail);
    return FAULT_INVALID;
}

static enum fault refuse(struct walk *walk, const char *what)
{
    return walk->at == walk->end ? refuse_at(walk, walk->at, "the text ends too early", "")
                                 : refuse_at(walk, walk->at, what, "");
}

/* ---- Tokens ---- */

static void skip_space(struct walk *walk)
{
    while (walk->at < walk->end && strchr(" \t\r\n", *walk->at) != NULL && *walk->at != '\0') {
        walk->at++;
    }
}

static bool next_is(const struct walk *walk, char c)
{
    return walk->at < walk->end && *walk->at == c;
}

static bool take(struct walk *walk, char c)
{
    bool there = next_is(walk, c);
    walk->at += there;
    return there;
}

/* Four hexadecimal digits behind `\u`; -1 when they are not. */
static int32_t take_hex(struct walk *walk)
{
    int32_t value = 0;
    if (walk->end - walk->at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        char c = ascii_lower(walk->at[i]);
        if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'f')) {
            return -1;
        }
        value = value * 16 + (ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    walk->at += 4;
    return value;
}

/* A code point of one or two `\u` escapes, the first already begun. */
static enum fault take_code_point(struct walk *walk, const char *place, uint32_t *out)
{
    int32_t high = take_hex(walk);
    if (high < 0) {
        return refuse_at(walk, place, "\\u needs four hexadecimal digits", "");
    }
    if (high == 0) {
        return refuse_at(walk, place, "a NUL character is not allowed", "");
    }
    *out = (uint32_t)high;
    if (high < 0xd800 || high > 0xdfff) {
        return FAULT_NONE;
    }
    int32_t low = high < 0xdc00 && take(walk, '\\') && take(walk, 'u') ? take_hex(walk) : -1;
    if (low < 0xdc00 || low > 0xdfff) {
        return refuse_at(walk, place, "half of a surrogate pair", "");
    }
    *out = 0x10000 + (((uint32_t)high - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
    return FAULT_NONE;
}

static enum fault take_escape(struct walk *walk, char *out, size_t *size)
{
    static const char NAMES[] = "\"\\/bfnrt";
    static const char MEANS[] = "\"\\/\b\f\n\r\t";
    const char *place = walk->at - 1;
    if (take(walk, 'u')) {
        uint32_t code_point = 0;
        enum fault fault = take_code_point(walk, place, &code_point);
        *size = fault == FAULT_NONE ? utf8_put(out, code_point) : 0;
        return fault;
    }
    const char *name = walk->at < walk->end && *walk->at != '\0' ? strchr(NAMES, *walk->at) : NULL;
    if (name == NULL) {
        return refuse(walk, "no such escape");
    }
    walk->at++;
    out[0] = MEANS[name - NAMES];
    *size = 1;
    return FAULT_NONE;
}

/* A string, its first quote to be taken. `raw` is what stands between the quotes. */
static enum fault take_string(struct walk *walk, struct slice *raw)
{
    const char *quote = walk->at++;
    while (walk->at < walk->end && *walk->at != '"') {
        char piece[UTF8_SIZE_MAX];
        size_t size = 0;
        if ((unsigned char)*walk->at < 0x20) {
            return refuse(walk, "a control character inside a string must be escaped");
        }
        enum fault fault = *walk->at++ == '\\' ? take_escape(walk, piece, &size) : FAULT_NONE;
        if (fault != FAULT_NONE) {
            return fault;
        }
    }
    *raw = (struct slice){quote + 1, (size_t)(walk->at - quote) - 1};
    return take(walk, '"') ? FAULT_NONE : refuse_at(walk, quote, "this string does not end", "");
}

/* The string as it is meant, from what take_string() found right; in the arena if it had escapes. */
static struct slice unescape(const struct walk *walk, struct slice raw)
{
    if (memchr(raw.at, '\\', raw.size) == NULL) {
        return raw;
    }
    struct walk again = {.start = raw.at, .at = raw.at, .end = raw.at + raw.size};
    char *plain = arena_alloc(walk->arena, raw.size);
    size_t size = 0;
    while (again.at < again.end) {
        size_t piece_size = 1;
        plain[size] = *again.at++;
        if (plain[size] == '\\') {
            char piece[UTF8_SIZE_MAX];
            MUST(take_escape(&again, piece, &piece_size) == FAULT_NONE);
            memcpy(plain + size, piece, piece_size);
        }
        size += piece_size;
    }
    return (struct slice){plain, size};
}

static bool take_digits(struct walk *walk)
{
    const char *first = walk->at;
    while (walk->at < walk->end && ascii_is_digit(*walk->at)) {
        walk->at++;
    }
    return walk->at > first;
}

static bool whole_number_fits(struct slice digits, bool negative)
{
    uint64_t value = 0;
    return slice_parse_uint(digits, negative ? UINT64_C(1) << 63 : UINT64_MAX, &value);
}

static enum fault take_number(struct walk *walk)
{
    const char *place = walk->at;
    bool negative = take(walk, '-');
    const char *digits = walk->at;
    if (!take_digits(walk)) {
        return refuse(walk, "a number needs digits");
    }
    if (*digits == '0' && walk->at > digits + 1) {
        return refuse_at(walk, place, "a number does not begin with 0", "");
    }
    const char *whole_end = walk->at;
    if (take(walk, '.') && !take_digits(walk)) {
        return refuse(walk, "a number needs digits behind its point");
    }
    if (take(walk, 'e') || take(walk, 'E')) {
        (void)(take(walk, '+') || take(walk, '-'));
        if (!take_digits(walk)) {
            return refuse(walk, "a number needs digits in its exponent");
        }
    }
    if (walk->at == whole_end && !whole_number_fits((struct slice){digits, (size_t)(whole_end - digits)}, negative)) {
        return refuse_at(walk, place, "this whole number does not fit 64 bits", "");
    }
    return FAULT_NONE;
}

static enum fault take_word(struct walk *walk)
{
    static const char *const WORDS[] = {"true", "false", "null"};
    for (size_t i = 0; i < ARRAY_LENGTH(WORDS); i++) {
        size_t size = strlen(WORDS[i]);
        if ((size_t)(walk->end - walk->at) >= size && memcmp(walk->at, WORDS[i], size) == 0) {
            walk->at += size;
            return FAULT_NONE;
        }
    }
    return refuse(walk, "no value of JSON begins like this");
}

/* ---- Keys ---- */

static void add_key(struct walk *walk, struct slice name, const char *place)
{
    if (walk->n_keys == walk->room_for_keys) {
        size_t room = walk->room_for_keys > 0 ? 2 * walk->room_for_keys : FIRST_KEYS;
        struct key *more = ARENA_ARRAY(walk->arena, struct key, room);
        if (walk->n_keys > 0) {
            memcpy(more, walk->keys, walk->n_keys * sizeof *more);
        }
        walk->keys = more;
        walk->room_for_keys = room;
    }
    walk->keys[walk->n_keys++] = (struct key){name, place};
}

static int by_name_and_place(const void *a, const void *b)
{
    const struct key *left = a;
    const struct key *right = b;
    int order = slice_compare(left->name, right->name);
    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

/* Ends an object whose keys begin at `first`. */
static enum fault close_keys(struct walk *walk, size_t first)
{
    struct key *keys = walk->keys + first;
    size_t count = walk->n_keys - first;
    walk->n_keys = first;
    if (count < 2) {
        return FAULT_NONE;
    }
    qsort(keys, count, sizeof *keys, by_name_and_place);
    for (size_t i = 1; i < count; i++) {
        if (slice_equal(keys[i - 1].name, keys[i].name)) {
            size_t shown = utf8_cut(keys[i].name.at, keys[i].name.size, KEY_SHOWN);
            return refuse_at(walk, keys[i].place,
                "a key is given twice: ", arena_printf(walk->arena, "%.*s", (int)shown, keys[i].name.at));
        }
    }
    return FAULT_NONE;
}

/* ---- Values ---- */

static enum fault take_value(struct walk *walk, unsigned depth);

static enum fault take_member(struct walk *walk, unsigned depth)
{
    struct slice raw;
    const char *place = walk->at;
    if (!next_is(walk, '"')) {
        return refuse(walk, "a key in quotes is needed here");
    }
    enum fault fault = take_string(walk, &raw);
    if (fault != FAULT_NONE) {
        return fault;
    }
    add_key(walk, unescape(walk, raw), place);
    skip_space(walk);
    return take(walk, ':') ? take_value(walk, depth) : refuse(walk, "a colon is needed behind a key");
}

/* The inside of an object or a list, its bracket taken. */
static enum fault take_entries(struct walk *walk, char close, unsigned depth)
{
    size_t first_key = walk->n_keys;
    skip_space(walk);
    if (take(walk, close)) {
        return FAULT_NONE;
    }
    for (;;) {
        enum fault fault = close == '}' ? take_member(walk, depth) : take_value(walk, depth);
        if (fault != FAULT_NONE) {
            return fault;
        }
        skip_space(walk);
        if (take(walk, close)) {
            return close == '}' ? close_keys(walk, first_key) : FAULT_NONE;
        }
        if (!take(walk, ',')) {
            return refuse(walk, close == '}' ? "a comma or } is needed here" : "a comma or ] is needed here");
        }
        skip_space(walk);
    }
}

static enum fault take_value(struct walk *walk, unsigned depth)
{
    skip_space(walk);
    if (++walk->values > walk->limits->values) {
        return refuse(walk, "the text has too many values");
    }
    if (next_is(walk, '"')) {
        struct slice raw;
        return take_string(walk, &raw);
    }
    if (next_is(walk, '{') || next_is(walk, '[')) {
        char close = next_is(walk, '{') ? '}' : ']';
        if (depth == walk->limits->depth) {
            return refuse(walk, "nested too deeply");
        }
        walk->at++;
        return take_entries(walk, close, depth + 1);
    }
    bool number = next_is(walk, '-') || (walk->at < walk->end && ascii_is_digit(*walk->at));
    return number ? take_number(walk) : take_word(walk);
}

static enum fault check_letters(struct walk *walk)
{
    if (utf8_is_valid(walk->start, (size_t)(walk->end - walk->start))) {
        return FAULT_NONE;
    }
    const char *at = walk->start;
    uint32_t code_point = 0;
    while (utf8_next(&at, walk->end, &code_point)) {
    }
    return refuse_at(walk, at, "the text is not UTF-8", "");
}

enum fault json_check(
    const char *text, size_t size, const struct json_limits *limits, struct arena *arena, struct why *why)
{
    MUST(limits->depth <= DEPTH_CEILING);
    struct walk walk = {.start = text, .at = text, .end = text + size, .limits = limits, .arena = arena, .why = why};
    if (size > limits->size) {
        why_set(why, "the text has %zu bytes, at most %zu are allowed", size, limits->size);
        return FAULT_INVALID;
    }
    enum fault fault = check_letters(&walk);
    if (fault == FAULT_NONE) {
        fault = take_value(&walk, 0);
    }
    if (fault != FAULT_NONE) {
        return fault;
    }
    skip_space(&walk);
    return walk.at == walk.end ? FAULT_NONE : refuse(&walk, "the value has ended, but the text goes on");
}

enum fault json_parse(const char *text, size_t size, const struct json_limits *limits, struct arena *arena,
    struct why *why, struct json_object **out)
{
    enum fault fault = json_check(text, size, limits, arena, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    struct json_tokener *tokener = json_tokener_new_ex((int)limits->depth + 1);
    MUST(tokener != NULL && size <= INT32_MAX);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *tree = json_tokener_parse_ex(tokener, text, (int)size);
    if (tree == NULL && json_tokener_get_error(tokener) == json_tokener_continue) {
        tree = json_tokener_parse_ex(tokener, "", 1); /* A bare number ends with the text. */
    }
    enum json_tokener_error error = json_tokener_get_error(tokener);
    json_tokener_free(tokener);
    if (error != json_tokener_success) {
        why_set(why, "the text is no JSON: %s", json_tokener_error_desc(error));
        return FAULT_INVALID;
    }
    *out = tree;
    return FAULT_NONE;
}
