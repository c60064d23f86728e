#include "services/broker/wheel.h"

void wheel_init(struct wheel *wheel, int64_t now_ms)
{
    for (int i = 0; i < WHEEL_SLOTS; i++) {
        list_init(&wheel->slots[i]);
    }
    list_init(&wheel->ripe);
    wheel->tick = now_ms / WHEEL_TICK_MS;
}

void wheel_set(struct wheel *wheel, struct deadline *deadline, int64_t at_ms)
{
    int64_t tick = (at_ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;
    if (tick <= wheel->tick) {
        tick = wheel->tick + 1;
    }
    list_remove(&deadline->node);
    deadline->at_ms = at_ms;
    list_append(&wheel->slots[tick % WHEEL_SLOTS], &deadline->node);
}

static void ripen(struct wheel *wheel, struct list *slot, int64_t now_ms)
{
    for (struct list *node = slot->next, *next; node != slot; node = next) {
        next = node->next;
        if (list_entry(node, struct deadline, node)->at_ms <= now_ms) {
            list_remove(node);
            list_append(&wheel->ripe, node);
        }
    }
}

struct deadline *wheel_next(struct wheel *wheel, int64_t now_ms)
{
    int64_t target = now_ms / WHEEL_TICK_MS;
    if (target - wheel->tick > WHEEL_SLOTS) {
        wheel->tick = target - WHEEL_SLOTS;
    }
    while (list_is_empty(&wheel->ripe) && wheel->tick < target) {
        wheel->tick++;
        ripen(wheel, &wheel->slots[wheel->tick % WHEEL_SLOTS], now_ms);
    }
    struct list *first = list_first(&wheel->ripe);
    if (!first) {
        return NULL;
    }
    list_remove(first);
    return list_entry(first, struct deadline, node);
}
