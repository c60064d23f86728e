#include "common/service/settings.h"

#include "common/core/arena.h"
#include "common/core/id.h"
#include "common/core/must.h"
#include "common/core/slice.h"

#include <ini.h>
#include <stdlib.h>
#include <string.h>

#define ENVIRONMENT_PREFIX "CASEBUS_"

struct settings {
    struct arena arena;
    const char *program;
    const struct setting *rows[SETTINGS_MAX];
    const char *values[SETTINGS_MAX];
    size_t count;
    const char **words;
    size_t word_count;
};

/* ---- The table ---- */

static void add_tables(struct settings *settings, const struct setting *const *tables)
{
    for (; *tables != NULL; tables++) {
        for (const struct setting *row = *tables; row->name != NULL; row++) {
            MUST(settings->count < SETTINGS_MAX);
            settings->rows[settings->count] = row;
            settings->values[settings->count] = row->fallback;
            settings->count++;
        }
    }
}

/* The place of a setting, or -1. */
static int place_of(const struct settings *settings, struct slice name)
{
    for (size_t i = 0; i < settings->count; i++) {
        if (slice_equal(name, slice_of(settings->rows[i]->name))) {
            return (int)i;
        }
    }
    return -1;
}

static bool put(struct settings *settings, int place, const char *value, const char *where, struct why *why)
{
    const struct setting *row = settings->rows[place];
    struct why inner = {0};
    if (strlen(value) > SETTING_BYTES_MAX) {
        why_set(why, "%s: %s is longer than %d bytes", where, row->name, SETTING_BYTES_MAX);
        return false;
    }
    if (row->check != NULL && !row->check(value, &inner)) {
        why_set(why, "%s: %s is \"%s\": %s", where, row->name, value, inner.text);
        return false;
    }
    settings->values[place] = arena_strdup(&settings->arena, value);
    return true;
}

/* ---- Arguments ---- */

struct arguments {
    int argc;
    char **argv;
    int next;
};

static bool put_argument(struct settings *settings, struct arguments *rest, const char *argument, struct why *why)
{
    const char *name = argument + 2;
    const char *equals = strchr(name, '=');
    struct slice key = {name, equals != NULL ? (size_t)(equals - name) : strlen(name)};
    int place = place_of(settings, key);
    if (place < 0) {
        why_set(why, "there is no setting --%.*s; --help lists all", (int)key.size, key.at);
        return false;
    }
    if (equals == NULL && rest->next >= rest->argc) {
        why_set(why, "--%.*s needs a value", (int)key.size, key.at);
        return false;
    }
    return put(settings, place, equals != NULL ? equals + 1 : rest->argv[rest->next++], "argument", why);
}

static enum settings_outcome read_arguments(
    struct settings *settings, bool words, int argc, char **argv, struct why *why)
{
    struct arguments rest = {argc, argv, 1};
    settings->words = ARENA_ARRAY(&settings->arena, const char *, (size_t)argc + 1);
    while (rest.next < rest.argc) {
        const char *argument = rest.argv[rest.next++];
        if (str_same(argument, "--help") || str_same(argument, "-h")) {
            return SETTINGS_HELP;
        }
        if (str_starts_with(argument, "--") && argument[2] != '\0') {
            if (!put_argument(settings, &rest, argument, why)) {
                return SETTINGS_WRONG;
            }
        } else if (words) {
            settings->words[settings->word_count++] = argument;
        } else {
            why_set(why, "the argument \"%s\" is no setting; settings begin with --", argument);
            return SETTINGS_WRONG;
        }
    }
    return SETTINGS_READY;
}

/* ---- Environment ---- */

static struct slice name_of_variable(struct settings *settings, struct slice variable)
{
    char *name = arena_strndup(&settings->arena, variable.at, variable.size);
    ascii_lower_all(name);
    for (char *at = name; *at != '\0'; at++) {
        *at = *at == '_' ? '-' : *at;
    }
    return slice_of(name);
}

static bool read_environment(struct settings *settings, char **environment, struct why *why)
{
    size_t prefix = strlen(ENVIRONMENT_PREFIX);
    for (; environment != NULL && *environment != NULL; environment++) {
        const char *equals = strchr(*environment, '=');
        if (equals == NULL || !str_starts_with(*environment, ENVIRONMENT_PREFIX)) {
            continue;
        }
        struct slice variable = {*environment + prefix, (size_t)(equals - *environment) - prefix};
        int place = place_of(settings, name_of_variable(settings, variable));
        if (place < 0) {
            why_set(why, "environment: %s%.*s names no setting; --help lists all", ENVIRONMENT_PREFIX,
                (int)variable.size, variable.at);
            return false;
        }
        if (!put(settings, place, equals + 1, "environment", why)) {
            return false;
        }
    }
    return true;
}

/* ---- File ---- */

struct file {
    struct settings *settings;
    const char *path;
    struct why *why;
    bool wrong;
};

