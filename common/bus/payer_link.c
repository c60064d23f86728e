#include "common/bus/payer_link.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/bus/links.h"
#include "common/contract/guard.h"
#include "common/core/base64.h"
#include "common/core/clock.h"
#include "common/core/entropy.h"
#include "common/core/must.h"
#include "common/core/slice.h"

#define TOKEN_BYTES_MAX ((PAYER_TOKEN_SIZE - 1) / 4 * 3)
#define LANE_PREFIX     "payer/"

/* A task taken and not yet acknowledged to its link. */
struct delivery {
    char *token; /* NULL: free */
    unsigned link;
    uint64_t session, tag;
    uint32_t epoch;
};

/* An answer given; once `settled` its outcome waits to be told. */
struct given {
    char *token; /* NULL: free */
    bool settled;
    unsigned link;
    uint64_t tag;
    int64_t until_ms;
    enum fault fault;
    struct why why;
};

struct payer_link {
    struct links links;
    struct delivery *deliveries;
    unsigned delivery_max;
    struct given given[PAYER_ANSWERS_MAX];
    uint64_t tags;
    struct arena arena; /* of the task or reset that was told last */
};

static enum fault open_links(struct payer_link *link, const struct payer_options *options, struct why *why)
{
    char instance[ID_FRESH_SIZE];
    const char *lanes[PAYER_IDS_MAX];
    id_random(instance);
    for (unsigned i = 0; i < options->payer_id_count; i++) {
        lanes[i] = arena_printf(&link->arena, LANE_PREFIX "%s/%s", options->tenant, options->payer_ids[i]);
    }
    Casebus__Hello hello = CASEBUS__HELLO__INIT;
    hello.has_kind = true;
    hello.kind = CASEBUS__PEER_KIND__PEER_KIND_PAYER;
    hello.instance = instance;
    hello.version = options->version;
    hello.lanes = lanes;
    hello.n_lanes = options->payer_id_count;
    hello.has_credit_messages = true;
    hello.credit_messages = options->credits != 0 ? options->credits : LINK_CREDITS;
    link->delivery_max = hello.credit_messages * CLIENT_ENDPOINTS_MAX;
    link->deliveries = calloc(link->delivery_max, sizeof(*link->deliveries));
    MUST(link->deliveries != NULL);
    return links_open(&link->links, options->endpoints, options->endpoint_count, &hello, clock_monotonic_ms(), why);
}

enum fault payer_link_new(const struct payer_options *options, struct why *why, struct payer_link **out)
{
    if (options->payer_id_count == 0 || options->payer_id_count > PAYER_IDS_MAX || !id_is_valid(options->tenant)) {
        why_set(why, "a tenant and 1 to %d payer ids are needed", PAYER_IDS_MAX);
        return FAULT_INVALID;
    }
    for (unsigned i = 0; i < options->payer_id_count; i++) {
        if (!id_is_valid(options->payer_ids[i]) && !str_same(options->payer_ids[i], PAYER_ANY)) {
            why_set(why, "the payer id \"%.100s\" is not an id", options->payer_ids[i]);
            return FAULT_INVALID;
        }
    }
    struct payer_link *link = calloc(1, sizeof(*link));
    MUST(link != NULL);
    arena_init(&link->arena, 0);
    enum fault fault = open_links(link, options, why);
    if (fault != FAULT_NONE) {
        payer_link_free(&link);
        return fault;
    }
    *out = link;
    return FAULT_NONE;
}

void payer_link_free(struct payer_link **link)
{
    if (*link == NULL) {
        return;
    }
    struct payer_link *old = *link;
    *link = NULL;
    links_close(&old->links, clock_monotonic_ms());
    for (unsigned i = 0; i < old->delivery_max; i++) {
        free(old->deliveries[i].token);
    }
    for (unsigned i = 0; i < PAYER_ANSWERS_MAX; i++) {
        free(old->given[i].token);
    }
    free(old->deliveries);
    arena_done(&old->arena);
    free(old);
}

