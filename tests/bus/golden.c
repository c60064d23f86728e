/* The wire protocol against the byte vectors of proto/README.md, which were made by other hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/bus/frame.h"
#include "common/core/must.h"
#include "proto/envelope.pb-c.h"

#define VECTOR_MAX 1024

struct vector {
    uint8_t bytes[VECTOR_MAX];
    size_t size;
};

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void add_hex(struct vector *vector, const char *text)
{
    for (; nibble(text[0]) >= 0 && nibble(text[1]) >= 0; text += 2) {
        assert_true(vector->size < VECTOR_MAX);
        vector->bytes[vector->size++] = (uint8_t)(nibble(text[0]) << 4 | nibble(text[1]));
    }
}

/* The vector that stands under the verb's name, in lines indented by eight. */
static struct vector read_vector(const char *name)
{
    struct vector vector = {.size = 0};
    char line[512];
    bool found = false;
    FILE *file = fopen("proto/README.md", "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "        ", 8) == 0 && found) {
            add_hex(&vector, line + 8);
        } else {
            found = strncmp(line, "    ", 4) == 0 && strcmp(line + 4, name) == 0;
        }
    }
    fclose(file);
    return vector;
}

static uint8_t packed[64][512]; /* what the envelopes and bodies below are packed into */
static unsigned packed_count;

static const uint8_t *pack(const ProtobufCMessage *message, uint32_t *size)
{
    MUST(packed_count < 64 && protobuf_c_message_get_packed_size(message) <= sizeof(packed[0]));
    uint8_t *at = packed[packed_count++];
    *size = (uint32_t)protobuf_c_message_pack(message, at);
    return at;
}

static struct record with_envelope(struct record record, const void *message)
{
    record.envelope = pack(message, &record.envelope_size);
    return record;
}

static struct record with_body(struct record record, const char *text)
{
    record.body = (const uint8_t *)text;
    record.body_size = (uint32_t)strlen(text);
    return record;
}

#define OUTCOME(...)                                                                                                   \
    &(Casebus__Outcome)                                                                                                \
    {                                                                                                                  \
        PROTOBUF_C_MESSAGE_INIT(&casebus__outcome__descriptor), __VA_ARGS__                                            \
    }

static Casebus__Envelope envelope_of(const char *id, const char *subject)
{
    Casebus__Envelope envelope = CASEBUS__ENVELOPE__INIT;
    envelope.id = id;
    envelope.subject = subject;
    envelope.tenant = "demo";
    envelope.root = "0a7-case";
    return envelope;
}

static Casebus__Envelope of_payer(const char *subject)
{
    Casebus__Envelope envelope = envelope_of("task-1", subject);
    envelope.lane = "payer/demo/acme";
    envelope.entry = "1700000000001-0";
    envelope.asker = "claims";
    return envelope;
}

static struct record hello(void)
{
    const char *serves[] = {"intake"}, *wants[] = {"planning.PlanAgreed"};
    Casebus__Hello message = CASEBUS__HELLO__INIT;
    struct record record = {.verb = VERB_HELLO, .tag = 1};
    message.has_kind = true;
    message.kind = CASEBUS__PEER_KIND__PEER_KIND_SERVICE;
    message.instance = "intake-1";
    message.service = message.group = "intake";
    message.has_wire_major = message.has_contract_major = true;
    message.wire_major = message.contract_major = 1;
    message.serves = serves;
    message.wants = wants;
    message.n_serves = message.n_wants = 1;
    message.has_credit_messages = message.has_heartbeat_ms = true;
    message.credit_messages = 64;
    message.heartbeat_ms = 1000;
    record.body = pack(&message.base, &record.body_size);
    return record;
}

static struct record welcome(void)
{
    Casebus__Welcome message = CASEBUS__WELCOME__INIT;
    struct record record = {.verb = VERB_WELCOME, .tag = 1};
    message.has_session = message.has_heartbeat_ms = message.has_credit_messages = true;
    message.session = 0x1122334455667788;
    message.broker = "broker-1";
    message.heartbeat_ms = 1000;
    message.credit_messages = 256;
    record.body = pack(&message.base, &record.body_size);
    return record;
}

static struct record cmd(void)
{
    struct record record = {.verb = VERB_CMD, .class = CLASS_URGENT, .flags = RECORD_SEALED, .ttl_ms = 10000};
    Casebus__Envelope envelope = envelope_of("cmd-1", "intake.AcceptReferral");
    record.tag = 0x1001;
    record.root = record_root("demo", "0a7-case");
    record.stamp = (const uint8_t *)"svc:cli";
    record.stamp_size = 7;
    return with_body(with_envelope(record, &envelope), "sealed");
}

static struct record evt(void)
{
    Casebus__Envelope envelope = envelope_of(NULL, "intake.ReferralAccepted");
    envelope.group = "planning";
    envelope.stream_id = "1700000000000-0";
    envelope.has_sequence = true;
    envelope.sequence = 7;
    struct record record = {.verb = VERB_EVT, .flags = RECORD_SEALED, .attempt = 1, .partition = 0x0a7, .epoch = 5};
    record.tag = 0x2001;
    record.root = record_root("demo", "0a7-case");
    return with_body(with_envelope(record, &envelope), "sealed");
}

static struct record task(void)
{
    Casebus__Envelope envelope = of_payer("payer.EligibilityQuestion");
    struct record record = {.verb = VERB_TASK, .attempt = 2, .partition = 0x0a7, .tag = 0x3001, .epoch = 5};
    record.root = record_root("demo", "0a7-case");
    return with_body(with_envelope(record, &envelope), "clear");
}

