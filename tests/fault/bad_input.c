/* What people send that is wrong, through the real command line: an exit status, and one sentence that says what, where, what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/slice.h"
#include "tests/support/suite.h"

enum { WORDS_MAX = 8, BIG_BYTES = 50 << 20 };

#define ROSA "seeds/bundles/rosa-quintanar.json"
#define TEAM                                                                                                               \
    "{\"teamId\":\"t9\",\"name\":\"%s\",\"zone\":\"America/New_York\",\"members\":[{\"staffId\":\"ida\",\"name\":\"Ida\"," \
    "\"role\":\"ROLE_NURSE\",\"homeState\":\"OH\",\"capacity\":3}]}"
#define NO_CASE "{\"caseId\":\"000-nobody\"}"

static struct suite SUITE;

/* ---- Files ---- */

static void write_file(const char *name, const char *text, size_t size)
{
    FILE *file = fopen(suite_path(&SUITE, "%s", name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    fclose(file);
}

static char *read_file(const char *path, size_t room)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = arena_alloc(&SUITE.arena, room);
    text[fread(text, 1, room - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* Rosa's bundle with the first `from` replaced by `to`. */
static void write_changed(const char *name, const char *from, const char *to)
{
    char *text = read_file(ROSA, 1 << 20);
    char *at = strstr(text, from);
    assert_non_null(at);
    const char *rest = at + strlen(from);
    *at = '\0';
    const char *changed = arena_printf(&SUITE.arena, "%s%s%s", text, to, rest);
    write_file(name, changed, strlen(changed));
}

static void write_filled(const char *name, const char *head, char filling)
{
    char *text = malloc(BIG_BYTES);
    memset(text, filling, BIG_BYTES);
    memcpy(text, head, strlen(head));
    write_file(name, text, BIG_BYTES);
    free(text);
}

#define WRITE(name, text) write_file(name, text, strlen(text))

static void write_files(void)
{
    WRITE("empty.json", "");
    WRITE("malformed.json", "{\"resourceType\":\"Bundle\",\n\"entry\":[{\"resource\"");
    WRITE("no-patient.json",
        "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"resource\":{\"resourceType\":\"Observation\"}}]}");
    WRITE("patient.json", "{\"resourceType\":\"Patient\",\"id\":\"x\"}");
    WRITE("list.json", "[1,2]");
    write_file("bytes.json", "\xff\xfe\x00{", 4);
    write_filled("deep.json", "", '[');
    write_filled("long.json", "{\"resourceType\":\"", 'B');
    write_changed("type.json", "\"resourceType\": \"Patient\"", "\"resourceType\": \"Spaceship\"");
    write_changed("no-day.json", "\"birthDate\": \"1958-04-09\"", "\"birthDate\": \"1958-02-30\"");
    write_changed("future.json", "\"birthDate\": \"1958-04-09\"", "\"birthDate\": \"2158-04-09\"");
    write_changed("number.json", "\"birthDate\": \"1958-04-09\"", "\"birthDate\": 1958");
}

static int start(void **state)
{
    (void)state;
    suite_start(&SUITE);
    write_files();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    suite_stop(&SUITE);
    return 0;
}

/* ---- Rows ---- */

struct row {
    const char *name;
    const char *words[WORDS_MAX]; /* a word that begins with % lies in the suite's folder */
    int status;
    const char *sentence; /* stands in what is said */
    const char *env;
};

static const struct row ROWS[] = {
    {"malformed JSON", {"journey", "%malformed.json"}, 2, "malformed.json: line 2, column 21: the text ends too early"},
    {"an empty file", {"journey", "%empty.json"}, 2, "line 1, column 1: the text ends too early"},
    {"bytes that are no text", {"journey", "%bytes.json"}, 2, "the text is not UTF-8"},
    {"no such file", {"journey", "%nowhere.json"}, 2, "nowhere.json: cannot be opened: No such file or directory"},
    {"a folder", {"journey", "%log"}, 2, "log: is not a file"},
    {"a bundle without a patient", {"journey", "%no-patient.json"}, 2, "entry has no Patient among 1 entries"},
    {"a resource that is no bundle", {"journey", "%patient.json"}, 2,
        "resourceType is \"Patient\", but must be \"Bundle\""},
    {"a list", {"journey", "%list.json"}, 2, "the bundle is not an object"},
    {"a resource type nobody knows", {"journey", "%type.json"}, 2, "entry has no Patient among"},
    {"a day that does not exist", {"journey", "%no-day.json"}, 2,
        "entry[0].resource.birthDate is \"1958-02-30\": no such day"},
    {"a birth in the future", {"journey", "%future.json"}, 2,
        "entry[0].resource.birthDate is \"2158-04-09\": in the future"},
    {"a number where a text belongs", {"journey", "%number.json"}, 2, "entry[0].resource.birthDate"},
    {"50 MB of brackets", {"journey", "%deep.json"}, 2, "nested too deeply"},
    {"50 MB of one word", {"journey", "%long.json"}, 2, "long.json: "},
    {"a journey of nobody", {"journey"}, 2, "usage: casebus journey FILE..."},
    {"a journey among real people", {"journey", "--tenant", SUITE_REAL_TENANT, ROSA}, 1,
        "tenant " SUITE_REAL_TENANT " is not marked synthetic"},
    {"a simulated nurse among real people",
        {"call", "--tenant", SUITE_REAL_TENANT, "--simulated", "intake.ReceiveReferral", "@%referral.json"}, 1,
        "simulated"},
    {"a command nobody knows", {"call", "intake.Nonsense", "{}"}, 2,
        "intake.Nonsense is no command or question of the contract"},
    {"a command that ends in the middle", {"call", "intake.ReadCase", "{\"caseId\":"}, 2,
        "line 1, column 11: the text ends too early"},
    {"a field nobody knows", {"call", "intake.ReadCase", "{\"caseIdx\":\"1\"}"}, 2, "caseIdx: no such field"},
    {"a field that is missing", {"call", "intake.ReadCase", "{}"}, 2, "caseId is missing"},
    {"a case nobody knows", {"call", "intake.ReadCase", NO_CASE}, 1, "NOT_FOUND: there is no case 000-nobody"},
    {"a case shown that nobody knows", {"case", "show", "000-nobody"}, 1, "NOT_FOUND: there is no case 000-nobody"},
    {"no case at all", {"case", "show"}, 2, "usage: casebus case show | timeline CASE"},
    {"a role that may not", {"call", "--as", "patient", "intake.RegisterTeam", "%team"}, 1, "FORBIDDEN"},
    {"a role that does not exist", {"call", "--as", "wizard", "intake.ReadCase", NO_CASE}, 2, "--as is \"wizard\""},
    {"a forged actor", {"call", "intake.ReadCase", NO_CASE}, 1, "FORBIDDEN", "CASEBUS_ACTOR_SECRET=%forged.key"},
    {"an actor of yesterday", {"call", "intake.ReadCase", NO_CASE}, 1, "FORBIDDEN", "SHIFT_CLOCK_S=-86400"},
    {"an actor of tomorrow", {"call", "intake.ReadCase", NO_CASE}, 1, "FORBIDDEN", "SHIFT_CLOCK_S=86400"},
    {"a tenant nobody knows", {"call", "--tenant", "nobody", "intake.ReadCase", NO_CASE}, 2,
        "there is no tenant nobody"},
    {"a setting nobody knows", {"status", "--colour=blue"}, 2, "there is no setting --colour"},
    {"a setting of the environment nobody knows", {"status"}, 2, "CASEBUS_COLOUR names no setting",
        "CASEBUS_COLOUR=blue"},
    {"a time that is none", {"status", "--timeout", "soon"}, 2,
        "--timeout is \"soon\": a number of seconds from 1 to 86400"},
    {"an option without its value", {"status", "--timeout"}, 2, "--timeout wants a value after it"},
    {"a word nobody knows", {"frobnicate"}, 2, "there is no word \"frobnicate\""},
    {"a dead letter nobody knows", {"dead", "retry", "0/intake/1-1"}, 1, "NOT_FOUND"},
    {"a dead letter that is none", {"dead", "skip", "letter", "because"}, 1, "id is not <partition>/<group>/<letter>"},
    {"a message nobody knows", {"contract", "show", "intake.Nonsense"}, 2,
        "intake.Nonsense is no message of the contract"},
    {"a broker that is not there", {"status"}, 4, "is the suite running?", "CASEBUS_BROKERS=ipc:///tmp/nowhere.sock"},
};

/* What a row writes of paths and bodies, filled in. */
static const char *filled(const char *word)
{
    if (word && str_same(word, "%team")) {
        return arena_printf(&SUITE.arena, TEAM, "Nine");
    }
    const char *place = word ? strchr(word, '%') : NULL;
    return place ? arena_printf(&SUITE.arena, "%.*s%s", (int)(place - word), word, suite_path(&SUITE, "%s", place + 1))
                 : word;
}

static struct ran run_row(const struct row *row)
{
    const char *words[WORDS_MAX + 1] = {NULL};
    const char *env[] = {filled(row->env), NULL, NULL, NULL};
    for (size_t i = 0; i < WORDS_MAX && row->words[i]; i++) {
        words[i] = filled(row->words[i]);
    }
    if (row->env && str_starts_with(row->env, "SHIFT_CLOCK_S")) {
        env[1] = arena_printf(&SUITE.arena, "LD_PRELOAD=%s/tests/support/libshift_clock.so", getenv("SUITE_BUILD"));
        env[2] = "ASAN_OPTIONS=verify_asan_link_order=0"; /* It would rather be the first itself. */
    }
    return suite_call(&SUITE, (struct suite_call){.words = words, .env = env});
}

static void everything_wrong_gets_its_exit_status_and_one_sentence(void **state)
{
    (void)state;
    WRITE("referral.json",
        "{\"source\":\"ward 3\",\"patient\":{\"familyName\":\"Byron\",\"givenName\":\"Ada\",\"birthDate\":\"1950-02-03\","
        "\"sex\":\"SEX_FEMALE\"}}");
    struct ran keys = suite_call(&SUITE, (struct suite_call){.words = (const char *const[]){"keys", "init", NULL},
                                             .env = (const char *const[]){filled("CASEBUS_ACTOR_SECRET=%forged.key"),
                                                 filled("CASEBUS_ACTOR_KEYS=%forged.pub"), NULL}});
    assert_int_equal(keys.status, 0);
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct ran ran = run_row(&ROWS[i]);
        if (ran.status != ROWS[i].status || !strstr(ran.err, ROWS[i].sentence) ||
            !str_starts_with(ran.err, "casebus: ") || times_said(ran.err, "\n") != 1 || ran.out[0] != '\0') {
            wrong++;
            print_error("%s: exit %d, wanted %d with \"%s\"; said: %s%s\n", ROWS[i].name, ran.status, ROWS[i].status,
                ROWS[i].sentence, ran.err, ran.out);
        }
    }
    assert_int_equal(wrong, 0);
}

static void no_words_at_all_show_the_usage(void **state)
{
    (void)state;
    struct ran none = suite_call(&SUITE, (struct suite_call){.words = (const char *const[]){NULL}});
    struct ran help = SUITE_RUN(&SUITE, "--help");
    assert_int_equal(none.status, 2);
    assert_int_equal(help.status, 0);
    assert_string_equal(none.err, help.out);
    assert_non_null(
        strstr(help.out, "exit status: 0 done, 1 refused, 2 wrong usage or input, 3 unknown, 4 unavailable"));
}

/* ---- Ids ---- */

static struct ran register_team(const char *id, const char *name)
{
    return SUITE_RUN(&SUITE, "call", "--as", "administrator", "--id", id, "intake.RegisterTeam",
        arena_printf(&SUITE.arena, TEAM, name));
}

static void a_command_id_stands_for_one_content(void **state)
{
    (void)state;
    struct ran first = register_team("same-id-1", "Nine");
    struct ran again = register_team("same-id-1", "Nine");
    struct ran other = register_team("same-id-1", "Ten");
    assert_int_equal(first.status, 0);
    assert_non_null(strstr(first.err, "done and kept in "));
    assert_int_equal(again.status, 0);
    assert_non_null(strstr(again.err, "done before"));
    assert_int_equal(other.status, 1);
    assert_non_null(strstr(other.err, "CONFLICT"));
}

static void a_body_may_come_from_standard_input(void **state)
{
    (void)state;
    const char *const words[] = {"call", "intake.ReadCase", "-", NULL};
    struct ran good = suite_call(&SUITE, (struct suite_call){.words = words, .input = NO_CASE});
    struct ran bad = suite_call(&SUITE, (struct suite_call){.words = words, .input = "nonsense"});
    assert_int_equal(good.status, 1);
    assert_int_equal(bad.status, 2);
}

/* The record that refers a patient stands once, whichever file brings it. */
static void the_same_bundle_delivered_twice_is_one_case(void **state)
{
    (void)state;
    const char *text = read_file(ROSA, 1 << 20);
    WRITE("copy.json", text);
    struct ran first = SUITE_RUN(&SUITE, "journey", "--json", "--timeout", suite_is_whole() ? "60" : "1", ROSA);
    struct ran before = SUITE_RUN(&SUITE, "events", "--json");
    struct ran second = SUITE_RUN(
        &SUITE, "journey", "--json", "--timeout", suite_is_whole() ? "60" : "1", suite_path(&SUITE, "copy.json"));
    struct ran after = SUITE_RUN(&SUITE, "events", "--json");
    assert_string_equal(said(&SUITE, first.out, "end"), "enrolled");
    assert_string_equal(said(&SUITE, first.out, "case"), said(&SUITE, second.out, "case"));
    assert_int_equal(times_said(before.out, "\n"), times_said(after.out, "\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_wrong_gets_its_exit_status_and_one_sentence),
        cmocka_unit_test(no_words_at_all_show_the_usage),
        cmocka_unit_test(a_command_id_stands_for_one_content),
        cmocka_unit_test(a_body_may_come_from_standard_input),
        cmocka_unit_test(the_same_bundle_delivered_twice_is_one_case),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
