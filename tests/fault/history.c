#include "tests/fault/history.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/contract/contract.h"
#include "common/contract/guard.h"
#include "common/core/clock.h"
#include "common/core/id.h"
#include "common/core/slice.h"
#include "common/store/keyname.h"
#include "common/store/record.h"
#include "common/store/store.h"
#include "proto/claims.pb-c.h"
#include "proto/intake.pb-c.h"
#include "proto/notifications.pb-c.h"
#include "proto/scheduling.pb-c.h"

enum { ANSWER_MS = 20000, LIST_MAX = 1 << 18 };

/* One thing that was seen, to be sorted: a name, a number, and where it stands. */
struct seen {
    const char *name;
    uint64_t number;
    const struct record *record;
    size_t place;
};

struct list {
    struct seen *at;
    size_t count;
};

struct history {
    struct suite *suite;
    struct arena arena;
    struct store store;
    struct keys *keys;
    struct list roots, aggregates, commands, timers, booked, kept, notices;
    struct history_counts counts;
};

static void add(struct history *h, struct list *list, struct seen one)
{
    if (!list->at) {
        list->at = ARENA_ARRAY(&h->arena, struct seen, LIST_MAX);
    }
    assert_true(list->count < LIST_MAX);
    list->at[list->count++] = one;
}

static int compare(const void *a, const void *b)
{
    const struct seen *one = a;
    const struct seen *other = b;
    int names = strcmp(one->name, other->name);
    return names ? names : (one->number > other->number) - (one->number < other->number);
}

static void sort(struct list *list)
{
    if (list->count > 0) {
        qsort(list->at, list->count, sizeof *list->at, compare);
    }
}

/* ---- Reading ---- */

static void take_record(struct history *h, const redisReply *entry)
{
    struct why why = {""};
    struct record *record = ARENA_NEW(&h->arena, struct record);
    const redisReply *bytes = entry->element[1]->element[1];
    struct bytes kept = {arena_memdup(&h->arena, bytes->str, bytes->len), bytes->len};
    if (record_decode(kept, &h->arena, record, &why) != FAULT_NONE) {
        fail_msg("record %s: %s", entry->element[0]->str, why.text);
    }
    const struct record_header *header = &record->header;
    add(h, &h->roots,
        (struct seen){arena_printf(&h->arena, "%s/%s", header->tenant, header->root), header->sequence, record, 0});
    if (header->command_id[0] != '\0') {
        add(h, &h->commands,
            (struct seen){arena_printf(&h->arena, "%s/%s", header->tenant, header->command_id), 0, record, 0});
    }
    for (size_t i = 0; i < header->aggregate_count; i++) {
        const struct record_aggregate *one = &header->aggregates[i];
        const char *name = arena_printf(&h->arena, "%s:%s:%s:%s", header->service, one->kind, header->tenant, one->id);
        add(h, &h->aggregates, (struct seen){name, one->version, record, i});
    }
}

static redisReply *ask(struct history *h, uint32_t partition, const char *const *words)
{
    struct bytes argv[8];
    size_t argc = 0;
    for (; words[argc]; argc++) {
        argv[argc] = bytes_of_text(words[argc]);
    }
    redisReply *reply = redis_ask_blocking(shard_of(h->store.shards, partition), ANSWER_MS, argc, argv);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
    return reply;
}

static void read_partition(struct history *h, uint32_t partition)
{
    struct keyname name;
    redisReply *log =
        ask(h, partition, (const char *const[]){"XRANGE", keyname_log(&name, partition)->text, "-", "+", NULL});
    for (size_t i = 0; i < log->elements; i++) {
        take_record(h, log->element[i]);
    }
    freeReplyObject(log);
    redisReply *timers =
        ask(h, partition, (const char *const[]){"ZRANGE", keyname_timers(&name, partition)->text, "0", "-1", NULL});
    for (size_t i = 0; i < timers->elements; i++) {
        add(h, &h->timers,
            (struct seen){.name = arena_strndup(&h->arena, timers->element[i]->str, timers->element[i]->len)});
    }
    freeReplyObject(timers);
}

static void open_store(struct history *h, struct suite *suite)
{
    struct why why = {""};
    const char *const tenants[] = {"demo", SUITE_REAL_TENANT};
    *h = (struct history){.suite = suite};
    arena_init(&h->arena, (size_t)1 << 30);
    if (keys_open(suite_path(suite, "keys"), tenants, 2, &h->keys, &why) != FAULT_NONE ||
        store_init(&h->store, arena_printf(&h->arena, "unix:%s", suite_path(suite, "run/redis.sock")), h->keys, &why) !=
            FAULT_NONE) {
        fail_msg("%s", why.text);
    }
}

