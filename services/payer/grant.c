#include <string.h>

#include "common/core/date.h"
#include "common/core/id.h"
#include "common/core/slice.h"
#include "services/payer/payer.h"

#define NUMBER_BODY  8
#define NUMBER_CHECK 4
#define NUMBER_SIZE  (1 + NUMBER_BODY + NUMBER_CHECK)

/* Of one code under one number. */
struct granted {
    uint32_t units;
    uint32_t used;
    int32_t from_day; /* as date_to_days() */
    int32_t to_day;
};

/* The first characters of a key, in capitals. */
static const char *spell(const struct insurer *in, struct memory_key key, size_t count)
{
    char text[ID_FRESH_SIZE];
    id_spell(text, key.bytes);
    ascii_upper_all(text);
    return arena_strndup(in->arena, text, count);
}

static const char *check_of(const struct insurer *in, const Payer__Member *member, const char *body)
{
    return spell(in, memory_key("check", in->payer->payer_id, member_key(in, member), body, NULL), NUMBER_CHECK);
}

const char *grant_number(const struct insurer *in, const Payer__Member *member, const char *reference)
{
    const char *body =
        spell(in, memory_key("number", in->payer->payer_id, member_key(in, member), reference, NULL), NUMBER_BODY);
    return arena_printf(in->arena, "A%s%s", body, check_of(in, member, body));
}

static bool number_is_ours(const struct insurer *in, const Payer__Member *member, const char *number)
{
    if (strlen(number) != NUMBER_SIZE || number[0] != 'A') {
        return false;
    }
    const char *body = arena_strndup(in->arena, number + 1, NUMBER_BODY);
    return str_same(check_of(in, member, body), number + 1 + NUMBER_BODY);
}

static struct memory_key key_of(
    const struct insurer *in, const Payer__Member *member, const char *number, const char *code)
{
    return memory_key("grant", in->payer->payer_id, member_key(in, member), number, code, NULL);
}

/* All lines of the code together. */
static uint32_t units_of(
    Payer__ServiceLine *const *lines, Payer__LineDecision *const *decisions, size_t count, const char *code)
{
    uint32_t units = 0;
    for (size_t i = 0; i < count; i++) {
        units += str_same(lines[i]->code->code, code) ? decisions[i]->units : 0;
    }
    return units;
}

static void grant_code(const struct insurer *in, const Payer__Member *member, const char *number, const char *code,
    uint32_t units, const char *from_date, const char *to_date)
{
    struct date from = date_from_days(0), to = {9999, 12, 31};
    struct granted *granted = memory_require(in->memory, key_of(in, member, number, code), sizeof *granted);
    if (from_date) {
        (void)date_parse(from_date, &from);
    }
    if (to_date) {
        (void)date_parse(to_date, &to);
    }
    granted->units = units;
    granted->from_day = date_to_days(from);
    granted->to_day = date_to_days(to);
}

void grant(const struct insurer *in, const Payer__Member *member, const char *number, Payer__ServiceLine *const *lines,
    Payer__LineDecision *const *decisions, size_t count, const char *from_date, const char *to_date)
{
    for (size_t i = 0; i < count; i++) {
        const char *code = lines[i]->code->code;
        uint32_t units = units_of(lines, decisions, count, code);
        if (units > 0) {
            grant_code(in, member, number, code, units, from_date, to_date);
        }
    }
}

static struct granted *find_granted(
    const struct insurer *in, const Payer__Member *member, const Payer__ServiceLine *line)
{
    return memory_find(in->memory, key_of(in, member, line->authorization_number, line->code->code), NULL);
}

const char *grant_carc(const struct insurer *in, const Payer__Member *member, const Payer__ServiceLine *line)
{
    struct date day;
    if (str_is_empty(line->authorization_number)) {
        return "197";
    }
    if (!number_is_ours(in, member, line->authorization_number)) {
        return "15";
    }
    const struct granted *granted = find_granted(in, member, line);
    if (!granted) {
        return NULL; /* Granted by a process before this one: the check vouches for it. */
    }
    bool in_dates = date_parse(line->service_date, &day) && date_to_days(day) >= granted->from_day &&
                    date_to_days(day) <= granted->to_day;
    return in_dates && line->units <= granted->units - granted->used ? NULL : "198";
}

void use_grant(const struct insurer *in, const Payer__Member *member, const Payer__ServiceLine *line)
{
    struct granted *granted = str_is_empty(line->authorization_number) ? NULL : find_granted(in, member, line);
    if (granted) {
        granted->used += line->units;
    }
}
