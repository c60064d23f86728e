/* What the broker says about itself, and the questions it passes on to the shell because the store must be asked. */

#include <stdlib.h>
#include <string.h>

#include "common/core/arena.h"
#include "common/core/hex.h"
#include "common/core/must.h"
#include "proto/envelope.pb-c.h"
#include "proto/broker.pb-c.h"
#include "services/broker/state.h"

#define BROKER_VERSION "0.1.0"

enum { SHOWN_MAX = 1024, QUESTIONS_MAX = 64 };

bool status_is_ours(const char *service, size_t size)
{
    return size == strlen("broker") && memcmp(service, "broker", size) == 0;
}

static const char *peer_state_word(enum peer_state state)
{
    static const char *const WORDS[] = {
        [PEER_READY] = "ready", [PEER_SUSPECT] = "suspect", [PEER_LEAVING] = "draining"};
    return WORDS[state];
}

static const char *peer_kind_word(int kind)
{
    static const char *const WORDS[] = {"", "client", "service", "edge", "broker", "payer", "courier"};
    return kind >= 0 && kind < (int)ARRAY_LENGTH(WORDS) ? WORDS[kind] : "";
}

static Broker__InstanceStatus *instance_status(struct arena *arena, struct peer *peer)
{
    Broker__InstanceStatus *status = ARENA_NEW(arena, Broker__InstanceStatus);
    broker__instance_status__init(status);
    status->instance = peer->instance;
    status->service = peer->service;
    status->kind = peer_kind_word(peer->kind);
    status->version = peer->version;
    status->state = peer_state_word(peer->state);
    char *hash = arena_alloc(arena, HEX_SIZE(sizeof peer->contract));
    hex_encode(hash, peer->contract, sizeof peer->contract);
    status->contract_hash = hash;
    status->has_in_flight = status->has_credits = status->has_handled = status->has_linked_at_ms = true;
    status->in_flight = peer->in_flight;
    status->credits = peer->window;
    status->handled = peer->handled;
    status->linked_at_ms = peer->linked_wall_ms;
    return status;
}

static void add_oldest(const struct feed *feed, protobuf_c_boolean *has, int64_t *oldest)
{
    struct list *first = list_first(&feed->unfinished);
    if (first) {
        int64_t at = list_entry(first, struct delivery, in_feed)->entry->at_ms;
        *oldest = !*has || at < *oldest ? at : *oldest;
        *has = true;
    }
}

static unsigned sent_of(const struct feed *feed)
{
    unsigned sent = 0;
    for (struct list *node = feed->unfinished.next; node != &feed->unfinished; node = node->next) {
        sent += list_entry(node, struct delivery, in_feed)->stage == STAGE_SENT;
    }
    return sent;
}

static Broker__GroupStatus *group_status(struct broker *b, struct arena *arena, struct group *group)
{
    Broker__GroupStatus *status = ARENA_NEW(arena, Broker__GroupStatus);
    broker__group_status__init(status);
    status->group = group->crew.name;
    status->has_lag = status->has_in_flight = status->has_parked = true;
    for (unsigned i = 0; i < BROKER_PARTITIONS; i++) {
        struct partition *p = &b->partitions[i];
        const struct feed *feed = &p->logs[group->number];
        status->lag += feed->count;
        status->in_flight += sent_of(feed);
        add_oldest(feed, &status->has_oldest_unhandled_at_ms, &status->oldest_unhandled_at_ms);
        for (struct list *node = p->aside.next; node != &p->aside; node = node->next) {
            struct strand *strand = list_entry(node, struct strand, aside);
            status->parked += strand->feed == feed && strand->standing == PARKED;
        }
    }
    return status;
}

