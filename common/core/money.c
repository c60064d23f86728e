#include "common/core/money.h"

#include "common/core/slice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CENTS_OF_ONE 100

bool cents_add(int64_t a, int64_t b, int64_t *out)
{
    int64_t sum;
    bool fits = !__builtin_add_overflow(a, b, &sum);
    *out = fits ? sum : *out;
    return fits;
}

bool cents_subtract(int64_t a, int64_t b, int64_t *out)
{
    int64_t difference;
    bool fits = !__builtin_sub_overflow(a, b, &difference);
    *out = fits ? difference : *out;
    return fits;
}

bool cents_multiply(int64_t a, int64_t count, int64_t *out)
{
    int64_t product;
    bool fits = !__builtin_mul_overflow(a, count, &product);
    *out = fits ? product : *out;
    return fits;
}

bool cents_share(int64_t cents, int32_t basis_points, int64_t *out)
{
    __int128 product = (__int128)cents * basis_points;
    __int128 half = product < 0 ? -BASIS_POINTS_FULL / 2 : BASIS_POINTS_FULL / 2;
    __int128 share = (product + half) / BASIS_POINTS_FULL;
    if (share > INT64_MAX || share < INT64_MIN) {
        return false;
    }
    *out = (int64_t)share;
    return true;
}

static bool money_of(bool fits, int64_t cents, const char currency[4], struct money *out)
{
    if (fits) {
        struct money result = {.cents = cents};
        memcpy(result.currency, currency, sizeof result.currency);
        *out = result;
    }
    return fits;
}

static bool same_currency(struct money a, struct money b)
{
    return memcmp(a.currency, b.currency, sizeof a.currency) == 0;
}

bool money_add(struct money a, struct money b, struct money *out)
{
    int64_t sum = 0;
    bool fits = same_currency(a, b) && cents_add(a.cents, b.cents, &sum);
    return money_of(fits, sum, a.currency, out);
}

bool money_subtract(struct money a, struct money b, struct money *out)
{
    int64_t difference = 0;
    bool fits = same_currency(a, b) && cents_subtract(a.cents, b.cents, &difference);
    return money_of(fits, difference, a.currency, out);
}

bool money_share(struct money amount, int32_t basis_points, struct money *out)
{
    int64_t share = 0;
    bool fits = cents_share(amount.cents, basis_points, &share);
    return money_of(fits, share, amount.currency, out);
}

/* The cents of a fraction "5", "05", "054999": its first two digits, rounded by the third; 0 to 100. */
static int64_t fraction_cents(struct slice digits)
{
    int64_t cents = 0;
    for (size_t i = 0; i < 2; i++) {
        cents = cents * 10 + (i < digits.size ? digits.at[i] - '0' : 0);
    }
    return cents + (digits.size > 2 && digits.at[2] >= '5');
}

static bool all_digits(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!ascii_is_digit(text.at[i])) {
            return false;
        }
    }
    return text.size > 0;
}

bool cents_parse(const char *text, int64_t *out)
{
    struct slice rest = slice_of(text);
    bool negative = slice_starts_with(rest, SLICE("-"));
    rest.at += negative;
    rest.size -= negative;

    struct slice whole, fraction = SLICE("0");
    uint64_t ones;
    slice_take_field(&rest, '.', &whole);
    bool has_fraction = slice_take_field(&rest, '.', &fraction);
    if (!slice_parse_uint(whole, INT64_MAX / CENTS_OF_ONE - 1, &ones) || (has_fraction && !all_digits(fraction)) ||
        rest.at != NULL) {
        return false;
    }
    int64_t cents = (int64_t)ones * CENTS_OF_ONE + fraction_cents(fraction);
    *out = negative ? -cents : cents;
    return true;
}

/* Writes a number with a comma after every three digits from the right. */
static void format_grouped(char out[static 32], uint64_t number)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%" PRIu64, number);
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) {
            *out++ = ',';
        }
        *out++ = digits[i];
    }
    *out = '\0';
}

char *money_format(char out[static MONEY_SIZE], struct money amount)
{
    bool is_dollar = memcmp(amount.currency, "USD", 4) == 0;
    uint64_t cents = amount.cents < 0 ? -(uint64_t)amount.cents : (uint64_t)amount.cents;
    char ones[32];
    format_grouped(ones, cents / CENTS_OF_ONE);
    snprintf(out, MONEY_SIZE, "%s%.3s%s%s.%02d", amount.cents < 0 ? "-" : "", is_dollar ? "$" : amount.currency,
        is_dollar ? "" : " ", ones, (int)(cents % CENTS_OF_ONE));
    return out;
}
