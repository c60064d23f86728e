#include "common/bus/client.h"

#include <stdlib.h>
#include <string.h>

#include "common/bus/flight.h"
#include "common/bus/links.h"
#include "common/core/clock.h"
#include "common/core/entropy.h"
#include "common/core/must.h"

#define FLIGHT_DEFAULT 256
#define SLOT_BITS      12 /* of a tag: which flight; the others count up */

_Static_assert(CLIENT_FLIGHT_MAX <= 1 << SLOT_BITS, "a tag names every flight");

struct list {
    struct flight *first, **last;
};

struct client {
    struct client_options options; /* its strings are ours */
    struct links links;
    struct flight *flights;
    unsigned flight_max;
    unsigned in_flight;
    struct list free, waiting, done; /* SENT and RESTING ones are in none */
    uint64_t tags;
    int64_t due_ms; /* no flight rests or lasts until before this */
};

static void list_init(struct list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

static void list_add(struct list *list, struct flight *flight)
{
    flight->next = NULL;
    *list->last = flight;
    list->last = &flight->next;
}

static struct flight *list_take(struct list *list)
{
    struct flight *flight = list->first;
    if (flight != NULL) {
        list->first = flight->next;
        if (list->first == NULL) {
            list->last = &list->first;
        }
    }
    return flight;
}

static void list_remove(struct list *list, const struct flight *flight)
{
    struct list kept;
    list_init(&kept);
    for (struct flight *one; (one = list_take(list)) != NULL;) {
        if (one != flight) {
            list_add(&kept, one);
        }
    }
    list_init(list);
    for (struct flight *one; (one = list_take(&kept)) != NULL;) {
        list_add(list, one);
    }
}

static char *copy(const char *text)
{
    char *own = text == NULL ? NULL : strdup(text);
    MUST(text == NULL || own != NULL);
    return own;
}

static void take_options(struct client *client, const struct client_options *options)
{
    client->options = *options;
    client->options.endpoints = NULL;
    client->options.tenant = copy(options->tenant);
    client->options.version = copy(options->version);
    client->options.actor.id = copy(options->actor.id);
    unsigned flights = options->flight_max == 0 ? FLIGHT_DEFAULT : options->flight_max;
    client->flight_max = flights < CLIENT_FLIGHT_MAX ? flights : CLIENT_FLIGHT_MAX;
    client->flights = calloc(client->flight_max, sizeof(*client->flights));
    MUST(client->flights != NULL);
    list_init(&client->free);
    list_init(&client->waiting);
    list_init(&client->done);
    for (unsigned i = 0; i < client->flight_max; i++) {
        list_add(&client->free, &client->flights[i]);
    }
}

enum fault client_new(const struct client_options *options, struct why *why, struct client **out)
{
    char instance[ID_FRESH_SIZE];
    id_random(instance);
    Casebus__Hello hello = CASEBUS__HELLO__INIT;
    hello.has_kind = true;
    hello.kind = CASEBUS__PEER_KIND__PEER_KIND_CLIENT;
    hello.instance = instance;
    hello.version = options->version;
    struct client *client = calloc(1, sizeof(*client));
    MUST(client != NULL);
    take_options(client, options);
    client->due_ms = INT64_MAX;
    enum fault fault =
        links_open(&client->links, options->endpoints, options->endpoint_count, &hello, clock_monotonic_ms(), why);
    if (fault != FAULT_NONE) {
        client_free(&client);
        return fault;
    }
    *out = client;
    return FAULT_NONE;
}

void client_free(struct client **client)
{
    if (*client == NULL) {
        return;
    }
    struct client *old = *client;
    *client = NULL;
    links_close(&old->links, clock_monotonic_ms());
    for (unsigned i = 0; i < old->flight_max; i++) {
        if (old->flights[i].state != FLIGHT_FREE) {
            arena_done(&old->flights[i].result.arena);
        }
    }
    free(old->flights);
    free((char *)old->options.tenant);
    free((char *)old->options.version);
    free((char *)old->options.actor.id);
    free(old);
}

static void note_due(struct client *client, int64_t due_ms)
{
    client->due_ms = due_ms < client->due_ms ? due_ms : client->due_ms;
}

/* Puts a flight where its state belongs after something happened to it. */
static void settle(struct client *client, struct flight *flight)
{
    if (flight->state == FLIGHT_DONE) {
        list_add(&client->done, flight);
    } else if (flight->state == FLIGHT_RESTING) {
        note_due(client, flight->due_ms);
    } else if (flight->state == FLIGHT_WAITING) {
        list_add(&client->waiting, flight);
    }
}

/* What waits to be sent for the first time is signed with what waits beside it: one signature for many. */
static void sign_waiting(struct client *client)
{
    struct flight *bundle[ACTOR_LEAVES_MAX];
    unsigned count = 0;
    for (struct flight *flight = client->waiting.first; flight != NULL; flight = flight->next) {
        if (flight->unsigned_by == NULL) {
            continue;
        }
        if (count == ACTOR_LEAVES_MAX || (count > 0 && flight->unsigned_by != bundle[0]->unsigned_by)) {
            flights_sign(bundle, count);
            count = 0;
        }
        bundle[count++] = flight;
    }
    if (count > 0) {
        flights_sign(bundle, count);
    }
}

/* Sends what waits, oldest first, as far as the windows of the brokers allow. */
static void send_waiting(struct client *client, int64_t now_ms)
{
    sign_waiting(client);
    while (client->waiting.first != NULL) {
        struct flight *flight = client->waiting.first;
        int link = links_choose(&client->links, flight->link);
        uint32_t ttl_ms = flight_ttl_ms(flight, now_ms);
        if (link < 0 || ttl_ms == 0) {
            return; /* Without time left it is about to be told expired. */
        }
        flight->record.ttl_ms = ttl_ms;
        flight->record.tag = ++client->tags << SLOT_BITS | (uint64_t)(flight - client->flights);
        if (!link_send(client->links.at[link], now_ms, &flight->record)) {
            return;
        }
        list_take(&client->waiting);
        flight_sent(flight, link);
    }
}

/* The flight that an answer is for; NULL when nobody waits for it any more. */
static struct flight *flight_of(struct client *client, int link, const struct record *answer)
{
    uint64_t slot = answer->tag & ((1u << SLOT_BITS) - 1);
    struct flight *flight = slot < client->flight_max ? &client->flights[slot] : NULL;
    enum verb verb = flight != NULL && flight->query ? VERB_QRS : VERB_REP;
    bool is_for = flight != NULL && flight->state == FLIGHT_SENT && flight->link == link &&
                  flight->record.tag == answer->tag && answer->verb == verb;
    return is_for ? flight : NULL;
}

static void lose_link(struct client *client, int link, int64_t now_ms)
{
    for (unsigned i = 0; i < client->flight_max; i++) {
        struct flight *flight = &client->flights[i];
        if (flight->state == FLIGHT_SENT && flight->link == link) {
            flight_lost(flight, now_ms);
            settle(client, flight);
        }
    }
}

static void hear_link(struct client *client, int index, int64_t now_ms)
{
    struct record record;
    enum link_event event;
    while ((event = link_next(client->links.at[index], now_ms, &record)) != LINK_NOTHING) {
        if (event == LINK_LOST) {
            lose_link(client, index, now_ms);
        } else if (event == LINK_RECORD) {
            struct flight *flight = flight_of(client, index, &record);
            if (flight != NULL) {
                flight_answered(flight, &client->options.seal, &record, now_ms);
                settle(client, flight);
            }
        }
    }
}

/* Nobody waits for the answer any more; the broker may spare itself the work. */
static void cancel(struct client *client, const struct flight *flight, int64_t now_ms)
{
    struct record record = {.verb = VERB_CANCEL, .tag = flight->record.tag, .root = flight->record.root};
    link_send(client->links.at[flight->link], now_ms, &record);
}

static void look_at_time(struct client *client, struct flight *flight, int64_t now_ms)
{
    bool is_under_way = flight->state != FLIGHT_FREE && flight->state != FLIGHT_DONE;
    if (is_under_way && now_ms >= flight->deadline_ms) {
        if (flight->state == FLIGHT_SENT) {
            cancel(client, flight, now_ms);
        } else if (flight->state == FLIGHT_WAITING) {
            list_remove(&client->waiting, flight);
        }
        flight_expired(flight);
        settle(client, flight);
    } else if (flight->state == FLIGHT_RESTING && now_ms >= flight->due_ms) {
        flight->state = FLIGHT_WAITING;
        settle(client, flight);
    }
}

/* Ends what is out of time and wakes what has rested. Looks at every flight, but only when one is due. */
static void pass_time(struct client *client, int64_t now_ms)
{
    if (now_ms < client->due_ms) {
        return;
    }
    client->due_ms = INT64_MAX;
    for (unsigned i = 0; i < client->flight_max; i++) {
        struct flight *flight = &client->flights[i];
        look_at_time(client, flight, now_ms);
        if (flight->state == FLIGHT_RESTING) {
            note_due(client, flight->due_ms);
        }
        if (flight->state != FLIGHT_FREE && flight->state != FLIGHT_DONE) {
            note_due(client, flight->deadline_ms);
        }
    }
}

/* One turn of the loop: send, wait until `until_ms` at the latest, take in. */
static void turn(struct client *client, int64_t until_ms)
{
    send_waiting(client, clock_monotonic_ms());
    links_wait(&client->links, until_ms < client->due_ms ? until_ms : client->due_ms);
    int64_t now_ms = clock_monotonic_ms();
    for (unsigned i = 0; i < client->links.count; i++) {
        hear_link(client, (int)i, now_ms);
    }
    pass_time(client, now_ms);
    send_waiting(client, now_ms);
    links_flush(&client->links);
}

enum fault client_wait(struct client *client, uint32_t timeout_ms, struct why *why)
{
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    while (!links_are_up(&client->links)) {
        if (clock_monotonic_ms() >= until_ms) {
            why_set(why, "could not reach a broker at %s within %u ms", link_endpoint(client->links.at[0]), timeout_ms);
            return FAULT_UNAVAILABLE;
        }
        turn(client, until_ms);
    }
    return FAULT_NONE;
}

static enum fault start(
    struct client *client, const struct client_call *call, bool query, struct why *why, struct flight **out)
{
    struct flight *flight = list_take(&client->free);
    if (flight == NULL) {
        why_set(why, "%u calls are under way, no more are begun", client->flight_max);
        return FAULT_OVERLOADED;
    }
    enum fault fault = flight_begin(flight, &client->options, call, query, clock_monotonic_ms(), why);
    if (fault != FAULT_NONE) {
        list_add(&client->free, flight);
        return fault;
    }
    client->in_flight++;
    note_due(client, flight->deadline_ms);
    settle(client, flight);
    *out = flight;
    return FAULT_NONE;
}

/* Gives the result away and the flight back. */
static void hand_out(struct client *client, struct flight *flight, struct client_result *out)
{
    *out = flight->result;
    flight->state = FLIGHT_FREE;
    list_add(&client->free, flight);
    client->in_flight--;
}

static enum fault ask(struct client *client, const struct client_call *call, bool query, struct client_result *out)
{
    struct flight *flight;
    struct why why = {0};
    enum fault fault = start(client, call, query, &why, &flight);
    if (fault != FAULT_NONE) {
        *out = (struct client_result){.fault = fault, .why = why, .context = call->context};
        arena_init(&out->arena, 0);
        return fault;
    }
    while (flight->state != FLIGHT_DONE) {
        turn(client, INT64_MAX);
    }
    list_remove(&client->done, flight);
    hand_out(client, flight, out);
    return out->fault;
}

enum fault client_call(struct client *client, const struct client_call *call, struct client_result *out)
{
    return ask(client, call, false, out);
}

enum fault client_query(struct client *client, const struct client_call *call, struct client_result *out)
{
    return ask(client, call, true, out);
}

enum fault client_submit(struct client *client, const struct client_call *call, bool query, struct why *why)
{
    struct flight *flight;
    return start(client, call, query, why, &flight);
}

bool client_poll(struct client *client, uint32_t timeout_ms, struct client_result *out)
{
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    bool in_time = true;
    while (client->done.first == NULL && client->in_flight > 0 && in_time) {
        turn(client, until_ms);
        in_time = clock_monotonic_ms() < until_ms;
    }
    struct flight *flight = list_take(&client->done);
    if (flight == NULL) {
        return false;
    }
    hand_out(client, flight, out);
    return true;
}

unsigned client_in_flight(const struct client *client)
{
    return client->in_flight;
}

void client_result_done(struct client_result *result)
{
    arena_done(&result->arena);
}
