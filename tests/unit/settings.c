#include "common/service/settings.h"

#include "common/core/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const struct setting OWN[] = {
    {"speed", "3", "how fast", setting_is_number},
    {"name", NULL, "who it is", setting_is_id},
    {"loud", "no", "whether it shouts", setting_is_yes_no},
    {0},
};
static const struct setting SECOND[] = {
    {"config", "", "file", NULL},
    {"places", "", "where", NULL},
    {0},
};
static const struct setting *const TABLES[] = {OWN, SECOND, NULL};

#define WORDS_MAX 6

/* Reads with these arguments, environment and file; "" for no file. */
static enum settings_outcome load(const char *const *arguments, const char *const *environment, const char *file,
    struct settings **out, struct why *why)
{
    char path[] = "/tmp/casebus-settings-XXXXXX", config[64];
    char *argv[WORDS_MAX + 3] = {(char *)"program"};
    int argc = 1;
    for (; arguments != NULL && *arguments != NULL; arguments++) {
        argv[argc++] = (char *)*arguments;
    }
    if (file[0] != '\0') {
        int descriptor = mkstemp(path);
        assert_true(write(descriptor, file, strlen(file)) == (ssize_t)strlen(file));
        close(descriptor);
        snprintf(config, sizeof config, "--config=%s", path);
        argv[argc++] = config;
    }
    enum settings_outcome outcome = settings_load("program", TABLES, false, argc, argv, (char **)environment, out, why);
    unlink(path);
    return outcome;
}

static void later_sources_stand_on_top(void **unused)
{
    (void)unused;
    static const struct {
        const char *arguments[WORDS_MAX];
        const char *environment[WORDS_MAX];
        const char *file;
        const char *speed;
    } ROWS[] = {
        {{"--name=n"}, {NULL}, "", "3"},
        {{"--name=n"}, {NULL}, "speed = 4\n", "4"},
        {{"--name=n"}, {"CASEBUS_SPEED=5", "HOME=/"}, "speed = 4\n", "5"},
        {{"--name=n", "--speed=6"}, {"CASEBUS_SPEED=5"}, "speed = 4\n", "6"},
        {{"--name", "n", "--speed", "6"}, {NULL}, "", "6"},
        {{NULL}, {"CASEBUS_NAME=n"}, "[program]\nspeed = 7\n", "7"},
        {{"--name=n"}, {NULL}, "[another]\nspeed = 8\nunheard-of = 1\n", "3"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct settings *settings = NULL;
        struct why why = {0};
        if (load(ROWS[i].arguments, ROWS[i].environment, ROWS[i].file, &settings, &why) != SETTINGS_READY) {
            fail_msg("row %zu: %s", i, why.text);
        }
        assert_string_equal(settings_text(settings, "speed"), ROWS[i].speed);
        assert_string_equal(settings_text(settings, "name"), "n");
        settings_free(&settings);
    }
}

static void what_is_wrong_is_said_with_its_place(void **unused)
{
    (void)unused;
    static const struct {
        const char *arguments[WORDS_MAX];
        const char *environment[WORDS_MAX];
        const char *file;
        const char *says;
    } ROWS[] = {
        {{"--name=n", "--sped=4"}, {NULL}, "", "there is no setting --sped; --help lists all"},
        {{"--name=n", "--speed"}, {NULL}, "", "--speed needs a value"},
        {{"--name=n", "word"}, {NULL}, "", "the argument \"word\" is no setting; settings begin with --"},
        {{"--name=n"}, {"CASEBUS_SPED=4"}, "", "environment: CASEBUS_SPED names no setting; --help lists all"},
        {{"--name=n"}, {"CASEBUS_SPEED=fast"}, "",
            "environment: speed is \"fast\": not a whole number from 0 to 9007199254740992"},
        {{"--name=n", "--loud=perhaps"}, {NULL}, "", "argument: loud is \"perhaps\": neither yes nor no"},
        {{"--name=a b"}, {NULL}, "",
            "argument: name is \"a b\": an id has letters, digits, dots, dashes and underscores"},
        {{"--speed=1"}, {NULL}, "", "name is not set: who it is"},
        {{"--name=n"}, {NULL}, "sped = 4\n", ": there is no setting sped; --help lists all"},
        {{"--name=n"}, {NULL}, "speed = x\n", ": speed is \"x\": not a whole number from 0 to 9007199254740992"},
        {{"--name=n"}, {NULL}, "speed = 1\nwhat is this\n", ": line 2 is neither \"name = value\" nor a section"},
        {{"--name=n", "--config=/nowhere/at/all"}, {NULL}, "", "could not read the settings file /nowhere/at/all"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct settings *settings = NULL;
        struct why why = {0};
        assert_int_equal(load(ROWS[i].arguments, ROWS[i].environment, ROWS[i].file, &settings, &why), SETTINGS_WRONG);
        if (!str_ends_with(why.text, ROWS[i].says)) {
            fail_msg("row %zu: %s", i, why.text);
        }
        assert_null(settings);
    }
}

static void help_lists_every_setting(void **unused)
{
    (void)unused;
    struct text text;
    struct settings *settings = NULL;
    struct why why = {0};
    assert_int_equal(load((const char *[]){"--help", NULL}, NULL, "", &settings, &why), SETTINGS_HELP);
    text_init(&text, TEXT_PAGE_BYTES);
    settings_help("program", "[--name=value ...]", TABLES, &text);
    assert_non_null(strstr(text.at, "--speed          how fast [3]\n"));
    assert_non_null(strstr(text.at, "--name           who it is (required)\n"));
    assert_non_null(strstr(text.at, "--places         where\n"));
    text_done(&text);
}

static void a_list_is_split_at_commas(void **unused)
{
    (void)unused;
    struct settings *settings = NULL;
    struct why why = {0};
    const char *parts[SETTING_LIST_MAX];
    assert_int_equal(
        load((const char *[]){"--name=n", "--places=a, b,,c", NULL}, NULL, "", &settings, &why), SETTINGS_READY);
    assert_int_equal(settings_list(settings, "places", parts), 3);
    assert_string_equal(parts[1], "b");
    assert_int_equal(settings_number(settings, "speed"), 3);
    assert_false(settings_yes(settings, "loud"));
    settings_free(&settings);
}

static void words_are_kept_where_they_may_be(void **unused)
{
    (void)unused;
    struct settings *settings = NULL;
    struct why why = {0};
    const char *const *words = NULL;
    char *argv[] = {(char *)"program", (char *)"case", (char *)"--name=n", (char *)"show", (char *)"-", NULL};
    assert_int_equal(settings_load("program", TABLES, true, 5, argv, NULL, &settings, &why), SETTINGS_READY);
    assert_int_equal(settings_words(settings, &words), 3);
    assert_string_equal(words[1], "show");
    assert_string_equal(words[2], "-");
    settings_free(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_sources_stand_on_top),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(help_lists_every_setting),
        cmocka_unit_test(a_list_is_split_at_commas),
        cmocka_unit_test(words_are_kept_where_they_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
