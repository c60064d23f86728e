/* Every bundle of expected.tsv ends in intake as the table says: with this programme and these scores, or for this
 * reason. */
#include "tests/journey/bundles.h"
#include "tests/unit/intake_world.h"

static struct arena arena;
static struct table table;

static const char *cell(size_t row, const char *column)
{
    return table_cell(&table, row, column);
}

static void expect(size_t row, const char *column, const char *said)
{
    if (strcmp(cell(row, column), said) != 0) {
        fail_msg("%s: %s is \"%s\", not \"%s\"", cell(row, "file"), column, said, cell(row, column));
    }
}

static const char *end_of(const Intake__Referral *referral)
{
    switch (referral->rejected_code) {
    case REJECTION(DECEASED):
        return "dead";
    case REJECTION(CHILD):
        return "child";
    case REJECTION(NO_NEED):
        return "no-need";
    case REJECTION(UNSPECIFIED):
        return referral->screened ? "enrolled" : "open";
    case REJECTION(DUPLICATE):
    case REJECTION(OUT_OF_AREA):
    case REJECTION(NO_COVERAGE):
    case REJECTION(NO_CAPACITY):
    case REJECTION(UNSAFE):
    case _INTAKE__REJECTION_CODE_IS_INT_SIZE:
        break;
    }
    return "rejected otherwise";
}

static const char *score_of(const Intake__Screening *screening, const char *name)
{
    for (size_t i = 0; i < screening->n_scores; i++) {
        const Intake__Score *score = screening->scores[i];
        if (strcmp(score->name, name) == 0) {
            return score->not_computable != NULL
                       ? arena_printf(&arena, "not computable: %s", score->not_computable)
                       : arena_printf(&arena, "%s%u", score->at_least ? "at least " : "", score->value);
        }
    }
    return "-";
}

static void check_row(size_t row, Intake__ReceiveReferral *referral)
{
    struct intake_world w;
    world_begin(&w);
    w.r.now_ms = BUNDLES_NOW_MS;
    referral->referral_id = "r1";
    referral->case_id = "001-c1";
    as(&w, ROLE(PROVIDER));
    assert_int_equal(rules_command(&w.r, &referral->base), FAULT_NONE);
    world_keep(&w);
    settle_world(&w);
    const Intake__Screening *screening = case_now(&w, "001-c1")->screening;
    expect(row, "end", end_of(referral_now(&w, "r1")));
    expect(row, "programme", screening->programme != NULL ? screening->programme : "-");
    expect(row, "why", screening->why);
    expect(row, "lace", score_of(screening, "lace"));
    expect(row, "charlson_1987", score_of(screening, "charlson-1987"));
    expect(row, "charlson_1987_age", score_of(screening, "charlson-1987-age"));
    expect(row, "charlson_2011", score_of(screening, "charlson-2011"));
    world_done(&w);
}

static void every_bundle_ends_as_the_table_says(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)1 << 30);
    const struct fhir_reference *reference = reference_for_import(&arena);
    table = table_read(&arena, "tests/journey/expected.tsv");
    size_t seen = 0;
    for (size_t row = 0; row < table.count; row++) {
        const char *path = bundle_path(&arena, cell(row, "file"));
        struct fhir_import import;
        struct why why = {""};
        if (path == NULL || strcmp(cell(row, "end"), "directory") == 0) {
            continue;
        }
        if (fhir_import_file(path, reference, BUNDLES_NOW_MS, &arena, &import, &why) != FAULT_NONE) {
            fail_msg("%s", why.text);
        }
        check_row(row, import.referral);
        seen++;
    }
    print_message("%zu bundles\n", seen);
    assert_true(seen >= 2); /* The two of seeds/ are always there. */
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_bundle_ends_as_the_table_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
