#include "common/core/money.h"

#include "tests/unit/test.h"

#include <string.h>

static void coinsurance_rounds_half_a_cent_up_per_line(void **state UNUSED)
{
    static const struct {
        const char *name;
        int64_t cents;
        int32_t basis_points;
        int64_t share;
    } ROWS[] = {
        {"33.33 at 20%", 3333, 2000, 667},
        {"62.45 at 20%", 6245, 2000, 1249},
        {"10.02 at 20%", 1002, 2000, 200},
        {"three such lines as one", 3006, 2000, 601},
        {"1,250 less 250 at 20%", 100000, 2000, 20000},
        {"300 at 40%", 30000, 4000, 12000},
        {"exactly half a cent", 5, 1000, 1},
        {"a hair under half a cent", 4999, 1, 0},
        {"half a cent given back", -5, 1000, -1},
        {"a negative share", 5, -1000, -1},
        {"nothing", 0, 2000, 0},
        {"all of the largest", INT64_MAX, BASIS_POINTS_FULL, INT64_MAX},
        {"all of the smallest", INT64_MIN, BASIS_POINTS_FULL, INT64_MIN},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        int64_t share;
        struct money line;
        ASSERT_ROW(ROWS[i].name, cents_share(ROWS[i].cents, ROWS[i].basis_points, &share) && share == ROWS[i].share);
        ASSERT_ROW(ROWS[i].name, money_share(USD(ROWS[i].cents), ROWS[i].basis_points, &line));
        ASSERT_ROW(ROWS[i].name, line.cents == ROWS[i].share && strcmp(line.currency, "USD") == 0);
    }
}

static void member_and_plan_shares_add_up_to_the_line(void **state UNUSED)
{
    for (int64_t allowed = 0; allowed < 20000; allowed++) {
        int64_t member, plan, again;
        assert_true(cents_share(allowed, 2000, &member) && cents_subtract(allowed, member, &plan));
        assert_true(cents_add(member, plan, &again) && again == allowed);
        assert_int_equal(member, (allowed * 2 + 5) / 10);
    }
}

static void what_does_not_fit_is_told_and_changes_nothing(void **state UNUSED)
{
    int64_t out = 42;
    assert_false(cents_add(INT64_MAX, 1, &out));
    assert_false(cents_subtract(INT64_MIN, 1, &out));
    assert_false(cents_multiply(INT64_MAX / 2, 3, &out));
    assert_false(cents_share(INT64_MAX, BASIS_POINTS_FULL + 1, &out));
    assert_int_equal(out, 42);

    struct money sum = USD(42);
    assert_false(money_add(USD(INT64_MAX), USD(1), &sum));
    assert_false(money_subtract(USD(INT64_MIN), USD(1), &sum));
    assert_false(money_share(USD(INT64_MAX), INT32_MAX, &sum));
    assert_false(money_add(USD(1), (struct money){1, "EUR"}, &sum));
    assert_false(money_subtract(USD(1), (struct money){1, "EUR"}, &sum));
    assert_int_equal(sum.cents, 42);

    assert_true(money_add(USD(1), USD(2), &sum) && sum.cents == 3);
    assert_true(money_subtract(USD(1), USD(2), &sum) && sum.cents == -1);
    assert_true(cents_multiply(-3, 7, &out) && out == -21);
}

static void decimal_amounts_become_cents(void **state UNUSED)
{
    static const struct {
        const char *text;
        bool right;
        int64_t cents;
    } ROWS[] = {
        {"0", true, 0},
        {"129.16", true, 12916},
        {"1234.5", true, 123450},
        {"-0.05", true, -5},
        {"0.005", true, 1},
        {"0.0049999999999999999999", true, 0},
        {"-0.005", true, -1},
        {"1.999", true, 200},
        {"007", true, 700},
        {"92233720368547756.99", true, 9223372036854775699},
        {"92233720368547758.08", false, 0},
        {"99999999999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {".5", false, 0},
        {"5.", false, 0},
        {"1.2.3", false, 0},
        {"1.2.", false, 0},
        {"1e2", false, 0},
        {"+1", false, 0},
        {"--1", false, 0},
        {"1,000", false, 0},
        {" 1", false, 0},
        {"1.0x", false, 0},
        {"NaN", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        int64_t cents = 42;
        ASSERT_ROW(ROWS[i].text, cents_parse(ROWS[i].text, &cents) == ROWS[i].right);
        ASSERT_ROW(ROWS[i].text, cents == (ROWS[i].right ? ROWS[i].cents : 42));
    }
    int64_t cents;
    assert_false(cents_parse(NULL, &cents));
}

static void amounts_are_written_as_people_read_them(void **state UNUSED)
{
    static const struct {
        struct money amount;
        const char *text;
    } ROWS[] = {
        {{123450, "USD"}, "$1,234.50"},
        {{0, "USD"}, "$0.00"},
        {{5, "USD"}, "$0.05"},
        {{-5, "USD"}, "-$0.05"},
        {{99999, "USD"}, "$999.99"},
        {{100000, "USD"}, "$1,000.00"},
        {{100000000, "USD"}, "$1,000,000.00"},
        {{123450, "EUR"}, "EUR 1,234.50"},
        {{-123450, "CAD"}, "-CAD 1,234.50"},
        {{INT64_MAX, "USD"}, "$92,233,720,368,547,758.07"},
        {{INT64_MIN, "EUR"}, "-EUR 92,233,720,368,547,758.08"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        char text[MONEY_SIZE];
        assert_string_equal(money_format(text, ROWS[i].amount), ROWS[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coinsurance_rounds_half_a_cent_up_per_line),
        cmocka_unit_test(member_and_plan_shares_add_up_to_the_line),
        cmocka_unit_test(what_does_not_fit_is_told_and_changes_nothing),
        cmocka_unit_test(decimal_amounts_become_cents),
        cmocka_unit_test(amounts_are_written_as_people_read_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
