/* Every bundle of the table through the running suite: it ends as the table says, again changes nothing, and its time line can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "common/core/clock.h"
#include "common/core/date.h"
#include "common/core/instant.h"
#include "common/core/slice.h"
#include "common/core/zone.h"
#include "tests/journey/bundles.h"
#include "tests/support/suite.h"

enum {
    TIMELINE_LINES_MAX = 40,
    TIMELINE_COLUMNS_MAX = 80,
};

/* How one bundle's journey ended. */
struct ended {
    size_t row;
    const char *path;
    const char *end;
    const char *programme;
    const char *case_id;
    const char *complete;
};

static struct suite SUITE;
static struct arena ARENA;
static struct table TABLE;
static struct ended ENDED[256];
static size_t ENDED_COUNT;

static const char *cell(size_t i, const char *column)
{
    return table_cell(&TABLE, ENDED[i].row, column);
}

/* The bundles that are there, in the order of the table, as words after `journey --json`. */
static struct ran run_all(void)
{
    const char *words[128] = {"journey", "--json", "--timeout", suite_is_whole() ? "60" : "1"};
    size_t count = 4;
    ENDED_COUNT = 0;
    for (size_t row = 0; row < TABLE.count; row++) {
        const char *path = bundle_path(&ARENA, table_cell(&TABLE, row, "file"));
        if (path) {
            ENDED[ENDED_COUNT++] = (struct ended){.row = row, .path = path};
            words[count++] = path;
        }
    }
    return suite_call(&SUITE, (struct suite_call){.words = words});
}

static void take_ends(const char *out)
{
    const char *line = out;
    for (size_t i = 0; i < ENDED_COUNT; i++) {
        const char *next = strchr(line, '\n');
        assert_non_null(next);
        const char *text = arena_strndup(&SUITE.arena, line, (size_t)(next - line));
        ENDED[i].end = said(&SUITE, text, "end");
        ENDED[i].programme = said(&SUITE, text, "programme");
        ENDED[i].case_id = said(&SUITE, text, "case");
        ENDED[i].complete = said(&SUITE, text, "complete");
        line = next + 1;
    }
}

