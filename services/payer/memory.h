/* What a process remembers: facts by key, in the order in which they came. When it is full the oldest is forgotten. */
#ifndef CASEBUS_PAYER_MEMORY_H
#define CASEBUS_PAYER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory;

/* Holds `capacity` facts. */
struct memory *memory_new(size_t capacity);
void memory_free(struct memory **memory);

/* The names of a fact are told apart by their borders: ("ab", "c") is not ("a", "bc"). The list ends with NULL. */
struct memory_key {
    uint8_t bytes[16];
};
struct memory_key memory_key(const char *first, ...) __attribute__((sentinel));

/* The fact, to be changed in place; NULL when it is not there or was forgotten. `size` may be NULL. */
void *memory_find(struct memory *memory, struct memory_key key, size_t *size);

/* The same, made of zeroes where it is not there. A pointer holds until the next memory_require(). */
void *memory_require(struct memory *memory, struct memory_key key, size_t size);

#endif
