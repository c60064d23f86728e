#include "common/service/brokers.h"

#include "common/bus/link.h"
#include "common/core/must.h"

#include <stdlib.h>

struct brokers {
    struct link *links[BROKERS_MAX];
    size_t count;
    struct brokers_options options;
    bool draining;
    bool told;
    uint64_t late;
};

enum fault brokers_new(
    const struct brokers_options *options, struct loop_now now, struct brokers **out, struct why *why)
{
    MUST(options->endpoint_count > 0 && options->endpoint_count <= BROKERS_MAX);
    struct brokers *brokers = calloc(1, sizeof *brokers);
    MUST(brokers != NULL);
    brokers->options = *options;
    for (size_t i = 0; i < options->endpoint_count; i++) {
        struct link_options link = {.endpoint = options->endpoints[i], .hello = options->hello};
        enum fault fault = link_new(&link, now.monotonic_ms, why, &brokers->links[i]);
        if (fault != FAULT_NONE) {
            brokers_free(&brokers);
            return fault;
        }
        brokers->count++;
    }
    *out = brokers;
    return FAULT_NONE;
}

void brokers_free(struct brokers **brokers)
{
    if (*brokers != NULL) {
        for (size_t i = 0; i < (*brokers)->count; i++) {
            link_free(&(*brokers)->links[i]);
        }
        free(*brokers);
        *brokers = NULL;
    }
}

/* ---- Coming in ---- */

static size_t prepare(void *user, struct loop_now now, zmq_pollitem_t *items, size_t room, int64_t *wake_ms)
{
    struct brokers *brokers = user;
    (void)now;
    MUST(room >= brokers->count);
    for (size_t i = 0; i < brokers->count; i++) {
        items[i] = link_poll_item(brokers->links[i]);
        int64_t wake = link_wake_ms(brokers->links[i]);
        *wake_ms = wake < *wake_ms ? wake : *wake_ms;
    }
    return brokers->count;
}

static void receive(struct brokers *brokers, struct loop_now now, size_t at, const struct record *record)
{
    struct incoming in = {
        .link = (uint32_t)at,
        .session = link_core_of(brokers->links[at])->session,
        .verb = (enum verb)record->verb,
        .tag = record->tag,
        .ttl_ms = record->ttl_ms,
        .epoch = record->epoch,
        .partition = record->partition,
        .sealed = (record->flags & RECORD_SEALED) != 0,
        .envelope = {record->envelope, record->envelope_size},
        .body = {record->body, record->body_size},
    };
    if (in.verb == VERB_CMD || in.verb == VERB_QRY || in.verb == VERB_EVT || in.verb == VERB_ANSWER) {
        brokers->options.receive(brokers->options.user, now, &in);
    }
}

static bool all_closed(const struct brokers *brokers)
{
    for (size_t i = 0; i < brokers->count; i++) {
        enum link_state state = link_core_of(brokers->links[i])->state;
        if (state == LINK_READY || state == LINK_DRAINING) {
            return false;
        }
    }
    return true;
}

static void drain_links(void *user, struct loop_now now, const zmq_pollitem_t *items, size_t count)
{
    struct brokers *brokers = user;
    (void)items, (void)count;
    for (size_t i = 0; i < brokers->count; i++) {
        struct record record;
        enum link_event event;
        while ((event = link_next(brokers->links[i], now.monotonic_ms, &record)) != LINK_NOTHING) {
            if (event == LINK_RECORD) {
                receive(brokers, now, i, &record);
            }
        }
    }
    if (brokers->draining && !brokers->told && all_closed(brokers)) {
        brokers->told = true;
        brokers->options.drained(brokers->options.user, now);
    }
}

struct loop_source brokers_source(struct brokers *brokers)
{
    return (struct loop_source){.user = brokers, .prepare = prepare, .drain = drain_links};
}

/* ---- Going out ---- */

static struct record record_of(const struct outgoing *answer)
{
    return (struct record){
        .verb = (uint8_t)answer->verb,
        .status = (uint8_t)answer->status,
        .flags = (uint16_t)((answer->bell ? RECORD_BELL : 0) | (answer->bell_lanes ? RECORD_BELL_LANES : 0) |
                            (answer->repeat ? RECORD_REPEAT : 0) | (answer->sealed ? RECORD_SEALED : 0)),
        .partition = answer->partition,
        .ttl_ms = answer->ttl_ms,
        .epoch = answer->epoch,
        .tag = answer->tag,
        .envelope = answer->envelope.at,
        .envelope_size = (uint32_t)answer->envelope.size,
        .body = answer->body.at,
        .body_size = (uint32_t)answer->body.size,
    };
}

/* A queue that is full leaves with a flush; what does not fit even then has a ceiling broken, which the runtime's
 * limits exclude. */
void brokers_answer(struct brokers *brokers, struct loop_now now, const struct outgoing *answer)
{
    MUST(answer->link < brokers->count);
    struct link *link = brokers->links[answer->link];
    struct record record = record_of(answer);
    if (link_core_of(link)->session != answer->session) {
        brokers->late++;
        return;
    }
    if (!link_send(link, now.monotonic_ms, &record)) {
        link_flush(link);
        brokers->late += !link_send(link, now.monotonic_ms, &record);
    }
}

void brokers_flush(struct brokers *brokers)
{
    for (size_t i = 0; i < brokers->count; i++) {
        link_flush(brokers->links[i]);
    }
}

void brokers_drain(struct brokers *brokers, struct loop_now now)
{
    brokers->draining = true;
    for (size_t i = 0; i < brokers->count; i++) {
        link_drain(brokers->links[i], now.monotonic_ms);
    }
}

size_t brokers_ready(const struct brokers *brokers)
{
    size_t ready = 0;
    for (size_t i = 0; i < brokers->count; i++) {
        ready += link_core_of(brokers->links[i])->state == LINK_READY;
    }
    return ready;
}

struct brokers_counts brokers_counts(const struct brokers *brokers)
{
    struct brokers_counts sum = {.late = brokers->late};
    for (size_t i = 0; i < brokers->count; i++) {
        struct link_counts counts = link_counts(brokers->links[i]);
        sum.records_in += counts.records_in;
        sum.records_out += counts.records_out;
        sum.bytes_in += counts.bytes_in;
        sum.bytes_out += counts.bytes_out;
        sum.bad_frames += counts.bad_frames;
        sum.sessions += counts.sessions;
    }
    return sum;
}
