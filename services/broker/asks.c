/* What is wanted of the store, in order. */

#include <stdlib.h>
#include <string.h>

#include "common/core/must.h"
#include "services/broker/state.h"

enum { ROOM_FIRST = 64 };

static void grow(struct broker *b)
{
    unsigned room = b->ask_room ? b->ask_room * 2 : ROOM_FIRST;
    struct broker_ask *asks = malloc(room * sizeof *asks);
    MUST(asks);
    for (unsigned i = 0; i < b->ask_count; i++) {
        asks[i] = b->asks[(b->ask_first + i) % b->ask_room];
    }
    free(b->asks);
    b->asks = asks;
    b->ask_room = room;
    b->ask_first = 0;
}

/* Lent until the next call. */
struct broker_ask *ask_new(struct broker *b, const struct partition *p, enum broker_ask_kind kind)
{
    if (b->ask_count == b->ask_room) {
        grow(b);
    }
    struct broker_ask *ask = &b->asks[(b->ask_first + b->ask_count++) % b->ask_room];
    ask->kind = kind;
    ask->partition = p->number;
    ask->epoch = p->epoch;
    ask->count = BROKER_PAGE;
    ask->after = (struct stream_id){0};
    ask->sequence = ask->ticket = 0;
    ask->name[0] = ask->tenant[0] = ask->root[0] = ask->why[0] = '\0';
    return ask;
}

bool broker_ask(struct broker *b, struct broker_ask *out)
{
    if (b->ask_count == 0) {
        return false;
    }
    *out = b->asks[b->ask_first];
    b->ask_first = (b->ask_first + 1) % b->ask_room;
    b->ask_count--;
    return true;
}