static int start(void **state)
{
    (void)state;
    arena_init(&ARENA, 0);
    TABLE = table_read(&ARENA, "tests/journey/expected.tsv");
    suite_start(&SUITE);
    struct ran ran = run_all();
    take_ends(ran.out);
    if (ran.status != 0) {
        print_error("%s%s", ran.out, ran.err);
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    suite_stop(&SUITE);
    arena_done(&ARENA);
    return 0;
}

/* ---- The end, on the day on which the test runs ---- */

static struct date today(void)
{
    return zone_local(zone_find("America/New_York"), clock_wall_ms()).wall.date;
}

static bool is_past(const char *text)
{
    struct date date;
    return date_parse(text, &date) && date_compare(date, today()) < 0;
}

static bool has_come(const char *text)
{
    struct date date;
    return date_parse(text, &date) && date_compare(date, today()) <= 0;
}

static const char *expected_end(size_t i)
{
    const char *end = cell(i, "end");
    if (str_same(end, "child") && has_come(cell(i, "adult_on"))) {
        return cell(i, "when_adult");
    }
    bool by_stay = str_same(cell(i, "programme"), "post-discharge");
    return by_stay && is_past(cell(i, "post_discharge_until")) ? "no-need" : end;
}

static void every_bundle_ends_as_the_table_says(void **state)
{
    (void)state;
    assert_true(ENDED_COUNT >= 2);
    for (size_t i = 0; i < ENDED_COUNT; i++) {
        const char *end = expected_end(i);
        const char *programme = str_same(end, "enrolled") ? cell(i, "programme") : "";
        if (!str_same(ENDED[i].end, end) || !str_same(ENDED[i].programme, programme) ||
            (suite_is_whole() && !str_same(ENDED[i].complete, "true"))) {
            fail_msg("%s: %s %s, complete %s; the table says %s %s", cell(i, "file"), ENDED[i].end, ENDED[i].programme,
                ENDED[i].complete, end, programme);
        }
    }
}

/* ---- Scores ---- */

/* A score of the case in the words of the table; "-" where none was asked for. */
static const char *score_words(const char *shown, const char *name)
{
    const char *at = strstr(shown, arena_printf(&SUITE.arena, "{\"name\":\"%s\"", name));
    if (!at) {
        return "-";
    }
    const char *one = arena_strndup(&SUITE.arena, at, strcspn(at, "}"));
    const char *missing = said(&SUITE, one, "notComputable");
    const char *value = said(&SUITE, one, "value");
    bool at_least = strstr(one, "\"atLeast\":true") != NULL;
    return missing ? arena_printf(&SUITE.arena, "not computable: %s", missing)
                   : arena_printf(&SUITE.arena, "%s%s", at_least ? "at least " : "", value ? value : "0");
}

static void every_score_reads_as_in_the_table(void **state)
{
    (void)state;
    static const char *const SCORES[][2] = {
        {"lace", "lace"},
        {"charlson_1987", "charlson-1987"},
        {"charlson_1987_age", "charlson-1987-age"},
        {"charlson_2011", "charlson-2011"},
    };
    for (size_t i = 0; i < ENDED_COUNT; i++) {
        if (ENDED[i].case_id[0] == '\0') {
            continue;
        }
        struct ran ran = SUITE_RUN(&SUITE, "case", "show", ENDED[i].case_id, "--json");
        assert_int_equal(ran.status, 0);
        for (size_t s = 0; s < sizeof SCORES / sizeof SCORES[0]; s++) {
            const char *expected = cell(i, SCORES[s][0]);
            const char *words = score_words(ran.out, SCORES[s][1]);
            if (!str_same(words, expected)) {
                fail_msg("%s: %s is %s, the table says %s", cell(i, "file"), SCORES[s][1], words, expected);
            }
        }
    }
}

static void who_is_enrolled_is_told_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENDED_COUNT; i++) {
        if (str_same(expected_end(i), "enrolled")) {
            struct ran ran = SUITE_RUN(&SUITE, "case", "show", ENDED[i].case_id, "--json");
            assert_non_null(strstr(ran.out, arena_printf(&SUITE.arena, "\"why\":\"%s\"", cell(i, "why"))));
        }
    }
}

/* ---- The time line ---- */

static bool matches(const char *pattern, const char *text)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static size_t columns_of(const char *line, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += ((unsigned char)line[i] & 0xc0) != 0x80;
    }
    return count;
}

static void check_lines(const char *file, const char *text)
{
    size_t count = 0;
    for (const char *line = text; *line != '\0'; count++) {
        size_t size = strcspn(line, "\n");
        const char *one = arena_strndup(&SUITE.arena, line, size);
        if (columns_of(line, size) > TIMELINE_COLUMNS_MAX) {
            fail_msg("%s: %zu columns: %s", file, columns_of(line, size), one);
        }
        if (!matches("^([A-Z][a-z]{2} [ 1-3][0-9] [ 1][0-9]:[0-5][0-9] [AP]M  [^ ]|                 [^ ])", one)) {
            fail_msg("%s: neither a time nor the rest of a line: %s", file, one);
        }
        line += size + (line[size] == '\n');
    }
    if (count == 0 || count > TIMELINE_LINES_MAX) {
        fail_msg("%s: the time line has %zu lines:\n%s", file, count, text);
    }
}

/* Ids of ours (26 letters and digits, perhaps after a partition), UUIDs, hashes: nothing a person could say. */
static void check_no_ids(const char *file, const char *text)
{
    static const char *const SHAPES[] = {
        "[0-9a-f]{3}-[0-9a-z]{8,}", "[0-9a-z]{20,}", "[0-9a-f]{8}-[0-9a-f]{4}-", "urn:"};
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        if (matches(SHAPES[i], text)) {
            fail_msg("%s: an id of the shape %s stands in\n%s", file, SHAPES[i], text);
        }
    }
}

static const char *programme_words(const char *programme)
{
    return str_same(programme, "copd") ? "COPD" : str_same(programme, "heart-failure") ? "heart failure" : programme;
}