static struct record answer(void)
{
    Casebus__Envelope envelope = of_payer("payer.EligibilityAnswer");
    struct record record = {.verb = VERB_ANSWER, .ttl_ms = 30000, .tag = 1};
    record.root = record_root("demo", "0a7-case");
    return with_body(with_envelope(record, &envelope), "clear");
}

static struct record qry(void)
{
    Casebus__Envelope envelope = envelope_of("qry-1", "ops.ReadStatus");
    envelope.root = NULL;
    return with_envelope(
        (struct record){.verb = VERB_QRY, .class = CLASS_CONTROL, .ttl_ms = 1000, .tag = 0x6001}, &envelope);
}

static struct record rep(void)
{
    struct record record = {.verb = VERB_REP, .status = STATUS_OK, .partition = 0x0a7, .tag = 0x1001};
    record.flags = RECORD_SEALED | RECORD_BELL;
    return with_body(
        with_envelope(record, OUTCOME(.has_sequence = true, .sequence = 7, .has_version = true, .version = 3)),
        "sealed");
}

static struct record of_verb(enum verb verb)
{
    switch (verb) {
    case VERB_HELLO:
        return hello();
    case VERB_WELCOME:
        return welcome();
    case VERB_RESET:
        return with_envelope((struct record){.verb = VERB_RESET, .status = STATUS_REFUSED, .tag = 1},
            OUTCOME(.fault = "REFUSED", .why = "contract major 2 is not spoken here"));
    case VERB_BYE:
        return (struct record){.verb = VERB_BYE};
    case VERB_PING:
    case VERB_PONG:
        return (struct record){.verb = (uint8_t)verb, .tag = 9};
    case VERB_CMD:
        return cmd();
    case VERB_REP:
        return rep();
    case VERB_CANCEL:
        return (struct record){.verb = VERB_CANCEL, .tag = 0x1002, .root = record_root("demo", "0a7-case")};
    case VERB_EVT:
        return evt();
    case VERB_ACK:
        return (struct record){.verb = VERB_ACK, .tag = 0x2001, .epoch = 5};
    case VERB_NAK:
        return with_envelope(
            (struct record){.verb = VERB_NAK, .flags = RECORD_FINAL, .ttl_ms = 200, .tag = 0x2001, .epoch = 5},
            OUTCOME(.fault = "UNAVAILABLE", .why = "store is away"));
    case VERB_TERM:
        return with_envelope((struct record){.verb = VERB_TERM, .tag = 0x2001, .epoch = 5},
            OUTCOME(.fault = "REFUSED", .why = "team t1 has no room"));
    case VERB_TASK:
        return task();
    case VERB_ANSWER:
        return answer();
    case VERB_CREDIT:
        return (struct record){.verb = VERB_CREDIT, .tag = 128};
    case VERB_BELL:
        return (struct record){.verb = VERB_BELL, .partition = 0x0a7};
    case VERB_QRY:
        return qry();
    case VERB_QRS:
        return with_envelope(
            (struct record){.verb = VERB_QRS, .status = STATUS_OVERLOADED, .ttl_ms = 250, .tag = 0x6001},
            OUTCOME(.fault = "OVERLOADED", .why = "256 questions wait", .has_retry_after_ms = true,
                .retry_after_ms = 250));
    case VERB_NONE:
        break;
    }
    fail_msg("no golden record for verb %d", verb);
    return (struct record){0};
}

static const enum verb ALL[] = {
#define EVERY_VERB(name, number) VERB_##name,
    VERBS(EVERY_VERB)
#undef EVERY_VERB
};

static void every_verb_is_written_as_the_contract_shows_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ALL); i++) {
        struct vector vector = read_vector(verb_word(ALL[i]));
        struct record record = of_verb(ALL[i]);
        uint8_t bytes[VECTOR_MAX];
        print_message("%s\n", verb_word(ALL[i]));
        assert_int_equal(record_size(&record), vector.size);
        record_write(&record, bytes);
        assert_memory_equal(bytes, vector.bytes, vector.size);
    }
}

static void assert_same_part(const uint8_t *a, uint32_t a_size, const uint8_t *b, uint32_t b_size)
{
    assert_int_equal(a_size, b_size);
    if (a_size > 0) {
        assert_memory_equal(a, b, a_size);
    }
}

static void every_verb_is_read_as_the_contract_shows_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ALL); i++) {
        struct vector vector = read_vector(verb_word(ALL[i]));
        struct record want = of_verb(ALL[i]), got;
        struct frame_reader reader;
        assert_int_equal(frame_begin(&reader, vector.bytes, vector.size), FRAME_NONE);
        assert_true(frame_next(&reader, &got));
        assert_int_equal(got.verb, want.verb);
        assert_int_equal(got.status, want.status);
        assert_int_equal(got.class, want.class);
        assert_int_equal(got.attempt, want.attempt);
        assert_int_equal(got.flags, want.flags);
        assert_int_equal(got.partition, want.partition);
        assert_int_equal(got.ttl_ms, want.ttl_ms);
        assert_int_equal(got.epoch, want.epoch);
        assert_int_equal(got.tag, want.tag);
        assert_int_equal(got.root, want.root);
        assert_same_part(got.stamp, got.stamp_size, want.stamp, want.stamp_size);
        assert_same_part(got.envelope, got.envelope_size, want.envelope, want.envelope_size);
        assert_same_part(got.body, got.body_size, want.body, want.body_size);
        assert_false(frame_next(&reader, &got));
    }
}

static int start(void **state)
{
    (void)state;
    packed_count = 0;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_verb_is_written_as_the_contract_shows_it, start),
        cmocka_unit_test_setup(every_verb_is_read_as_the_contract_shows_it, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