/* A token is the part of the task's envelope that its answer repeats, in letters. */
static bool make_token(const Casebus__Envelope *task, char out[PAYER_TOKEN_SIZE])
{
    Casebus__Envelope part = CASEBUS__ENVELOPE__INIT;
    uint8_t bytes[TOKEN_BYTES_MAX];
    part.id = task->id;
    part.tenant = task->tenant;
    part.root = task->root;
    part.key = task->key;
    part.lane = task->lane;
    part.entry = task->entry;
    part.kind = task->kind;
    part.asker = task->asker;
    size_t size = casebus__envelope__get_packed_size(&part);
    if (size > sizeof(bytes)) {
        return false;
    }
    casebus__envelope__pack(&part, bytes);
    sodium_bin2base64(out, PAYER_TOKEN_SIZE, bytes, size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return true;
}

static Casebus__Envelope *read_envelope(const void *bytes, size_t size, struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    enum fault fault =
        contract_unpack(&casebus__envelope__descriptor, bytes, size, &CROSSING_PAYER, arena, NULL, &message);
    return fault == FAULT_NONE ? (Casebus__Envelope *)message : NULL;
}

/* The envelope of an answer to the task that the token names; NULL when it names none. */
static Casebus__Envelope *read_token(const char *token, struct arena *arena)
{
    uint8_t bytes[TOKEN_BYTES_MAX];
    size_t size = 0;
    if (!base64_read(bytes, sizeof(bytes), token, strlen(token), sodium_base64_VARIANT_URLSAFE_NO_PADDING, &size)) {
        return NULL;
    }
    Casebus__Envelope *envelope = read_envelope(bytes, size, arena);
    bool is_task = envelope != NULL && envelope->lane != NULL && envelope->entry != NULL;
    return is_task ? envelope : NULL;
}

static void keep_delivery(struct payer_link *link, const struct payer_task *task)
{
    for (unsigned i = 0; i < link->delivery_max; i++) {
        struct delivery *delivery = &link->deliveries[i];
        if (delivery->token == NULL) {
            char *token = strdup(task->token);
            MUST(token != NULL);
            *delivery = (struct delivery){token, task->link, task->session, task->tag, task->epoch};
            return;
        }
    }
}

/* Acknowledges every delivery of the task that is open, so that its credit comes back. */
static void release_deliveries(struct payer_link *link, const char *token, enum verb verb, uint32_t delay_ms)
{
    for (unsigned i = 0; i < link->delivery_max; i++) {
        struct delivery *delivery = &link->deliveries[i];
        if (delivery->token == NULL || !str_same(delivery->token, token)) {
            continue;
        }
        struct record record = {
            .verb = (uint8_t)verb, .tag = delivery->tag, .epoch = delivery->epoch, .ttl_ms = delay_ms};
        link_send(link->links.at[delivery->link], clock_monotonic_ms(), &record);
        free(delivery->token);
        delivery->token = NULL;
    }
}

/* The deliveries and answers of a link that is lost: the first come again, the second must be given again. */
static void lose_link(struct payer_link *link, unsigned index)
{
    for (unsigned i = 0; i < link->delivery_max; i++) {
        struct delivery *delivery = &link->deliveries[i];
        if (delivery->token != NULL && delivery->link == index) {
            free(delivery->token);
            delivery->token = NULL;
        }
    }
    for (unsigned i = 0; i < PAYER_ANSWERS_MAX; i++) {
        struct given *given = &link->given[i];
        if (given->token != NULL && !given->settled && given->link == index) {
            given->settled = true;
            given->fault = FAULT_UNKNOWN;
            why_set(&given->why, "the link to the edge was lost before it answered");
        }
    }
}

/* The payer id is the last part of the lane's name. */
static const char *payer_id_of(const char *lane)
{
    const char *slash = strrchr(lane, '/');
    return slash == NULL ? lane : slash + 1;
}

/* Takes a TASK in. False for one that no answer could name: it is given back for good. */
static bool take_task(struct payer_link *link, unsigned index, const struct record *record, struct payer_task *task)
{
    Casebus__Envelope *envelope = read_envelope(record->envelope, record->envelope_size, &link->arena);
    bool is_whole = envelope != NULL && envelope->lane != NULL && envelope->entry != NULL && envelope->subject != NULL;
    *task = (struct payer_task){0};
    if (!is_whole || !make_token(envelope, task->token)) {
        struct record nak = {.verb = VERB_NAK, .flags = RECORD_FINAL, .tag = record->tag, .epoch = record->epoch};
        link_send(link->links.at[index], clock_monotonic_ms(), &nak);
        return false;
    }
    task->tenant = envelope->tenant;
    task->payer_id = payer_id_of(envelope->lane);
    task->subject = envelope->subject;
    task->id = envelope->id;
    task->attempt = record->attempt;
    task->body = (struct body){record->body, record->body_size};
    task->link = index;
    task->session = link_core_of(link->links.at[index])->session;
    task->tag = record->tag;
    task->epoch = record->epoch;
    keep_delivery(link, task);
    return true;
}

static enum fault fault_of(const struct record *reply, const Casebus__Outcome *outcome)
{
    enum fault fault = FAULT_UNKNOWN;
    if (reply->status == STATUS_OK) {
        return FAULT_NONE;
    }
    if (outcome == NULL || outcome->fault == NULL || !fault_from_word(outcome->fault, &fault) || fault == FAULT_NONE) {
        return reply->status == STATUS_REFUSED ? FAULT_REFUSED : FAULT_UNKNOWN;
    }
    return fault;
}

static enum fault read_outcome(struct payer_link *link, const struct record *record, struct why *why)
{
    ProtobufCMessage *message = NULL;
    contract_unpack(&casebus__outcome__descriptor, record->envelope, record->envelope_size, &CROSSING_PAYER,
        &link->arena, NULL, &message);
    const Casebus__Outcome *outcome = (const Casebus__Outcome *)message;
    enum fault fault = fault_of(record, outcome);
    why_set(why, "%s", outcome != NULL && outcome->why != NULL ? outcome->why : fault_meaning(fault));
    return fault;
}

static void settle(struct payer_link *link, unsigned index, const struct record *reply)
{
    for (unsigned i = 0; i < PAYER_ANSWERS_MAX; i++) {
        struct given *given = &link->given[i];
        if (given->token != NULL && !given->settled && given->link == index && given->tag == reply->tag) {
            given->settled = true;
            given->fault = read_outcome(link, reply, &given->why);
        }
    }
}

/* Tells the first outcome that waits to be told. */
static bool tell_settled(struct payer_link *link, int64_t now_ms, struct payer_outcome *outcome)
{
    for (unsigned i = 0; i < PAYER_ANSWERS_MAX; i++) {
        struct given *given = &link->given[i];
        if (given->token != NULL && !given->settled && now_ms >= given->until_ms) {
            given->settled = true;
            given->fault = FAULT_UNKNOWN;
            why_set(&given->why, "no edge settled the answer in time");
        }
        if (given->token != NULL && given->settled) {
            outcome->fault = given->fault;
            outcome->why = given->why;
            memcpy(outcome->token, given->token, strlen(given->token) + 1);
            free(given->token);
            given->token = NULL;
            return true;
        }
    }
    return false;
}

/* What the next event of one link means to the insurer. */
static enum payer_event hear(
    struct payer_link *link, unsigned index, int64_t now_ms, struct payer_task *task, struct payer_outcome *outcome)
{
    struct record record;
    enum link_event event;
    while ((event = link_next(link->links.at[index], now_ms, &record)) != LINK_NOTHING) {
        if (event == LINK_UP) {
            return PAYER_UP;
        }
        if (event == LINK_LOST) {
            lose_link(link, index);
            return PAYER_LOST;
        }
        if (event == LINK_REFUSED) {
            *outcome = (struct payer_outcome){0};
            outcome->fault = read_outcome(link, &record, &outcome->why);
            return PAYER_REFUSED;
        }
        if (event == LINK_RECORD && record.verb == VERB_TASK && take_task(link, index, &record, task)) {
            return PAYER_TASK;
        }
        if (event == LINK_RECORD && record.verb == VERB_REP) {
            settle(link, index, &record);
        }
    }
    return PAYER_NOTHING;
}

static enum payer_event hear_all(
    struct payer_link *link, int64_t now_ms, struct payer_task *task, struct payer_outcome *outcome)
{
    for (unsigned i = 0; i < link->links.count; i++) {
        enum payer_event event = hear(link, i, now_ms, task, outcome);
        if (event != PAYER_NOTHING) {
            return event;
        }
    }
    return tell_settled(link, now_ms, outcome) ? PAYER_SETTLED : PAYER_NOTHING;
}

enum payer_event payer_next(
    struct payer_link *link, uint32_t timeout_ms, struct payer_task *task, struct payer_outcome *outcome)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t until_ms = now_ms + timeout_ms;
    enum payer_event event;
    arena_reset(&link->arena);
    while ((event = hear_all(link, now_ms, task, outcome)) == PAYER_NOTHING && now_ms < until_ms) {
        links_wait(&link->links, until_ms);
        now_ms = clock_monotonic_ms();
    }
    links_flush(&link->links);
    return event;
}

