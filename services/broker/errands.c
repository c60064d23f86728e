/* Errands: who works on what, under which tag, and how much credit that takes. */

#include "services/broker/state.h"

#define DELIVERY_TAG (UINT64_C(1) << 63) /* Tags of deliveries carry this bit, tags of calls do not. */

void errand_init(struct errand *errand, enum errand_kind kind, uint64_t tag)
{
    list_init(&errand->node);
    deadline_init(&errand->deadline);
    errand->deadline.owner = DUE_ERRAND;
    errand->kind = kind;
    errand->tag = kind == ERRAND_DELIVERY ? tag | DELIVERY_TAG : tag;
}

void errand_entrust(struct errand *errand, struct peer *peer, uint32_t bytes)
{
    errand->peer = peer;
    errand->bytes = bytes;
    peer->in_flight++;
    peer->in_flight_bytes += bytes;
    list_append(&peer->errands, &errand->node);
}

void errand_return(struct errand *errand)
{
    if (errand->peer) {
        errand->peer->in_flight--;
        errand->peer->in_flight_bytes -= errand->bytes;
        if (errand->peer->suspect == errand) {
            errand->peer->suspect = NULL;
        }
        errand->peer = NULL;
    }
    list_remove(&errand->node);
    deadline_clear(&errand->deadline);
}

struct errand *errand_find(struct broker *b, uint64_t tag)
{
    return tag & DELIVERY_TAG ? pool_find(&b->delivery_pool, tag & ~DELIVERY_TAG) : pool_find(&b->call_pool, tag);
}

uint64_t errand_slot(const struct errand *errand)
{
    return errand->tag & ~DELIVERY_TAG;
}

bool peer_takes(const struct peer *peer, uint32_t bytes, const struct broker_limits *limits)
{
    return peer->state == PEER_READY && peer->in_flight < peer->window &&
           (peer->in_flight == 0 || peer->in_flight_bytes + bytes <= limits->credit_bytes) &&
           peer->out_bytes < limits->out_bytes;
}
