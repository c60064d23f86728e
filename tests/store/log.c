/* The log record, its chain, and reading the log. */
#include "tests/store/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/must.h"
#include "common/store/body.h"
#include "common/store/keyname.h"
#include "common/store/log_read.h"

static struct store_fixture FIXTURE;

static int start(void **state)
{
    (void)state;
    static const char *const extra[] = {"--enable-debug-command", "yes", NULL};
    store_fixture_start(&FIXTURE, extra);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    store_fixture_stop(&FIXTURE);
    return 0;
}

static int empty(void **state)
{
    (void)state;
    freeReplyObject(store_fixture_ask(&FIXTURE, "FLUSHALL", NULL));
    arena_reset(&FIXTURE.arena);
    return 0;
}

/* ---- records alone ---- */

static struct bytes sample(struct record_header *out)
{
    static struct record_aggregate aggregates[] = {{"referral", "r1", 3, 1, {0}}, {"person", "p1", 1, 2, {0}}};
    static const char *subjects[] = {"intake.ReferralAccepted", "intake.PersonSeen"};
    const struct key *key = keys_current(FIXTURE.keys, KEY_STORE, DEMO);
    struct bytes bodies[] = {bytes_of_text("first event"), bytes_of_text("")};
    struct seal_about about[] = {about_state(&FIXTURE.arena, "intake", "referral", DEMO, "r1", 3),
        about_state(&FIXTURE.arena, "intake", "person", DEMO, "p1", 1)};
    aggregates[0].sealed = body_seal(key, &about[0], bytes_of_text("referral state"), &FIXTURE.arena);
    aggregates[1].sealed = body_seal(key, &about[1], bytes_of_text("person state"), &FIXTURE.arena);
    *out = (struct record_header){
        .root = ROOT,
        .tenant = DEMO,
        .service = "intake",
        .command_id = "cmd-1",
        .cause = "evt-1",
        .actor_id = "nurse-1",
        .actor_role = 4,
        .simulated = true,
        .at_ms = 1763800000123,
        .schema = 9,
        .key_epoch = 1,
        .trace_id = "0123456789abcde",
        .sequence = 77,
        .previous_id = "fedcba987654321",
        .previous = {1763800000000, 5},
        .aggregate_count = 2,
        .aggregates = aggregates,
        .event_count = 2,
        .subjects = subjects,
    };
    struct bytes events = record_seal_events(key, DEMO, ROOT, 77, 2, bodies, &FIXTURE.arena);
    struct bytes bytes;
    struct why why;
    assert_int_equal(record_encode(out, events, &FIXTURE.arena, &bytes, &why), FAULT_NONE);
    return bytes;
}

static void assert_bytes(struct bytes bytes, const char *text)
{
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.at, text, bytes.size);
}

static void a_record_says_what_was_written_into_it(void **state)
{
    (void)state;
    struct record_header header;
    struct record record;
    struct why why;
    struct bytes bytes = sample(&header);
    assert_int_equal(record_decode(bytes, &FIXTURE.arena, &record, &why), FAULT_NONE);
    assert_string_equal(record.header.root, ROOT);
    assert_string_equal(record.header.tenant, DEMO);
    assert_string_equal(record.header.service, "intake");
    assert_string_equal(record.header.command_id, "cmd-1");
    assert_string_equal(record.header.cause, "evt-1");
    assert_string_equal(record.header.actor_id, "nurse-1");
    assert_int_equal(record.header.actor_role, 4);
    assert_true(record.header.simulated);
    assert_int_equal(record.header.at_ms, 1763800000123);
    assert_int_equal(record.header.schema, 9);
    assert_int_equal(record.header.key_epoch, 1);
    assert_memory_equal(record.header.trace_id, header.trace_id, TRACE_ID_SIZE);
    assert_int_equal(record.header.sequence, 77);
    assert_memory_equal(record.header.previous_id, header.previous_id, RECORD_ID_SIZE);
    assert_int_equal(stream_id_compare(record.header.previous, header.previous), 0);
    assert_int_equal(record.header.aggregate_count, 2);
    assert_string_equal(record.header.aggregates[1].kind, "person");
    assert_string_equal(record.header.aggregates[1].id, "p1");
    assert_int_equal(record.header.aggregates[0].version, 3);
    assert_int_equal(record.header.aggregates[1].schema, 2);
    assert_int_equal(record.header.event_count, 2);
    assert_string_equal(record.header.subjects[0], "intake.ReferralAccepted");

    struct bytes events[2], body;
    assert_int_equal(record_open_events(&record, FIXTURE.keys, &FIXTURE.arena, events, &why), FAULT_NONE);
    assert_bytes(events[0], "first event");
    assert_bytes(events[1], "");
    assert_int_equal(record_open_state(&record, 1, FIXTURE.keys, &FIXTURE.arena, &body, &why), FAULT_NONE);
    assert_bytes(body, "person state");
}