/* The paragraphs in one line each. */
static const char *unwrapped(const char *text)
{
    static const char SEAM[] = "\n                 ";
    char *out = arena_strdup(&SUITE.arena, text);
    for (char *at; (at = strstr(out, SEAM)) != NULL;) {
        *at = ' ';
        memmove(at + 1, at + strlen(SEAM), strlen(at + strlen(SEAM)) + 1);
    }
    return out;
}

static void a_time_line_is_short_and_tells_when_who_what_why_and_what_is_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENDED_COUNT; i++) {
        if (!str_same(ENDED[i].end, "enrolled")) {
            continue;
        }
        struct ran ran = SUITE_RUN(&SUITE, "case", "timeline", ENDED[i].case_id);
        assert_int_equal(ran.status, 0);
        assert_null(strchr(ran.out, '\033'));
        check_lines(cell(i, "file"), ran.out);
        check_no_ids(cell(i, "file"), ran.out);
        const char *text = unwrapped(ran.out);
        assert_true(matches("[Cc]ase manager [A-Z][a-z]+ [A-Z][a-z]+: licence of ", text));
        assert_non_null(strstr(text,
            arena_printf(&SUITE.arena, "creened: %s (%s)", programme_words(cell(i, "programme")), cell(i, "why"))));
        assert_true(matches("next due [A-Z][a-z]{2} [ 1-3][0-9] ", text));
    }
}

static void what_a_simulated_person_said_is_marked(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENDED_COUNT; i++) {
        if (str_same(ENDED[i].end, "enrolled")) {
            struct ran text = SUITE_RUN(&SUITE, "case", "timeline", ENDED[i].case_id);
            struct ran json = SUITE_RUN(&SUITE, "case", "timeline", ENDED[i].case_id, "--json");
            const char *told = unwrapped(text.out);
            assert_non_null(strstr(told, ", patient (simulated): "));
            assert_null(strstr(told, ", patient: "));
            assert_null(strstr(told, "nurse: "));
            assert_true(times_said(json.out, "\"simulated\":true") > 0);
            for (const char *at = json.out; (at = strstr(at, "\"actor\":\"patient\",")) != NULL; at++) {
                assert_int_equal(strncmp(at, "\"actor\":\"patient\",\"simulated\":true", 33), 0);
            }
        }
    }
}

static void a_licence_that_does_not_reach_is_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENDED_COUNT; i++) {
        if (str_same(cell(i, "file"), "seeds/bundles/harlan-pruitt-osei.json")) {
            struct ran ran = SUITE_RUN(&SUITE, "case", "show", ENDED[i].case_id, "--json");
            assert_non_null(strstr(ran.out,
                "\"name\":\"Ines Carvalho\",\"chosen\":false,\"why\":\"no licence for CA, which is not in the nurse licensure compact"));
            assert_string_equal(said(&SUITE, ran.out, "managerName"), "Ada Whitcombe");
        }
    }
}

/* ---- Again ---- */

static void the_same_bundles_again_have_no_second_effect(void **state)
{
    (void)state;
    struct ran before = SUITE_RUN(&SUITE, "events", "--json");
    struct ended first[256];
    memcpy(first, ENDED, sizeof first);
    take_ends(run_all().out);
    struct ran after = SUITE_RUN(&SUITE, "events", "--json");
    for (size_t i = 0; i < ENDED_COUNT; i++) {
        assert_string_equal(ENDED[i].case_id, first[i].case_id);
        assert_string_equal(ENDED[i].end, first[i].end);
    }
    assert_true(times_said(before.out, "\n") > ENDED_COUNT);
    assert_int_equal(times_said(after.out, "\n"), times_said(before.out, "\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bundle_ends_as_the_table_says),
        cmocka_unit_test(every_score_reads_as_in_the_table),
        cmocka_unit_test(who_is_enrolled_is_told_why),
        cmocka_unit_test(a_time_line_is_short_and_tells_when_who_what_why_and_what_is_next),
        cmocka_unit_test(what_a_simulated_person_said_is_marked),
        cmocka_unit_test(a_licence_that_does_not_reach_is_explained),
        cmocka_unit_test(the_same_bundles_again_have_no_second_effect),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
