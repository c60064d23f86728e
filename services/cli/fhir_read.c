#include "services/cli/fhir_read.h"

#include "common/core/slice.h"
#include "common/core/text.h"
#include "common/core/utf8.h"
#include "services/cli/fhir.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_YEAR    1880 /* of a day that the contract can hold */
#define LAST_YEAR     2200
#define MILLI_DIGITS  15 /* of a number that is still exact times 1000 */
#define PLACE_BYTES   1024
#define CLOCK_SKEW_MS DAY_MS /* a sender's clock, or a day without time in a zone ahead of ours */
#define EXPONENT_MAX  32

struct node node_root(struct json_object *json)
{
    return (struct node){.json = json};
}

bool node_is_there(const struct node *node)
{
    return node->json != NULL;
}

struct node node_get(struct reader *r, const struct node *object, const char *key)
{
    struct node out = {.up = object, .key = key};
    if (r->refused || object->json == NULL) {
        return out;
    }
    if (!json_object_is_type(object->json, json_type_object)) {
        node_refuse(r, object, "is not an object");
        return out;
    }
    json_object_object_get_ex(object->json, key, &out.json);
    return out;
}

size_t node_count(struct reader *r, const struct node *list)
{
    if (r->refused || list->json == NULL) {
        return 0;
    }
    if (!json_object_is_type(list->json, json_type_array)) {
        node_refuse(r, list, "is not a list");
        return 0;
    }
    return json_object_array_length(list->json);
}

struct node node_item(struct reader *r, const struct node *list, size_t index)
{
    struct node out = {.up = list, .index = index};
    if (index < node_count(r, list)) {
        out.json = json_object_array_get_idx(list->json, index);
    }
    return out;
}

const char *node_text(struct reader *r, const struct node *node)
{
    if (r->refused || node->json == NULL) {
        return NULL;
    }
    if (!json_object_is_type(node->json, json_type_string)) {
        node_refuse(r, node, "is not a string");
        return NULL;
    }
    const char *text = json_object_get_string(node->json);
    return str_is_empty(text) ? NULL : text;
}

const char *node_text_of(struct reader *r, const struct node *object, const char *key)
{
    struct node node = node_get(r, object, key);
    const char *text = node_text(r, &node);
    return text; /* not of this frame: it belongs to the tree */
}

bool node_is_true(struct reader *r, const struct node *node)
{
    if (r->refused || node->json == NULL) {
        return false;
    }
    if (!json_object_is_type(node->json, json_type_boolean)) {
        node_refuse(r, node, "is neither true nor false");
        return false;
    }
    return json_object_get_boolean(node->json);
}

/* Reads a JSON number, digit by digit, so that 0.1 stays 0.1. False when it has more digits than an exact answer needs.
 */
static bool decimal_to_milli(const char *at, int64_t *out)
{
    bool negative = *at == '-';
    int64_t value = 0;
    int digits = 0, scale = 3;
    bool point = false;
    for (at += negative; ascii_is_digit(*at) || *at == '.'; at++) {
        if (*at == '.') {
            point = true;
        } else if (digits < MILLI_DIGITS + 3) {
            value = value * 10 + (*at - '0');
            digits += value != 0;
            scale -= point;
        } else {
            scale += !point;
        }
    }
    if (ascii_lower(*at) == 'e') {
        long exponent = strtol(at + 1, NULL, 10);
        if (exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX) {
            return false;
        }
        scale += (int)exponent;
    }
    if (value == 0) {
        scale = 0;
    }
    for (; scale < -1; scale++) {
        value /= 10;
    }
    if (scale == -1) {
        value = (value + 5) / 10;
    }
    for (; scale > 0; scale--) {
        if (__builtin_mul_overflow(value, INT64_C(10), &value)) {
            return false;
        }
    }
    *out = negative ? -value : value;
    return true;
}

bool node_milli(struct reader *r, const struct node *node, int64_t *out)
{
    if (r->refused || node->json == NULL) {
        return false;
    }
    if (!json_object_is_type(node->json, json_type_double) && !json_object_is_type(node->json, json_type_int)) {
        node_refuse(r, node, "is not a number");
        return false;
    }
    if (!decimal_to_milli(json_object_to_json_string_ext(node->json, JSON_C_TO_STRING_PLAIN), out)) {
        node_odd(r, node, "is a number that no measurement has");
        return false;
    }
    return true;
}

bool node_time(struct reader *r, const struct node *node, enum tense tense, struct said_time *out)
{
    const char *text = node_text(r, node);
    if (text == NULL) {
        return false;
    }
    struct said_time said;
    if (!instant_parse_said(text, &said)) {
        node_refuse(r, node, "is \"%.40s\": no such day or time", text);
        return false;
    }
    if (said.date.year < FIRST_YEAR || said.date.year > LAST_YEAR) {
        node_refuse(r, node, "is \"%.40s\": not within the years %d to %d", text, FIRST_YEAR, LAST_YEAR);
        return false;
    }
    if (tense == TENSE_PAST && said.at_ms > r->now_ms + CLOCK_SKEW_MS) {
        node_refuse(r, node, "is \"%.40s\": in the future", text);
        return false;
    }
    *out = said;
    return true;
}

bool node_time_of(struct reader *r, const struct node *object, const char *key, enum tense tense, struct said_time *out)
{
    struct node node = node_get(r, object, key);
    return node_time(r, &node, tense, out);
}

static void add_place(struct text *text, const struct node *node)
{
    if (node->up == NULL) {
        return;
    }
    add_place(text, node->up);
    if (node->key == NULL) {
        text_addf(text, "[%zu]", node->index);
    } else {
        text_addf(text, "%s%s", text->size == 0 ? "" : ".", node->key);
    }
}

const char *node_place(struct reader *r, const struct node *node)
{
    struct text text;
    text_init(&text, PLACE_BYTES);
    add_place(&text, node);
    const char *place = arena_strdup(r->scratch, text.size == 0 ? "the bundle" : text.at);
    text_done(&text);
    return place;
}

void node_refuse(struct reader *r, const struct node *node, const char *format, ...)
{
    if (r->refused) {
        return;
    }
    va_list args;
    va_start(args, format);
    why_set(r->why, "%s %s", node_place(r, node), arena_vprintf(r->scratch, format, args));
    va_end(args);
    r->refused = true;
}

void node_odd(struct reader *r, const struct node *node, const char *format, ...)
{
    if (r->refused) {
        return;
    }
    if (r->out->n_odd == FHIR_ODD_MAX) {
        r->out->n_odd_more++;
        return;
    }
    va_list args;
    va_start(args, format);
    r->out->odd[r->out->n_odd++] =
        arena_printf(r->arena, "%s %s", node_place(r, node), arena_vprintf(r->scratch, format, args));
    va_end(args);
}

char *keep_text(struct reader *r, const char *text, size_t most)
{
    if (text == NULL) {
        return NULL;
    }
    const char *at = text, *end = text + strlen(text);
    uint32_t point;
    for (size_t n = 0; n < most && utf8_next(&at, end, &point); n++) {
    }
    return arena_strndup(r->arena, text, (size_t)(at - text));
}

char *keep_day(struct reader *r, const struct said_time *said)
{
    if (said->precision < PRECISION_DAY) {
        return NULL;
    }
    char day[DATE_SIZE];
    return arena_strdup(r->arena, date_format(day, said->date));
}
