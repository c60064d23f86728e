/* Reading a tree of FHIR JSON, with the place of everything read.
 *
 * A node is a value and the way to it, on the stack of who walks. Asking an absent node for anything gives absence, so
 * a chain of questions needs no checks between. A value of the wrong type, or a day that does not exist, refuses the
 * whole import: the first refusal is kept with its place, and from then on every answer is absence. */
#ifndef CLI_FHIR_READ_H
#define CLI_FHIR_READ_H

#include "common/core/arena.h"
#include "common/core/fault.h"
#include "common/core/instant.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fhir_import;

struct reader {
    struct arena *arena;     /* of the caller: what stays */
    struct arena *scratch;   /* of the import: what goes  */
    struct fhir_import *out; /* for odd things and the tally */
    struct why *why;
    int64_t now_ms;
    bool refused;
};

struct node {
    struct json_object *json; /* NULL: absent */
    const struct node *up;
    const char *key; /* NULL: an item of a list, or the root */
    size_t index;
};

struct node node_root(struct json_object *json);
struct node node_get(struct reader *r, const struct node *object, const char *key);
size_t node_count(struct reader *r, const struct node *list);
struct node node_item(struct reader *r, const struct node *list, size_t index);
bool node_is_there(const struct node *node);

/* NULL when absent or empty. Lives as long as the tree. */
const char *node_text(struct reader *r, const struct node *node);
const char *node_text_of(struct reader *r, const struct node *object, const char *key);

/* A decimal times 1000, half away from zero. False when absent; a number that does not fit is odd, and absent. */
bool node_milli(struct reader *r, const struct node *node, int64_t *out);

bool node_is_true(struct reader *r, const struct node *node);

/* How a time may lie to the moment of the import. */
enum tense { TENSE_PAST, TENSE_ANY };

/* False when absent. Refuses what is no day of the years 1880 to 2200, and of the past one what is more than a day
 * ahead. */
bool node_time(struct reader *r, const struct node *node, enum tense tense, struct said_time *out);
bool node_time_of(
    struct reader *r, const struct node *object, const char *key, enum tense tense, struct said_time *out);

/* `entry[12].resource.onsetDateTime`, in the scratch. */
const char *node_place(struct reader *r, const struct node *node);

/* Refuses the import: the place, then the sentence. The first refusal stands. */
void node_refuse(struct reader *r, const struct node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Notes what is left out, with its place, and goes on. */
void node_odd(struct reader *r, const struct node *node, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The text in the caller's arena, cut to as many code points as the contract has room for; NULL gives NULL. */
char *keep_text(struct reader *r, const char *text, size_t most);
char *keep_day(struct reader *r, const struct said_time *said); /* NULL unless it names a day */

#endif
