/* One fact of a patient is changed, and exactly the lines change that rest on it. Each variant lives in a tenant of its own, where nobody
 * knows the patient yet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/core/slice.h"
#include "tests/support/suite.h"

enum {
    LINES_MAX = 256,
    CHANGES_MAX = 24,
    QUIET_LOOKS = 10, /* reads without news before a story counts as told */
    LOOK_EVERY_MS = 50,
};

#define ROSA   "seeds/bundles/rosa-quintanar.json"
#define ACTIVE "condition-clinical\", \"code\": \"active\""
#define GONE   "condition-clinical\", \"code\": \"resolved\""

struct story {
    const char *lines[LINES_MAX]; /* "subject  sentence", sorted, times left out */
    size_t count;
};

static struct suite SUITE;
static struct story ROSAS;

/* ---- Telling a story ---- */

static const char *sentence_alone(const char *line, size_t size)
{
    const char *text = arena_strndup(&SUITE.arena, line, size);
    const char *subject = text + strlen("Nov 22  4:14 AM ");
    const char *sentence = strstr(subject + strcspn(subject, " "), "  ");
    for (const char *next;
         sentence && (next = strstr(sentence + 2, "  ")) != NULL;) { /* after the padding, the root and the sequence */
        sentence = next;
    }
    return arena_printf(&SUITE.arena, "%.*s %s", (int)strcspn(subject, " "), subject, sentence ? sentence + 2 : "");
}