static struct given *find_room(struct payer_link *link)
{
    for (unsigned i = 0; i < PAYER_ANSWERS_MAX; i++) {
        if (link->given[i].token == NULL) {
            return &link->given[i];
        }
    }
    return NULL;
}

static enum fault send_answer(
    struct payer_link *link, const char *token, const Casebus__Envelope *envelope, struct body body, struct why *why)
{
    uint8_t bytes[ENVELOPE_MAX];
    struct record record = {
        .verb = VERB_ANSWER,
        .tag = ++link->tags,
        .ttl_ms = PAYER_ANSWER_MS,
        .root = record_root(envelope->tenant, envelope->root),
        .envelope = bytes,
        .envelope_size = (uint32_t)casebus__envelope__get_packed_size(envelope),
        .body = body.bytes,
        .body_size = (uint32_t)body.size,
    };
    if (body.size > CLIENT_BODY_MAX || !record_fits(&record)) {
        why_set(why, "the answer has %zu bytes, at most %d can be sent", body.size, CLIENT_BODY_MAX);
        return FAULT_INVALID;
    }
    casebus__envelope__pack(envelope, bytes);
    int64_t now_ms = clock_monotonic_ms();
    int index = links_choose(&link->links, -1);
    struct given *given = find_room(link);
    if (index < 0 || given == NULL || !link_send(link->links.at[index], now_ms, &record)) {
        why_set(why, "no edge takes the answer now");
        return FAULT_UNAVAILABLE;
    }
    *given = (struct given){
        .token = strdup(token), .link = (unsigned)index, .tag = record.tag, .until_ms = now_ms + PAYER_ANSWER_MS};
    MUST(given->token != NULL);
    return FAULT_NONE;
}