/* inih goes on after a fault; only the first is told. Sections of other programs are theirs to check. */
static int on_line(void *user, const char *section, const char *name, const char *value)
{
    struct file *file = user;
    struct settings *settings = file->settings;
    if (file->wrong || (section[0] != '\0' && !str_same(section, settings->program))) {
        return 1;
    }
    int place = place_of(settings, slice_of(name));
    if (place < 0) {
        why_set(file->why, "%s: there is no setting %s; --help lists all", file->path, name);
        file->wrong = true;
        return 1;
    }
    file->wrong = !put(settings, place, value, file->path, file->why);
    return 1;
}

static bool read_file(struct settings *settings, const char *path, struct why *why)
{
    struct file file = {settings, path, why, false};
    int line = ini_parse(path, on_line, &file);
    if (line < 0) {
        why_set(why, "could not read the settings file %s", path);
        return false;
    }
    if (line > 0 && !file.wrong) {
        why_set(why, "%s: line %d is neither \"name = value\" nor a section", path, line);
        return false;
    }
    return !file.wrong;
}

/* ---- All ---- */

static bool is_complete(const struct settings *settings, struct why *why)
{
    for (size_t i = 0; i < settings->count; i++) {
        if (settings->values[i] == NULL) {
            why_set(why, "%s is not set: %s", settings->rows[i]->name, settings->rows[i]->help);
            return false;
        }
    }
    return true;
}

/* The file stands below environment and arguments, but only they can say which file: so they are read twice. */
static enum settings_outcome read_all(
    struct settings *settings, bool words, int argc, char **argv, char **environment, struct why *why)
{
    enum settings_outcome outcome = SETTINGS_WRONG;
    for (int round = 0; round < 2; round++) {
        settings->word_count = 0;
        if (!read_environment(settings, environment, why)) {
            return SETTINGS_WRONG;
        }
        outcome = read_arguments(settings, words, argc, argv, why);
        int config = place_of(settings, SLICE("config"));
        if (outcome != SETTINGS_READY || config < 0 || str_is_empty(settings->values[config]) || round == 1) {
            break;
        }
        if (!read_file(settings, settings->values[config], why)) {
            return SETTINGS_WRONG;
        }
    }
    if (outcome == SETTINGS_READY && !is_complete(settings, why)) {
        outcome = SETTINGS_WRONG;
    }
    return outcome;
}

enum settings_outcome settings_load(const char *program, const struct setting *const *tables, bool words, int argc,
    char **argv, char **environment, struct settings **out, struct why *why)
{
    struct settings *settings = calloc(1, sizeof *settings);
    MUST(settings != NULL);
    arena_init(&settings->arena, 0);
    settings->program = program;
    add_tables(settings, tables);
    enum settings_outcome outcome = read_all(settings, words, argc, argv, environment, why);
    if (outcome == SETTINGS_READY) {
        *out = settings;
    } else {
        settings_free(&settings);
    }
    return outcome;
}

void settings_free(struct settings **settings)
{
    if (*settings != NULL) {
        arena_done(&(*settings)->arena);
        free(*settings);
        *settings = NULL;
    }
}

const char *settings_text(const struct settings *settings, const char *name)
{
    int place = place_of(settings, slice_of(name));
    MUST(place >= 0);
    return settings->values[place];
}

int64_t settings_number(const struct settings *settings, const char *name)
{
    uint64_t number = 0;
    MUST(slice_parse_uint(slice_of(settings_text(settings, name)), INT64_MAX, &number)); /* Checked by its row. */
    return (int64_t)number;
}

bool settings_yes(const struct settings *settings, const char *name)
{
    return str_same(settings_text(settings, name), "yes");
}

size_t settings_list(const struct settings *settings, const char *name, const char *out[static SETTING_LIST_MAX])
{
    struct slice rest = slice_of(settings_text(settings, name)), part;
    size_t count = 0;
    while (count < SETTING_LIST_MAX && slice_take_field(&rest, ',', &part)) {
        part = slice_trim(part);
        if (part.size > 0) {
            out[count++] = arena_strndup((struct arena *)&settings->arena, part.at, part.size);
        }
    }
    return count;
}

size_t settings_words(const struct settings *settings, const char *const **out)
{
    *out = settings->words;
    return settings->word_count;
}

void settings_help(const char *program, const char *usage, const struct setting *const *tables, struct text *out)
{
    text_addf(out, "usage: %s %s\n\nSettings, from the file (--config), the environment (%sNAME) and arguments:\n",
        program, usage, ENVIRONMENT_PREFIX);
    for (; *tables != NULL; tables++) {
        for (const struct setting *row = *tables; row->name != NULL; row++) {
            text_addf(out, "  --%-14s %s", row->name, row->help);
            if (row->fallback == NULL) {
                text_add(out, " (required)");
            } else if (row->fallback[0] != '\0') {
                text_addf(out, " [%s]", row->fallback);
            }
            text_add_char(out, '\n');
        }
    }
}
