#include "common/contract/rules.h"

#include "common/core/date.h"
#include "common/core/id.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/core/zone.h"
#include "proto/options.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define ID_MAX       64
#define CODE_MAX     64
#define SYSTEM_MAX   256
#define LANGUAGE_MAX 35 /* RFC 5646, 4.4.1. */
#define YEAR_MIN     1880
#define YEAR_MAX     2200

static bool is_alphanumeric(char c)
{
    return ascii_is_letter(c) || ascii_is_digit(c);
}

static bool is_id(const char *text)
{
    return strlen(text) <= ID_MAX && id_is_valid(text);
}

static bool is_date(const char *text)
{
    struct date date;
    return date_parse(text, &date) && date.year >= YEAR_MIN && date.year <= YEAR_MAX;
}

/* 1 to `max` of printable ASCII without space. */
static bool is_printable(const char *text, size_t max)
{
    size_t length = 0;
    for (; text[length] != '\0'; length++) {
        if (length == max || text[length] <= ' ' || text[length] > '~') {
            return false;
        }
    }
    return length > 0;
}

static bool is_code(const char *text)
{
    return is_printable(text, CODE_MAX);
}

static bool is_system(const char *text)
{
    return is_printable(text, SYSTEM_MAX);
}

/* Whether the text is one of the words, all `width` letters, put one after the other with a space between. */
static bool is_word_of(const char *words, const char *text, size_t width)
{
    if (strlen(text) != width || strchr(text, ' ') != NULL) {
        return false;
    }
    for (const char *word = words; *word != '\0'; word += width + (word[width] == ' ')) {
        if (memcmp(word, text, width) == 0) {
            return true;
        }
    }
    return false;
}

/* USPS: states, district, territories, freely associated states, armed forces. */
static bool is_state(const char *text)
{
    return is_word_of(
        "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH "
        "OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC AS GU MP PR VI FM MH PW AA AE AP",
        text, 2);
}

/* ISO 4217 as of 2026: currencies in use, without funds, metals and test codes. */
static bool is_currency(const char *text)
{
    return is_word_of(
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF "
        "CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD "
        "HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL "
        "LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP "
        "PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT "
        "TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG",
        text, 3);
}

/* ---- Language ---- */

static bool all_letters(struct slice part)
{
    for (size_t i = 0; i < part.size; i++) {
        if (!ascii_is_letter(part.at[i])) {
            return false;
        }
    }
    return true;
}

static bool all_digits(struct slice part)
{
    for (size_t i = 0; i < part.size; i++) {
        if (!ascii_is_digit(part.at[i])) {
            return false;
        }
    }
    return true;
}

static bool all_alphanumeric(struct slice part)
{
    for (size_t i = 0; i < part.size; i++) {
        if (!is_alphanumeric(part.at[i])) {
            return false;
        }
    }
    return true;
}

static bool is_script(struct slice part)
{
    return part.size == 4 && all_letters(part);
}

static bool is_region(struct slice part)
{
    return (part.size == 2 && all_letters(part)) || (part.size == 3 && all_digits(part));
}

static bool is_variant(struct slice part)
{
    return all_alphanumeric(part) &&
           ((part.size >= 5 && part.size <= 8) || (part.size == 4 && ascii_is_digit(part.at[0])));
}

/* BCP 47 without extensions and private use: language, script, region, variants; in that order, all but the first
 * optional. */
static bool is_language(const char *text)
{
    struct slice rest = slice_of(text);
    struct slice part;
    if (rest.size > LANGUAGE_MAX || !slice_take_field(&rest, '-', &part)) {
        return false;
    }
    if (part.size < 2 || part.size > 3 || !all_letters(part)) {
        return false;
    }
    enum { LANGUAGE, SCRIPT, REGION, VARIANT } last = LANGUAGE;
    while (slice_take_field(&rest, '-', &part)) {
        if (last < SCRIPT && is_script(part)) {
            last = SCRIPT;
        } else if (last < REGION && is_region(part)) {
            last = REGION;
        } else if (is_variant(part)) {
            last = VARIANT;
        } else {
            return false;
        }
    }
    return true;
}

/* ---- The others ---- */

static bool is_zone(const char *text)
{
    return zone_find(text) != NULL;
}

/* Luhn over 80840 and the ten digits; 24 is what the prefix adds. */
static bool is_npi(const char *text)
{
    if (strlen(text) != 10 || (text[0] != '1' && text[0] != '2')) {
        return false;
    }
    int sum = 24;
    for (int i = 0; i < 10; i++) {
        if (!ascii_is_digit(text[i])) {
            return false;
        }
        int digit = text[i] - '0';
        int counted = i % 2 == 0 ? 2 * digit : digit;
        sum += counted > 9 ? counted - 9 : counted;
    }
    return sum % 10 == 0;
}

static bool is_time_of_day(const char *text)
{
    if (strlen(text) != 5 || text[2] != ':' || !all_digits((struct slice){text, 2}) ||
        !all_digits((struct slice){text + 3, 2})) {
        return false;
    }
    return strncmp(text, "24", 2) < 0 && strncmp(text + 3, "60", 2) < 0;
}

static bool is_anything(const char *text UNUSED)
{
    return true;
}

static const struct {
    const char *words;
    bool (*holds)(const char *text);
} FORMS[] = {
    [CASEBUS__FORM__FORM_UNSPECIFIED] = {"text", is_anything},
    [CASEBUS__FORM__FORM_ID] = {"an id (1 to 64 of letters, digits, . _ -, a letter or digit first)", is_id},
    [CASEBUS__FORM__FORM_DATE] = {"a date (YYYY-MM-DD)", is_date},
    [CASEBUS__FORM__FORM_CODE] = {"a code (1 to 64 printable characters without space)", is_code},
    [CASEBUS__FORM__FORM_STATE] = {"a US state or territory (two capital letters)", is_state},
    [CASEBUS__FORM__FORM_LANGUAGE] = {"a language (BCP 47, such as en or zh-Hans)", is_language},
    [CASEBUS__FORM__FORM_ZONE] = {"a time zone (such as America/New_York)", is_zone},
    [CASEBUS__FORM__FORM_CURRENCY] = {"a currency (ISO 4217, such as USD)", is_currency},
    [CASEBUS__FORM__FORM_NPI] = {"an NPI (10 digits with their check digit)", is_npi},
    [CASEBUS__FORM__FORM_TIME_OF_DAY] = {"a time of day (HH:MM)", is_time_of_day},
    [CASEBUS__FORM__FORM_SYSTEM] = {"a code system (1 to 256 printable characters without space)", is_system},
};

bool form_holds(int form, const char *text)
{
    MUST(form >= 0 && (size_t)form < ARRAY_LENGTH(FORMS));
    return FORMS[form].holds(text);
}

const char *form_words(int form)
{
    MUST(form >= 0 && (size_t)form < ARRAY_LENGTH(FORMS));
    return FORMS[form].words;
}
