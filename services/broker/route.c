/* Commands and questions: to an instance of the service that the subject names, and the answer back to who asked.
 *
 *     (arrives) --no instance--> UNAVAILABLE        QUEUED --too long--> OVERLOADED, EXPIRED
 *     (arrives) --a credit is free--> SENT          QUEUED --a credit comes back--> SENT
 *     (arrives) --queue has room--> QUEUED          SENT --answer--> (done)
 *     (arrives) --else--> OVERLOADED                SENT --link or time lost--> UNKNOWN
 *
 * Every refusal here promises that nothing was done, because nothing was sent. After it was sent only the instance knows. A
 * call is never sent twice: the caller decides, under the same command id. */

#include <stdlib.h>
#include <string.h>

#include "common/core/must.h"
#include "services/broker/state.h"

/* How many calls of a class go before the next class has its turn, the most urgent first. */
static const struct {
    uint8_t class;
    unsigned share;
} TURNS[CLASSES] = {{CLASS_CONTROL, 16}, {CLASS_URGENT, 8}, {CLASS_NORMAL, 4}, {CLASS_BULK, 1}};

enum { RETRY_AFTER_MS = 250 };

static void refuse(
    struct broker *b, const struct peer *caller, const struct record *record, enum status status, const char *why)
{
    b->counters.commands_refused++;
    uint32_t retry_ms = status == STATUS_OVERLOADED || status == STATUS_UNAVAILABLE ? RETRY_AFTER_MS : 0;
    answer_caller(b, caller->session, record->tag, record->verb, status, retry_ms,
        status == STATUS_REFUSED ? "INVALID" : NULL, why);
}

static struct call *call_new(
    struct broker *b, struct crew *crew, const struct peer *caller, const struct record *record)
{
    uint64_t tag;
    struct call *call = pool_take(&b->call_pool, &tag);
    if (!call) {
        return NULL;
    }
    errand_init(&call->errand, ERRAND_CALL, tag);
    uint32_t ttl_ms = record->ttl_ms ? record->ttl_ms : b->limits.ttl_ms;
    if (ttl_ms > b->limits.ttl_max_ms) {
        ttl_ms = b->limits.ttl_max_ms;
    }
    call->crew = crew;
    call->caller = caller->session;
    call->caller_tag = record->tag;
    call->root = record->root;
    call->arrived_ms = b->now_ms;
    call->expires_ms = b->now_ms + ttl_ms;
    call->verb = record->verb;
    call->class = record->class;
    return call;
}

static void call_end(struct broker *b, struct call *call)
{
    errand_return(&call->errand);
    free(call->copy);
    pool_give(&b->call_pool, errand_slot(&call->errand));
}

static void call_refuse(struct broker *b, struct call *call, enum status status, const char *why)
{
    uint32_t retry_ms = status == STATUS_OVERLOADED || status == STATUS_UNAVAILABLE ? RETRY_AFTER_MS : 0;
    if (call->caller) {
        answer_caller(b, call->caller, call->caller_tag, call->verb, status, retry_ms, NULL, why);
    }
}

static void send_to(struct broker *b, struct call *call, struct peer *worker, const struct record *record)
{
    struct record sent = *record;
    const struct peer *caller = peer_of_session(b, call->caller);
    int64_t left_ms = call->expires_ms - b->now_ms;
    sent.tag = call->errand.tag;
    sent.ttl_ms = left_ms > 0 ? (uint32_t)left_ms : 1;
    sent.stamp = caller ? (const uint8_t *)caller->instance : NULL;
    sent.stamp_size = caller ? (uint32_t)strlen(caller->instance) : 0;
    errand_entrust(&call->errand, worker, (uint32_t)record_size(&sent));
    wheel_set(&b->wheel, &call->errand.deadline, call->expires_ms);
    outbox_add(b, worker, &sent);
    b->counters.commands++;
}

static void enqueue(struct broker *b, struct crew *crew, struct call *call, const struct record *record)
{
    int64_t age_ms = call->arrived_ms + b->limits.queue_age_ms;
    call->copy_size = (uint32_t)record_size(record);
    call->copy = malloc(call->copy_size);
    MUST(call->copy);
    record_write(record, call->copy);
    crew->queued++;
    crew->queued_bytes += call->copy_size;
    list_append(&crew->queues[call->class % CLASSES].calls, &call->errand.node);
    wheel_set(&b->wheel, &call->errand.deadline, age_ms < call->expires_ms ? age_ms : call->expires_ms);
    b->counters.credit_starved++;
    crew_has_work(b, crew);
}

static void dequeue(struct call *call)
{
    call->crew->queued--;
    call->crew->queued_bytes -= call->copy_size;
    list_remove(&call->errand.node);
}

static bool queue_has_room(const struct broker *b, const struct crew *crew, const struct record *record)
{
    return record->class == CLASS_CONTROL ||
           (crew->queued < b->limits.queue_calls && crew->queued_bytes + record_size(record) <= b->limits.queue_bytes);
}

static void place(struct broker *b, struct crew *crew, const struct peer *caller, const struct record *record)
{
    bool waits = crew->queued > 0;
    struct peer *worker = waits ? NULL : crew_choose(b, crew, record->root, (uint32_t)record_size(record));
    if (!worker && !queue_has_room(b, crew, record)) {
        refuse(b, caller, record, STATUS_OVERLOADED, "too much waits for this service already");
        return;
    }
    struct call *call = call_new(b, crew, caller, record);
    if (!call) {
        refuse(b, caller, record, STATUS_OVERLOADED, "too much is under way in this broker already");
    } else if (worker) {
        send_to(b, call, worker, record);
    } else {
        enqueue(b, crew, call, record);
    }
}