static void a_record_cut_short_anywhere_is_refused(void **state)
{
    (void)state;
    struct record_header header;
    struct record record;
    struct why why;
    struct bytes bytes = sample(&header);
    for (size_t size = 0; size < bytes.size; size++) {
        /* A copy of exactly this size, so that AddressSanitizer sees a read behind it. */
        uint8_t *copy = malloc(size + (size == 0));
        memcpy(copy, bytes.at, size);
        assert_int_equal(record_decode(bytes_of(copy, size), &FIXTURE.arena, &record, &why), FAULT_INTERNAL);
        free(copy);
    }
}

static void one_altered_byte_in_a_record_is_found(void **state)
{
    (void)state;
    struct record_header header;
    struct record record;
    struct why why;
    struct bytes bytes = sample(&header);
    uint8_t id[RECORD_ID_SIZE];
    record_id(header.previous_id, bytes, id);
    uint8_t *altered = arena_memdup(&FIXTURE.arena, bytes.at, bytes.size);
    for (size_t i = 0; i < bytes.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            altered[i] ^= (uint8_t)(1 << bit);
            bool decodes = record_decode(bytes_of(altered, bytes.size), &FIXTURE.arena, &record, &why) == FAULT_NONE;
            assert_false(decodes && record_follows(&record, id));
            altered[i] ^= (uint8_t)(1 << bit);
        }
    }
    assert_int_equal(record_decode(bytes, &FIXTURE.arena, &record, &why), FAULT_NONE);
    assert_true(record_follows(&record, id));
}

/* What one reader overlooks is a place to hide in. */
static void a_head_and_a_record_have_no_byte_without_meaning(void **state)
{
    (void)state;
    struct head head = {.schema = 1, .key_epoch = 1, .stamp = {.version = 3}}, again;
    uint8_t encoded[HEAD_SIZE], same[HEAD_SIZE];
    for (size_t i = 0; i < HEAD_SIZE; i++) {
        head_encode(&head, encoded);
        encoded[i] ^= 0x40;
        if (head_decode(bytes_of(encoded, HEAD_SIZE), &again)) {
            head_encode(&again, same);
            assert_memory_equal(same, encoded, HEAD_SIZE);
        }
    }
    struct record_header header;
    struct record record;
    struct why why;
    struct bytes bytes = sample(&header), written;
    uint8_t *altered = arena_memdup(&FIXTURE.arena, bytes.at, bytes.size);
    for (size_t i = 0; i < bytes.size; i++) {
        altered[i] ^= 0x40;
        if (record_decode(bytes_of(altered, bytes.size), &FIXTURE.arena, &record, &why) == FAULT_NONE) {
            assert_int_equal(
                record_encode(&record.header, record.sealed_events, &FIXTURE.arena, &written, &why), FAULT_NONE);
            assert_int_equal(written.size, bytes.size);
            assert_memory_equal(written.at, altered, bytes.size);
        }
        altered[i] ^= 0x40;
    }
}

static void a_record_above_its_limits_is_not_written(void **state)
{
    (void)state;
    struct record_header header;
    struct bytes bytes;
    struct why why;
    sample(&header);
    header.aggregate_count = RECORD_AGGREGATES_MAX + 1;
    struct record_aggregate many[RECORD_AGGREGATES_MAX + 1];
    for (size_t i = 0; i < ARRAY_LENGTH(many); i++) {
        many[i] = header.aggregates[0];
    }
    header.aggregates = many;
    assert_int_equal(record_encode(&header, bytes_of(NULL, 0), &FIXTURE.arena, &bytes, &why), FAULT_INVALID);
    header.aggregate_count = 1;
    static char text[70000];
    memset(text, 'x', sizeof text - 1);
    header.cause = text;
    assert_int_equal(record_encode(&header, bytes_of(NULL, 0), &FIXTURE.arena, &bytes, &why), FAULT_INVALID);
}

/* ---- the log ---- */

enum {
    HISTORY = 25,
};

/* HISTORY commits on ROOT, each a version of referral r1 with one event, and others between that belong to another
 * root. */