enum fault payer_answer(
    struct payer_link *link, const char *token, const char *subject, struct body body, struct why *why)
{
    struct arena arena;
    arena_init(&arena, 0);
    Casebus__Envelope *envelope = read_token(token, &arena);
    enum fault fault = FAULT_INVALID;
    if (envelope == NULL || str_is_empty(subject) || strlen(subject) > 128) {
        why_set(why, "the token names no task, or the subject is missing");
    } else {
        envelope->subject = subject;
        fault = send_answer(link, token, envelope, body, why);
    }
    arena_done(&arena);
    if (fault == FAULT_NONE) {
        release_deliveries(link, token, VERB_ACK, 0);
    }
    return fault;
}

static enum fault release(
    struct payer_link *link, const struct payer_task *task, enum verb verb, uint32_t delay_ms, struct why *why)
{
    if (link_core_of(link->links.at[task->link])->session != task->session) {
        why_set(why, "the link that the task came on is lost, the task comes again");
        return FAULT_UNAVAILABLE;
    }
    release_deliveries(link, task->token, verb, delay_ms);
    return FAULT_NONE;
}

enum fault payer_keep(struct payer_link *link, const struct payer_task *task, struct why *why)
{
    return release(link, task, VERB_ACK, 0, why);
}

enum fault payer_later(struct payer_link *link, const struct payer_task *task, uint32_t delay_ms, struct why *why)
{
    return release(link, task, VERB_NAK, delay_ms, why);
}