/* Days and hours move with the clock and are not what this test is about. */
static const char *without_times(const char *text)
{
    static const char TIMES[] =
        "(on )?[A-Z][a-z]{2} [A-Z][a-z]{2} [0-9]{1,2}, [0-9]{4}( [0-9]{1,2}:[0-9]{2} [AP]M [A-Z]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}";
    regex_t regex;
    regmatch_t match;
    assert_int_equal(regcomp(&regex, TIMES, REG_EXTENDED), 0);
    while (regexec(&regex, text, 1, &match, 0) == 0) {
        text = arena_printf(&SUITE.arena, "%.*s@%s", (int)match.rm_so, text, text + match.rm_eo);
    }
    regfree(&regex);
    return text;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What has happened to the case, once nothing more happens. */
static const char *settled_events(const char *tenant, const char *case_id)
{
    const char *text = "";
    for (int quiet = 0; quiet < QUIET_LOOKS;) {
        struct ran ran = SUITE_RUN(&SUITE, "events", "--tenant", tenant, "--case", case_id);
        quiet = str_same(ran.out, text) ? quiet + 1 : 0;
        text = ran.out;
        nanosleep(&(struct timespec){0, LOOK_EVERY_MS * 1000000L}, NULL);
    }
    return text;
}

static struct story tell(const char *tenant, const char *bundle)
{
    struct story story = {.count = 0};
    struct ran seeded =
        SUITE_RUN(&SUITE, "seed", "--tenant", tenant, "seeds/demo/teams.json", "seeds/demo/providers.json");
    struct ran ran =
        SUITE_RUN(&SUITE, "journey", "--tenant", tenant, "--json", "--timeout", suite_is_whole() ? "60" : "4", bundle);
    assert_int_equal(seeded.status, 0);
    const char *case_id = said(&SUITE, ran.out, "case");
    assert_non_null(case_id);
    for (const char *line = settled_events(tenant, case_id); *line != '\0';) {
        size_t size = strcspn(line, "\n");
        assert_true(story.count < LINES_MAX);
        story.lines[story.count++] = without_times(sentence_alone(line, size));
        line += size + (line[size] == '\n');
    }
    qsort(story.lines, story.count, sizeof *story.lines, compare);
    return story;
}

static int start(void **state)
{
    (void)state;
    suite_start(&SUITE);
    for (int i = 0; i < SUITE_TWINS; i++) {
        suite_insure(&SUITE, arena_printf(&SUITE.arena, "twin-%d", i));
    }
    ROSAS = tell("twin-0", ROSA);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    suite_stop(&SUITE);
    return 0;
}

/* ---- Changing a fact ---- */

/* Rosa's bundle with occurrence `nth` (from 1) of `from` replaced. */
static const char *change(const char *name, const char *from, unsigned nth, const char *to)
{
    FILE *in = fopen(ROSA, "r");
    assert_non_null(in);
    char *text = arena_alloc(&SUITE.arena, 1 << 20);
    text[fread(text, 1, (1 << 20) - 1, in)] = '\0';
    fclose(in);
    char *at = strstr(text, from);
    for (unsigned i = 1; i < nth && at; i++) {
        at = strstr(at + 1, from);
    }
    assert_non_null(at);
    const char *path = suite_path(&SUITE, "%s.json", name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    fclose(out);
    return path;
}

/* ---- What differs ---- */

struct changes {
    const char *lines[CHANGES_MAX]; /* "-line" is Rosa's alone, "+line" the variant's */
    size_t count;
};

static void note(struct changes *changes, char sign, const char *line)
{
    if (changes->count == CHANGES_MAX) {
        fail_msg("too much has changed, last %c%s", sign, line);
    }
    changes->lines[changes->count++] = arena_printf(&SUITE.arena, "%c%s", sign, line);
}

static struct changes differ(const struct story *one, const struct story *other)
{
    struct changes changes = {.count = 0};
    for (size_t i = 0, k = 0; i < one->count || k < other->count;) {
        int order = i == one->count ? 1 : k == other->count ? -1 : strcmp(one->lines[i], other->lines[k]);
        if (order < 0) {
            note(&changes, '-', one->lines[i]);
        } else if (order > 0) {
            note(&changes, '+', other->lines[k]);
        }
        i += order <= 0;
        k += order >= 0;
    }
    return changes;
}

static void print_changes(const char *name, const struct changes *changes)
{
    print_error("%s changed\n", name);
    for (size_t i = 0; i < changes->count; i++) {
        print_error("    %s\n", changes->lines[i]);
    }
}

/* Each expected line stands at its place, as far as it is written. */
static void must_change(const char *name, const struct changes *changes, const char *const *expected)
{
    size_t count = 0;
    while (expected[count]) {
        count++;
    }
    bool same = count == changes->count;
    for (size_t i = 0; same && i < count; i++) {
        same = str_starts_with(changes->lines[i], expected[i]);
    }
    if (!same) {
        print_changes(name, changes);
        fail_msg("%s: %zu lines changed, or others than expected", name, changes->count);
    }
}

#define MUST_CHANGE(name, changes, ...) must_change(name, changes, (const char *const[]){__VA_ARGS__, NULL})

/* ---- The facts ---- */

static void the_same_facts_tell_the_same_story_in_another_tenant(void **state)
{
    (void)state;
    struct story story = tell("twin-1", ROSA);
    struct changes changes = differ(&ROSAS, &story);
    must_change("nothing", &changes, (const char *const[]){NULL});
}

static void a_resolved_condition_that_no_score_counts_changes_nothing(void **state)
{
    (void)state;
    struct story story = tell("twin-2", change("hyperlipidaemia", ACTIVE, 5, GONE));
    struct changes changes = differ(&ROSAS, &story);
    must_change("hyperlipidaemia", &changes, (const char *const[]){NULL});
}

static void a_resolved_kidney_disease_changes_the_scores_alone(void **state)
{
    (void)state;
    struct story story = tell("twin-3", change("kidney", ACTIVE, 3, GONE));
    struct changes changes = differ(&ROSAS, &story);
    MUST_CHANGE("kidney", &changes,
        "+intake.CaseScreened screened: heart failure (active: Chronic congestive heart failure); LACE 11 (high); Charlson 4",
        "-intake.CaseScreened screened: heart failure (active: Chronic congestive heart failure); LACE 13 (high); Charlson 6");
}

static void an_earlier_birthday_changes_the_score_with_age_alone(void **state)
{
    (void)state;
    struct story story = tell("twin-4", change("younger", "1958-04-09", 1, "1968-04-09"));
    struct changes changes = differ(&ROSAS, &story);
    MUST_CHANGE("younger", &changes,
        "+intake.CaseScreened screened: heart failure (active: Chronic congestive heart failure); LACE 13 (high); Charlson 5",
        "-intake.CaseScreened screened: heart failure (active: Chronic congestive heart failure); LACE 13 (high); Charlson 6");
}

static void a_child_is_not_enrolled_whatever_else_is_so(void **state)
{
    (void)state;
    struct story story = tell("twin-5", change("child", "1958-04-09", 1, "2012-04-09"));
    assert_true(story.count > 0 && story.count < 6);
    size_t rejected = 0;
    for (size_t i = 0; i < story.count; i++) {
        rejected += str_starts_with(story.lines[i], "intake.ReferralRejected ");
        assert_false(str_starts_with(story.lines[i], "planning.") || str_starts_with(story.lines[i], "scheduling."));
    }
    assert_int_equal(rejected, 1);
}

/* The nurse needs a licence there, the visit a provider of there; scores, plan and programme stay. */
static void another_state_changes_nurse_and_provider(void **state)
{
    (void)state;
    struct story story = tell("twin-6", change("moved", "\"state\": \"Ohio\"", 1, "\"state\": \"California\""));
    struct changes changes = differ(&ROSAS, &story);
    size_t seen = 0;
    for (size_t i = 0; i < changes.count; i++) {
        const char *line = changes.lines[i] + 1;
        bool nurse = str_starts_with(line, "intake.CaseManagerAssigned ");
        bool visit = str_starts_with(line, "scheduling.AppointmentHeld ") ||
                     str_starts_with(line, "scheduling.AppointmentBooked ");
        if (!nurse && !visit && !str_starts_with(line, "notifications.")) {
            print_changes("moved", &changes);
            fail_msg("another state has nothing to do with %s", line);
        }
        seen += nurse || visit;
    }
    assert_int_equal(seen, 6); /* each of the three, before and after */
}

static void cancelled_coverage_changes_claims_alone(void **state)
{
    (void)state;
    struct story story = tell("twin-7", change("uncovered", "\"end\": \"2026-12-31\"", 1, "\"end\": \"2026-03-31\""));
    struct changes changes = differ(&ROSAS, &story);
    for (size_t i = 0; i < changes.count; i++) {
        const char *line = changes.lines[i] + 1;
        if (!str_starts_with(line, "claims.") && !str_starts_with(line, "notifications.")) {
            print_changes("uncovered", &changes);
            fail_msg("coverage has nothing to do with %s", line);
        }
    }
    assert_true(changes.count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_facts_tell_the_same_story_in_another_tenant),
        cmocka_unit_test(a_resolved_condition_that_no_score_counts_changes_nothing),
        cmocka_unit_test(a_resolved_kidney_disease_changes_the_scores_alone),
        cmocka_unit_test(an_earlier_birthday_changes_the_score_with_age_alone),
        cmocka_unit_test(a_child_is_not_enrolled_whatever_else_is_so),
        cmocka_unit_test(another_state_changes_nurse_and_provider),
        cmocka_unit_test(cancelled_coverage_changes_claims_alone),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