static struct peeked destination(const struct record *record, const struct peek *peek)
{
    return record->verb == VERB_ANSWER ? peek->asker : peek_prefix(peek->subject);
}

void route_call(struct broker *b, struct peer *caller, const struct record *record)
{
    struct peek peek;
    if (!peek_envelope(record->envelope, record->envelope_size, &peek)) {
        refuse(b, caller, record, STATUS_REFUSED, "the envelope is malformed");
        return;
    }
    struct peeked service = destination(record, &peek);
    if (status_is_ours(service.at, service.size)) {
        status_question(b, caller, record, &peek);
        return;
    }
    if (b->draining) {
        refuse(b, caller, record, STATUS_UNAVAILABLE, "this broker is leaving");
        return;
    }
    if (!b->store_ready && record->verb != VERB_QRY) {
        refuse(b, caller, record, STATUS_UNAVAILABLE, "the store cannot be reached");
        return;
    }
    struct crew *crew = service.size ? crew_find(b, service.at, service.size) : NULL;
    if (!crew || !crew_is_manned(crew)) {
        refuse(b, caller, record, STATUS_UNAVAILABLE, "no instance of the service is there");
        return;
    }
    place(b, crew, caller, record);
}

void route_reply(struct broker *b, struct peer *worker, struct call *call, const struct record *record)
{
    struct peer *caller = peer_of_session(b, call->caller);
    if (record->verb != VERB_REP && record->verb != VERB_QRS) {
        b->counters.stale_tag++;
        return;
    }
    if (caller) {
        struct record reply = *record;
        reply.tag = call->caller_tag;
        reply.stamp = (const uint8_t *)worker->instance;
        reply.stamp_size = (uint32_t)strlen(worker->instance);
        outbox_add(b, caller, &reply);
    } else {
        b->counters.replies_late++;
    }
    call_end(b, call);
}

void route_cancel(struct broker *b, struct peer *caller, const struct record *record)
{
    for (unsigned i = 0; i < b->crew_count; i++) {
        for (int class = 0; class < CLASSES; class ++) {
            struct list *calls = &b->crew_list[i]->queues[class].calls;
            for (struct list *node = calls->next; node != calls; node = node->next) {
                struct call *call = list_entry(node, struct call, errand.node);
                if (call->caller == caller->session && call->caller_tag == record->tag) {
                    dequeue(call);
                    call_end(b, call);
                    return;
                }
            }
        }
    }
}

/* The next queued call whose class has its turn; shares are dealt anew when nobody who waits has one left. */
static struct call *next_in_turn(struct crew *crew)
{
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < CLASSES; i++) {
            struct call_queue *queue = &crew->queues[TURNS[i].class];
            if (!list_is_empty(&queue->calls) && queue->share > 0) {
                return list_entry(queue->calls.next, struct call, errand.node);
            }
        }
        for (int i = 0; i < CLASSES; i++) {
            crew->queues[TURNS[i].class].share = TURNS[i].share;
        }
    }
    return NULL;
}

bool route_next(struct broker *b, struct crew *crew)
{
    struct call *call = crew->queued ? next_in_turn(crew) : NULL;
    struct peer *worker = call ? crew_choose(b, crew, call->root, call->copy_size) : NULL;
    if (!worker) {
        return false;
    }
    struct frame_reader reader;
    struct record record;
    MUST(frame_begin(&reader, call->copy, call->copy_size) == FRAME_NONE && frame_next(&reader, &record));
    crew->queues[call->class].share--;
    dequeue(call);
    send_to(b, call, worker, &record);
    free(call->copy);
    call->copy = NULL;
    return true;
}

void route_due(struct broker *b, struct call *call)
{
    bool expired = b->now_ms >= call->expires_ms;
    if (!call->errand.peer) {
        b->counters.commands_refused++;
        call_refuse(b, call, expired ? STATUS_EXPIRED : STATUS_OVERLOADED,
            expired ? "its time ran out before an instance took it" : "it waited too long for an instance");
        dequeue(call);
        call_end(b, call);
        return;
    }
    /* The instance keeps its credit taken until it answers or its link is lost: it is busy, after all. */
    bool question = call->verb == VERB_QRY;
    b->counters.commands_unknown += !question;
    call_refuse(b, call, question ? STATUS_EXPIRED : STATUS_UNKNOWN, "the instance did not answer in time");
    call->caller = 0;
}

void route_lost(struct broker *b, struct call *call)
{
    bool question = call->verb == VERB_QRY;
    b->counters.commands_unknown += !question;
    call_refuse(b, call, question ? STATUS_UNAVAILABLE : STATUS_UNKNOWN, "the instance that worked on it was lost");
    call_end(b, call);
}

void route_abandon(struct broker *b, struct crew *crew, const char *why)
{
    for (int class = 0; class < CLASSES; class ++) {
        for (struct list *node; (node = list_first(&crew->queues[class].calls));) {
            struct call *call = list_entry(node, struct call, errand.node);
            b->counters.commands_refused++;
            call_refuse(b, call, STATUS_UNAVAILABLE, why);
            dequeue(call);
            call_end(b, call);
        }
    }
}