/* ---- Order ---- */

static bool is_first(const struct list *list, size_t i)
{
    return i == 0 || strcmp(list->at[i - 1].name, list->at[i].name) != 0;
}

static bool is_last(const struct list *list, size_t i)
{
    return i + 1 == list->count || strcmp(list->at[i + 1].name, list->at[i].name) != 0;
}

/* Each name's numbers are 1, 2, 3 ... Returns how many names there are. */
static size_t check_gapless(const struct list *list, const char *what)
{
    size_t names = 0;
    for (size_t i = 0; i < list->count; i++) {
        uint64_t wanted = is_first(list, i) ? 1 : list->at[i - 1].number + 1;
        if (list->at[i].number != wanted) {
            fail_msg("%s %s goes from %" PRIu64 " to %" PRIu64, what, list->at[i].name, wanted - 1, list->at[i].number);
        }
        names += is_first(list, i);
    }
    return names;
}

static void check_chains(const struct list *roots)
{
    uint8_t id[RECORD_ID_SIZE] = {0};
    for (size_t i = 0; i < roots->count; i++) {
        const struct record *record = roots->at[i].record;
        if (!is_first(roots, i) && memcmp(record->header.previous_id, id, sizeof id) != 0) {
            fail_msg(
                "root %s: record %" PRIu64 " does not follow the one before", roots->at[i].name, roots->at[i].number);
        }
        record_id(record->header.previous_id, record->bytes, id);
    }
}

static void check_unique(const struct list *list, const char *what)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!is_first(list, i)) {
            fail_msg("%s %s stands twice, by %s and by %s", what, list->at[i].name,
                list->at[i - 1].record->header.service, list->at[i].record->header.service);
        }
    }
}

/* ---- What the last states say ---- */

/* Two lists name the same things, each once. */
static void check_same(const struct list *one, const struct list *other, const char *what)
{
    for (size_t i = 0; i < one->count || i < other->count; i++) {
        const char *a = i < one->count ? one->at[i].name : "nothing";
        const char *b = i < other->count ? other->at[i].name : "nothing";
        if (strcmp(a, b) != 0) {
            fail_msg("%s: %s here, %s there", what, a, b);
        }
    }
}

static void check_day(struct history *h, const struct seen *seen, const ProtobufCMessage *state)
{
    const Scheduling__CalendarDay *day = (const Scheduling__CalendarDay *)state;
    for (size_t i = 0; i < day->n_bookings; i++) {
        const Scheduling__Booking *one = day->bookings[i];
        for (size_t k = 0; k < i; k++) {
            const Scheduling__Booking *other = day->bookings[k];
            if (one->start_at_ms < other->end_at_ms && other->start_at_ms < one->end_at_ms) {
                fail_msg("%s: %s and %s overlap", seen->name, one->appointment_id, other->appointment_id);
            }
        }
        if (!one->has_hold_until_ms || one->hold_until_ms == 0) {
            add(h, &h->kept, (struct seen){.name = one->appointment_id});
        }
    }
}

static void require_timer(struct history *h, const struct seen *seen, const char *name)
{
    const struct record_header *header = &seen->record->header;
    const struct record_aggregate *one = &header->aggregates[seen->place];
    struct seen wanted = {.name = arena_printf(&h->arena, "%s:%s:%s:%s:%s:%s", header->service, one->kind,
                              header->tenant, header->root, one->id, name)};
    if (h->timers.count == 0 || !bsearch(&wanted, h->timers.at, h->timers.count, sizeof wanted, compare)) {
        fail_msg("the timer %s is lost", wanted.name);
    }
}

static void check_appointment(struct history *h, const struct seen *seen, const ProtobufCMessage *state)
{
    const Scheduling__Appointment *a = (const Scheduling__Appointment *)state;
    if (a->state != SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_BOOKED) {
        return;
    }
    add(h, &h->booked, (struct seen){.name = a->appointment_id});
    if (a->n_reminders_at_ms > 0 && a->reminders_at_ms[a->n_reminders_at_ms - 1] > clock_wall_ms() + 60000) {
        require_timer(h, seen, "reminder-hours");
    }
}

static void check_case(struct history *h, const struct seen *seen, const ProtobufCMessage *state)
{
    const Intake__Case *c = (const Intake__Case *)state;
    for (size_t i = 0; i < c->n_clocks; i++) {
        if (c->clocks[i]->state == CASEBUS__CLOCK_STATE__CLOCK_STATE_RUNNING) {
            require_timer(h, seen, arena_printf(&h->arena, "clock.%s", c->clocks[i]->name));
        }
    }
}

