/* Amounts of money: whole cents (hundredths of the currency) and three letters of ISO 4217. Never a float, never
 * silently overflowing, never two currencies in one sum.
 *
 * The cents_ functions are for messages that carry `..._cents` without a currency beside each. */
#ifndef CORE_MONEY_H
#define CORE_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#define MONEY_SIZE        40    /* of a formatted amount, with the NUL      */
#define BASIS_POINTS_FULL 10000 /* 100 percent                              */

struct money {
    int64_t cents;
    char currency[4];
};

#define USD(amount_cents) ((struct money){(amount_cents), "USD"})

/* False, `out` untouched, when the result does not fit or the currencies differ. */
bool money_add(struct money a, struct money b, struct money *out);
bool money_subtract(struct money a, struct money b, struct money *out);

/* A share in basis points (2000 is 20 %), half a cent away from zero. Per line: a sum of shares is not the share of a
 * sum. */
bool money_share(struct money amount, int32_t basis_points, struct money *out);

bool cents_add(int64_t a, int64_t b, int64_t *out);
bool cents_subtract(int64_t a, int64_t b, int64_t *out);
bool cents_multiply(int64_t a, int64_t count, int64_t *out);
bool cents_share(int64_t cents, int32_t basis_points, int64_t *out);

/* Reads a plain decimal number as FHIR and X12 write it: "1234.5", "-0.05"; digits beyond the cent round half away from
 * zero. No exponent, no grouping, no sign +. False, `out` untouched, otherwise. */
bool cents_parse(const char *text, int64_t *out);

/* "$1,234.50", "-$0.05"; other currencies by their letters: "EUR 1,234.50". Returns `out`. */
char *money_format(char out[static MONEY_SIZE], struct money amount);

#endif