static Broker__LaneStatus *lane_status(struct broker *b, struct arena *arena, const struct crew *crew)
{
    Broker__LaneStatus *status = ARENA_NEW(arena, Broker__LaneStatus);
    broker__lane_status__init(status);
    status->lane = arena_strdup(arena, crew->name);
    status->has_waiting = status->has_in_flight = true;
    for (unsigned i = 0; i < BROKER_PARTITIONS; i++) {
        const struct task_lane *lane = lane_find(&b->partitions[i], crew->name);
        if (lane) {
            unsigned sent = sent_of(&lane->feed);
            status->in_flight += sent;
            status->waiting += lane->feed.count - sent;
        }
    }
    return status;
}

void broker_status(struct broker *b, struct arena *arena, Broker__Status *status)
{
    broker__status__init(status);
    status->broker = b->name;
    status->version = BROKER_VERSION;
    status->has_now_ms = status->has_store_ready = status->has_leases = status->has_queued = true;
    status->has_frames_dropped = status->has_commands = status->has_events = true;
    status->now_ms = b->wall_ms;
    status->store_ready = b->store_ready;
    status->store_why = b->store_why;
    status->leases = b->leases;
    status->frames_dropped = b->counters.frames_dropped;
    status->commands = b->counters.commands;
    status->events = b->counters.events;
    status->instances = ARENA_ARRAY(arena, Broker__InstanceStatus *, SHOWN_MAX);
    for (struct list *node = b->peer_list.next; node != &b->peer_list && status->n_instances < SHOWN_MAX;
         node = node->next) {
        status->instances[status->n_instances++] = instance_status(arena, list_entry(node, struct peer, all));
    }
    status->groups = ARENA_ARRAY(arena, Broker__GroupStatus *, GROUPS_MAX);
    for (unsigned i = 0; i < b->group_count; i++) {
        status->groups[status->n_groups++] = group_status(b, arena, b->groups[i]);
    }
    status->lanes = ARENA_ARRAY(arena, Broker__LaneStatus *, SHOWN_MAX);
    for (unsigned i = 0; i < b->crew_count && status->n_lanes < SHOWN_MAX; i++) {
        status->queued += b->crew_list[i]->queued;
        status->lanes[status->n_lanes++] = lane_status(b, arena, b->crew_list[i]);
    }
}

static void pass_on(struct broker *b, struct peer *caller, const struct record *record, const struct peek *peek)
{
    struct question *question = calloc(1, sizeof *question);
    MUST(question);
    question->caller = caller->session;
    question->caller_tag = record->tag;
    question->ticket = ++b->tickets;
    snprintf(question->subject, sizeof question->subject, "%.*s", (int)peek->subject.size, peek->subject.at);
    question->copy = malloc(record_size(record));
    MUST(question->copy);
    record_write(record, question->copy);
    struct frame_reader reader;
    MUST(frame_begin(&reader, question->copy, record_size(record)) == FRAME_NONE &&
         frame_next(&reader, &question->record));
    list_append(&b->questions, &question->node);
}

static unsigned questions_waiting(const struct broker *b)
{
    unsigned count = 0;
    for (const struct list *node = b->questions.next; node != &b->questions; node = node->next) {
        count++;
    }
    return count;
}

void status_question(struct broker *b, struct peer *caller, const struct record *record, const struct peek *peek)
{
    if (questions_waiting(b) >= QUESTIONS_MAX) {
        answer_caller(
            b, caller->session, record->tag, record->verb, STATUS_OVERLOADED, 0, NULL, "too many questions at a time");
        return;
    }
    pass_on(b, caller, record, peek);
}

bool broker_question(struct broker *b, struct broker_question *out)
{
    for (struct list *node = b->questions.next; node != &b->questions; node = node->next) {
        struct question *question = list_entry(node, struct question, node);
        if (!question->lent) {
            question->lent = true;
            *out = (struct broker_question){.ticket = question->ticket,
                .subject = question->subject,
                .envelope = question->record.envelope,
                .envelope_size = question->record.envelope_size,
                .body = question->record.body,
                .body_size = question->record.body_size,
                .sealed = question->record.flags & RECORD_SEALED};
            return true;
        }
    }
    return false;
}