static struct root_state write_history(void)
{
    struct root_state root = {0};
    struct stamp stamp = {0};
    for (int i = 1; i <= HISTORY; i++) {
        struct commit commit = commit_of(&FIXTURE, arena_printf(&FIXTURE.arena, "cmd-%d", i));
        struct commit_state body = {.kind = "referral",
            .id = "r1",
            .expected = stamp,
            .body = bytes_of_text(arena_printf(&FIXTURE.arena, "version %d", i))};
        struct commit_event event = {
            "intake.ReferralChanged", bytes_of_text(arena_printf(&FIXTURE.arena, "event %d", i))};
        commit.expected_root = root;
        commit.state_count = 1;
        commit.states = &body;
        commit.event_count = 1;
        commit.events = &event;
        assert_int_equal(commit_now(&FIXTURE, &commit), COMMIT_COMMITTED);
        root = commit.root_after;
        stamp = commit.stamps[0];

        struct commit other = commit_of(&FIXTURE, arena_printf(&FIXTURE.arena, "other-%d", i));
        other.root = "00a-root2";
        other.event_count = 1;
        other.events = &event;
        assert_int_equal(commit_now(&FIXTURE, &other), COMMIT_COMMITTED);
    }
    return root;
}

static void on_page(struct log_page *page)
{
    ((struct store_fixture *)page->user)->waiting--;
}

static struct log_page page_after(struct stream_id after, size_t count_max)
{
    struct log_page page = {.partition = PARTITION,
        .after = after,
        .count_max = count_max,
        .arena = &FIXTURE.arena,
        .done = on_page,
        .user = &FIXTURE};
    assert_int_equal(log_page_send(&FIXTURE.store, &page), FAULT_NONE);
    FIXTURE.waiting++;
    store_fixture_wait(&FIXTURE);
    assert_int_equal(page.fault, FAULT_NONE);
    return page;
}

static void on_walk(struct log_walk *walk)
{
    ((struct store_fixture *)walk->user)->waiting--;
}

static struct log_walk walk_from(struct root_state from, size_t count_max)
{
    struct log_walk walk = {.partition = PARTITION,
        .tenant = DEMO,
        .root = ROOT,
        .from = from,
        .count_max = count_max,
        .arena = &FIXTURE.arena,
        .done = on_walk,
        .user = &FIXTURE};
    assert_int_equal(log_walk_send(&FIXTURE.store, &walk), FAULT_NONE);
    FIXTURE.waiting++;
    store_fixture_wait(&FIXTURE);
    return walk;
}

static void the_log_is_read_page_by_page_in_order(void **state)
{
    (void)state;
    write_history();
    struct stream_id at = {0, 0};
    size_t seen = 0, of_root = 0;
    for (struct log_page page = page_after(at, 7); page.count > 0; page = page_after(at, 7)) {
        for (size_t i = 0; i < page.count; i++) {
            assert_false(page.entries[i].corrupt);
            assert_true(stream_id_compare(at, page.entries[i].at) < 0);
            at = page.entries[i].at;
            of_root += strcmp(page.entries[i].record.header.root, ROOT) == 0;
        }
        seen += page.count;
    }
    assert_int_equal(seen, 2 * HISTORY);
    assert_int_equal(of_root, HISTORY);
}

static void a_root_is_walked_back_to_its_first_record(void **state)
{
    (void)state;
    struct root_state root = write_history();
    struct log_walk walk = walk_from(root, 1000);
    assert_int_equal(walk.fault, FAULT_NONE);
    assert_true(walk.complete);
    assert_int_equal(walk.count, HISTORY);
    for (size_t i = 0; i < walk.count; i++) {
        struct bytes body;
        struct why why;
        const struct record *record = &walk.entries[i].record;
        assert_int_equal(record->header.sequence, HISTORY - i);
        assert_int_equal(record_open_state(record, 0, FIXTURE.keys, &FIXTURE.arena, &body, &why), FAULT_NONE);
        assert_bytes(body, arena_printf(&FIXTURE.arena, "version %zu", HISTORY - i));
    }
    walk = walk_from(root, 3);
    assert_int_equal(walk.count, 3);
    assert_false(walk.complete);
}

