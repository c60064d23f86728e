#include "common/service/habits.h"

#include "common/core/slice.h"

#include <stdint.h>

static size_t place_of(const void *row)
{
    uintptr_t number = (uintptr_t)row;
    return (number >> 4 ^ number >> 11) % HABIT_ROWS; /* Rows stand side by side, 16 bytes or a few times that. */
}

void habits_follow(const struct habits *habits, const void *row, struct decision *d)
{
    const struct habit *habit = &habits->rows[place_of(row)];
    for (unsigned i = 0; habit->row == row && i < habit->count; i++) {
        if (d->known_count < DECISION_AGGREGATES_MAX) {
            decide_known(d, habit->kinds[i]->service, habit->kinds[i]->kind, d->root, d->root);
        }
    }
}

static void add(struct habit *habit, const struct contract_aggregate *kind)
{
    for (unsigned i = 0; i < habit->count; i++) {
        if (habit->kinds[i] == kind) {
            return;
        }
    }
    if (habit->count < HABIT_KINDS_MAX) {
        habit->kinds[habit->count++] = kind;
    }
}

void habits_learn(struct habits *habits, const void *row, const struct decision *d)
{
    struct habit *habit = &habits->rows[place_of(row)];
    for (size_t i = 0; i < d->known_count; i++) {
        const struct known *known = &d->known[i];
        if (known->loaded || !str_same(known->key, d->root) || !str_same(known->root, d->root) ||
            !str_same(known->service, d->service)) {
            continue;
        }
        if (habit->row != row) {
            *habit = (struct habit){.row = row};
        }
        add(habit, known->row);
    }
}
