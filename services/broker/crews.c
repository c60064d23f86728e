/* Who serves what, and which of them gets the next record.
 *
 * Records of one root go to the same instance while it has room, so that it finds its state warm and rarely races another
 * (rendezvous hashing with bounded load: nobody is given more than a quarter above the mean). Records without a root go to
 * whoever has least to do. */

#include <stdlib.h>
#include <string.h>

#include "common/core/hash.h"
#include "common/core/must.h"
#include "services/broker/state.h"

void crew_init(struct crew *crew, const char *name)
{
    *crew = (struct crew){0};
    snprintf(crew->name, sizeof crew->name, "%s", name);
    list_init(&crew->ready);
    list_init(&crew->busy);
    for (int i = 0; i < CLASSES; i++) {
        list_init(&crew->queues[i].calls);
    }
}

struct crew *crew_find(struct broker *b, const char *name, size_t size)
{
    return map_find(&b->crews, name_hash(name, size));
}

/* NULL when there are too many: names come from peers. */
struct crew *crew_require(struct broker *b, const char *name)
{
    struct crew *crew = crew_find(b, name, strlen(name));
    if (crew || b->crew_count == CREWS_MAX || strlen(name) >= BROKER_LANE_SIZE) {
        return crew;
    }
    crew = malloc(sizeof *crew);
    MUST(crew);
    crew_init(crew, name);
    map_put(&b->crews, name_hash(name, strlen(name)), crew);
    b->crew_list[b->crew_count++] = crew;
    return crew;
}

bool crew_join(struct crew *crew, struct peer *peer)
{
    for (unsigned i = 0; i < crew->peer_count; i++) {
        if (crew->peers[i] == peer) {
            return true;
        }
    }
    if (crew->peer_count == CREW_PEERS_MAX) {
        return false;
    }
    crew->peers[crew->peer_count++] = peer;
    return true;
}

void crew_leave(struct crew *crew, struct peer *peer)
{
    for (unsigned i = 0; i < crew->peer_count; i++) {
        if (crew->peers[i] == peer) {
            crew->peers[i] = crew->peers[--crew->peer_count];
            return;
        }
    }
}

bool crew_is_manned(const struct crew *crew)
{
    for (unsigned i = 0; i < crew->peer_count; i++) {
        if (crew->peers[i]->state == PEER_READY) {
            return true;
        }
    }
    return false;
}

/* Each has a share of its own: who takes nothing fills that, and nobody else waits for it. */
bool crew_is_full(const struct broker *b, const struct crew *crew)
{
    return crew->outside ? crew->held_bytes >= b->limits.lane_bytes || b->outside_bytes >= b->limits.outside_bytes
                         : crew->held_bytes >= b->limits.held_bytes;
}

void crew_hold(struct broker *b, struct crew *crew, const struct entry *entry)
{
    crew->held_bytes += entry->total_size;
    b->outside_bytes += crew->outside ? entry->total_size : 0;
}

void crew_let_go(struct broker *b, struct crew *crew, const struct entry *entry)
{
    crew->held_bytes -= entry->total_size;
    b->outside_bytes -= crew->outside ? entry->total_size : 0;
}

/* Nobody is given more than this: a quarter above the mean, counting the record to be placed. */
static uint32_t fair_share(const struct crew *crew)
{
    uint32_t under_way = 1, ready = 0;
    for (unsigned i = 0; i < crew->peer_count; i++) {
        if (crew->peers[i]->state == PEER_READY) {
            under_way += crew->peers[i]->in_flight;
            ready++;
        }
    }
    return ready ? (under_way * 5 + ready * 4 - 1) / (ready * 4) : 0;
}

static bool is_better(const struct peer *a, const struct peer *b, uint64_t root)
{
    if (!b) {
        return true;
    }
    if (root == 0 && a->in_flight != b->in_flight) {
        return a->in_flight < b->in_flight;
    }
    return mix64(a->weight ^ root) > mix64(b->weight ^ root);
}

struct peer *crew_choose(const struct broker *b, const struct crew *crew, uint64_t root, uint32_t bytes)
{
    if (crew->peer_count == 1) {
        return peer_takes(crew->peers[0], bytes, &b->limits) ? crew->peers[0] : NULL;
    }
    uint32_t share = fair_share(crew);
    struct peer *best = NULL;
    for (unsigned i = 0; i < crew->peer_count; i++) {
        struct peer *peer = crew->peers[i];
        if (peer->in_flight < share && peer_takes(peer, bytes, &b->limits) && is_better(peer, best, root)) {
            best = peer;
        }
    }
    for (unsigned i = 0; !best && i < crew->peer_count; i++) {
        if (peer_takes(crew->peers[i], bytes, &b->limits)) {
            best = crew->peers[i];
        }
    }
    return best;
}

struct group *group_require(struct broker *b, const char *name)
{
    for (unsigned i = 0; i < b->group_count; i++) {
        if (strcmp(b->groups[i]->crew.name, name) == 0) {
            return b->groups[i];
        }
    }
    if (b->group_count == GROUPS_MAX) {
        return NULL;
    }
    struct group *group = calloc(1, sizeof *group);
    MUST(group);
    crew_init(&group->crew, name);
    group->number = b->group_count;
    return b->groups[b->group_count++] = group;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The latest instance to say hello decides: during a roll-out that is the newer one. */
void group_want(struct group *group, const char *const *subjects, size_t count)
{
    uint64_t *wants = count ? malloc(count * sizeof *wants) : NULL;
    MUST(wants || count == 0);
    for (size_t i = 0; i < count; i++) {
        wants[i] = name_hash(subjects[i], strlen(subjects[i]));
    }
    if (count) {
        qsort(wants, count, sizeof *wants, compare_hashes);
    }
    free(group->wants);
    group->wants = wants;
    group->want_count = (unsigned)count;
}

bool group_wants(const struct group *group, const struct stored *item)
{
    for (unsigned i = 0; i < item->subject_count && group->want_count; i++) {
        uint64_t hash = name_hash(item->subjects[i], strlen(item->subjects[i]));
        if (bsearch(&hash, group->wants, group->want_count, sizeof hash, compare_hashes)) {
            return true;
        }
    }
    return false;
}

/* Calls and deliveries take turns, so that neither starves the other. */
void crew_work(struct broker *b, struct crew *crew)
{
    for (bool any = true; any;) {
        bool (*first)(struct broker *, struct crew *) = crew->deliveries_first ? crew_deliver : route_next;
        bool (*second)(struct broker *, struct crew *) = crew->deliveries_first ? route_next : crew_deliver;
        crew->deliveries_first = !crew->deliveries_first;
        any = first(b, crew) || second(b, crew);
    }
    if (crew->queued == 0 && list_is_empty(&crew->ready)) {
        list_remove(&crew->busy);
    }
}

void crew_has_work(struct broker *b, struct crew *crew)
{
    if (list_is_empty(&crew->busy)) {
        list_append(&b->busy, &crew->busy);
    }
}

static bool crew_has(const struct crew *crew, const struct peer *peer)
{
    for (unsigned i = 0; i < crew->peer_count; i++) {
        if (crew->peers[i] == peer) {
            return true;
        }
    }
    return false;
}

void peer_has_credit(struct broker *b, struct peer *peer)
{
    for (struct list *node = b->busy.next, *next; node != &b->busy; node = next) {
        struct crew *crew = list_entry(node, struct crew, busy);
        next = node->next;
        if (crew_has(crew, peer)) {
            crew_work(b, crew);
        }
    }
}