static void the_log_alone_rebuilds_a_key_byte_for_byte(void **state)
{
    (void)state;
    struct root_state root = write_history();
    const struct record *last = &walk_from(root, 1).entries[0].record;
    const struct record_aggregate *aggregate = &last->header.aggregates[0];
    struct keyname name;
    keyname_aggregate(&name, PARTITION, last->header.service, aggregate->kind, DEMO, aggregate->id);
    redisReply *stored = store_fixture_ask(&FIXTURE, "GET", name.text, NULL);
    struct head head = {aggregate->schema, last->header.key_epoch, {aggregate->version, {0}}};
    record_id(last->header.previous_id, last->bytes, head.stamp.record_id);
    uint8_t clear[HEAD_SIZE];
    head_encode(&head, clear);
    assert_int_equal(stored->len, HEAD_SIZE + aggregate->sealed.size);
    assert_memory_equal(stored->str, clear, HEAD_SIZE);
    assert_memory_equal(stored->str + HEAD_SIZE, aggregate->sealed.at, aggregate->sealed.size);
    freeReplyObject(stored);
}

static void a_log_that_was_trimmed_ends_the_walk(void **state)
{
    (void)state;
    struct root_state root = write_history();
    struct keyname name;
    keyname_log(&name, PARTITION);
    freeReplyObject(store_fixture_ask(&FIXTURE, "XTRIM", name.text, "MAXLEN", "20", NULL));
    struct log_walk walk = walk_from(root, 1000);
    assert_int_equal(walk.fault, FAULT_NONE);
    assert_int_equal(walk.count, 10);
    assert_false(walk.complete);
}

/* Writes the log anew with the same ids, entry `which` with one bit altered at `offset` (from the end when beyond it).
 */
static void alter_log(size_t which, size_t offset)
{
    struct keyname name;
    keyname_log(&name, PARTITION);
    redisReply *all = store_fixture_ask(&FIXTURE, "XRANGE", name.text, "-", "+", NULL);
    freeReplyObject(store_fixture_ask(&FIXTURE, "DEL", name.text, NULL));
    for (size_t i = 0; i < all->elements; i++) {
        redisReply *value = all->element[i]->element[1]->element[1];
        if (i == which) {
            value->str[offset % value->len] ^= 1;
        }
        struct bytes argv[] = {bytes_of_text("XADD"), bytes_of(name.text, name.size),
            bytes_of_text(all->element[i]->element[0]->str), bytes_of_text("r"), bytes_of(value->str, value->len)};
        freeReplyObject(redis_ask_blocking(shard_of(FIXTURE.store.shards, PARTITION), 5000, 5, argv));
    }
    freeReplyObject(all);
}

static void one_altered_byte_in_the_log_breaks_the_walk_there(void **state)
{
    (void)state;
    struct root_state root = write_history();
    unsigned seed = 20261122;
    for (int round = 0; round < 12; round++) {
        size_t sequence = 1 + (size_t)rand_r(&seed) % HISTORY;
        size_t offset = (size_t)rand_r(&seed);
        size_t which = 2 * (sequence - 1); /* ROOT's records are every other one */
        alter_log(which, offset);
        struct log_walk walk = walk_from(root, 1000);
        if (walk.fault != FAULT_INTERNAL || walk.count != HISTORY - sequence) {
            fail_msg("altered byte %zu of record %zu was not found there", offset, sequence);
        }
        alter_log(which, offset);
        assert_int_equal(walk_from(root, 1000).count, HISTORY);
    }
}

static void a_damaged_record_in_a_page_is_marked_and_the_others_are_read(void **state)
{
    (void)state;
    write_history();
    alter_log(4, 0); /* its magic */
    struct log_page page = page_after((struct stream_id){0, 0}, 100);
    assert_int_equal(page.count, 2 * HISTORY);
    for (size_t i = 0; i < page.count; i++) {
        assert_int_equal(page.entries[i].corrupt, i == 4);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, empty)
    const struct CMUnitTest tests[] = {
        TEST(a_record_says_what_was_written_into_it),
        TEST(a_record_cut_short_anywhere_is_refused),
        TEST(one_altered_byte_in_a_record_is_found),
        TEST(a_head_and_a_record_have_no_byte_without_meaning),
        TEST(a_record_above_its_limits_is_not_written),
        TEST(the_log_is_read_page_by_page_in_order),
        TEST(a_root_is_walked_back_to_its_first_record),
        TEST(the_log_alone_rebuilds_a_key_byte_for_byte),
        TEST(a_log_that_was_trimmed_ends_the_walk),
        TEST(one_altered_byte_in_the_log_breaks_the_walk_there),
        TEST(a_damaged_record_in_a_page_is_marked_and_the_others_are_read),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
