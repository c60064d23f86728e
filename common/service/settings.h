/* Settings of a process: one table says their names, defaults and meaning, and everything else follows from it.
 *
 * A value comes from, the later ones on top: the table's default; the file; the environment, `CASEBUS_<NAME>`; the
 * arguments,
 * `--name=value` or `--name value`. The file (setting `config`) has lines `name = value`; those before the first
 * section are for every process, those in `[program]` for that program alone. What nobody knows is refused with a
 * sentence that says where it stands, so that a misspelt setting never goes unnoticed. */
#ifndef CASEBUS_SERVICE_SETTINGS_H
#define CASEBUS_SERVICE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/core/fault.h"
#include "common/core/text.h"

#define SETTINGS_MAX      64   /* of one process */
#define SETTING_BYTES_MAX 1024 /* of one value */
#define SETTING_LIST_MAX  16   /* values of a list, separated by commas */

/* Whether the value may be; else `why` completes the sentence "log-level is "loud": ...". */
typedef bool setting_check(const char *value, struct why *why);

/* A table ends with an empty row. */
struct setting {
    const char *name;     /* lower-case words with dashes */
    const char *fallback; /* the default; NULL: must be given */
    const char *help;     /* one line */
    setting_check *check; /* NULL: any text */
};

struct settings;

enum settings_outcome {
    SETTINGS_READY,
    SETTINGS_HELP,  /* --help was asked for: print settings_help() and end well */
    SETTINGS_WRONG, /* `why` says what is wrong, where, and what is known */
};

/* Reads them. `tables` is a NULL-ended list of tables; a name stands in one of them only. `program` names the section
 * of the file. `words` says whether arguments without dashes may be given. `environment` is NULL-ended, as environ. */
enum settings_outcome settings_load(const char *program, const struct setting *const *tables, bool words, int argc,
    char **argv, char **environment, struct settings **out, struct why *why);
void settings_free(struct settings **settings);

/* The value; asking for one that is in no table is a MUST. Lives as long as the settings. */
const char *settings_text(const struct settings *settings, const char *name);
int64_t settings_number(const struct settings *settings, const char *name);
bool settings_yes(const struct settings *settings, const char *name);
/* The parts of a comma-separated value; empty ones are left out. */
size_t settings_list(const struct settings *settings, const char *name, const char *out[static SETTING_LIST_MAX]);

/* Arguments without dashes, in their order. */
size_t settings_words(const struct settings *settings, const char *const **out);

/* Every setting with its default and meaning, for --help. */
void settings_help(const char *program, const char *usage, const struct setting *const *tables, struct text *out);

/* Checks for tables. */
bool setting_is_number(const char *value, struct why *why); /* 0 to 2^53 */
bool setting_is_port(const char *value, struct why *why);   /* 0 to 65535 */
bool setting_is_yes_no(const char *value, struct why *why);
bool setting_is_id(const char *value, struct why *why);
bool setting_is_level(const char *value, struct why *why);
bool setting_is_given(const char *value, struct why *why); /* not empty */

/* What every process of the house has: config, brokers, redis, instance, tenants, keys, actor-keys, seeds, http-port,
 * http-address, log-level. */
extern const struct setting SETTINGS_COMMON[];

#endif