static void check_claim(struct history *h, const struct seen *seen, const ProtobufCMessage *state)
{
    const Claims__Claim *claim = (const Claims__Claim *)state;
    const Claims__ClaimTotals *t = claim->totals;
    Claims__ClaimTotals sum = CLAIMS__CLAIM_TOTALS__INIT;
    for (size_t i = 0; i < claim->n_lines; i++) {
        const Claims__ClaimLine *line = claim->lines[i];
        int64_t parts =
            line->paid_cents + line->adjusted_cents + line->denied_cents + line->patient_cents + line->open_cents;
        if (line->billed_cents != parts) {
            fail_msg("%s: line %zu bills %" PRId64 " and is answered with %" PRId64, seen->name, i + 1,
                line->billed_cents, parts);
        }
        sum.billed_cents += line->billed_cents;
        sum.paid_cents += line->paid_cents;
        sum.adjusted_cents += line->adjusted_cents;
        sum.denied_cents += line->denied_cents;
        sum.patient_cents += line->patient_cents;
        sum.open_cents += line->open_cents;
    }
    bool same = t && t->billed_cents == sum.billed_cents && t->paid_cents == sum.paid_cents &&
                t->adjusted_cents == sum.adjusted_cents && t->denied_cents == sum.denied_cents &&
                t->patient_cents == sum.patient_cents && t->open_cents == sum.open_cents;
    if (!same) {
        fail_msg("%s: the totals are not those of the lines", seen->name);
    }
    h->counts.claims++;
}

static void check_notice(struct history *h, const struct seen *seen, const ProtobufCMessage *state)
{
    const Notifications__Notice *n = (const Notifications__Notice *)state;
    const char *name =
        arena_printf(&h->arena, "%s/%s/%s/%s/%d", n->event_id, n->rule_id, n->case_id, n->recipient_id, n->channel);
    add(h, &h->notices, (struct seen){.name = name, .record = seen->record});
}

static const struct checked {
    const char *service;
    const char *kind;
    void (*check)(struct history *h, const struct seen *seen, const ProtobufCMessage *state);
} CHECKED[] = {
    {"scheduling", "calendar_day", check_day},
    {"scheduling", "appointment", check_appointment},
    {"intake", "case", check_case},
    {"claims", "claim", check_claim},
    {"notifications", "notice", check_notice},
};

static void check_state(struct history *h, const struct seen *seen)
{
    const struct record_header *header = &seen->record->header;
    for (size_t i = 0; i < sizeof CHECKED / sizeof CHECKED[0]; i++) {
        const struct checked *row = &CHECKED[i];
        if (!str_same(row->service, header->service) || !str_same(row->kind, header->aggregates[seen->place].kind)) {
            continue;
        }
        struct why why = {""};
        struct bytes body;
        ProtobufCMessage *state = NULL;
        const struct contract_aggregate *aggregate = contract_aggregate(row->service, row->kind);
        if (record_open_state(seen->record, seen->place, h->keys, &h->arena, &body, &why) != FAULT_NONE ||
            contract_unpack(aggregate->message->descriptor, body.at, body.size, &CROSSING_STATE, &h->arena, &why,
                &state) != FAULT_NONE) {
            fail_msg("%s: %s", seen->name, why.text);
        }
        row->check(h, seen, state);
    }
}

struct history_counts history_check(struct suite *suite)
{
    struct history h;
    open_store(&h, suite);
    for (uint32_t partition = 0; partition < PARTITIONS; partition++) {
        read_partition(&h, partition);
    }
    sort(&h.roots);
    sort(&h.aggregates);
    sort(&h.commands);
    sort(&h.timers);
    h.counts.roots = check_gapless(&h.roots, "root");
    h.counts.aggregates = check_gapless(&h.aggregates, "aggregate");
    check_chains(&h.roots);
    check_unique(&h.commands, "command");
    for (size_t i = 0; i < h.aggregates.count; i++) {
        if (is_last(&h.aggregates, i)) {
            check_state(&h, &h.aggregates.at[i]);
        }
    }
    sort(&h.booked);
    sort(&h.kept);
    sort(&h.notices);
    check_same(&h.booked, &h.kept, "booked appointments and calendars differ");
    check_unique(&h.notices, "notice");
    h.counts.records = h.roots.count;
    h.counts.bookings = h.kept.count;
    h.counts.timers = h.timers.count;
    h.counts.notices = h.notices.count;
    store_done(&h.store);
    keys_close(&h.keys);
    arena_done(&h.arena);
    return h.counts;
}
