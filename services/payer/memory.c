#include "services/payer/memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/hash.h"
#include "common/core/must.h"

struct fact {
    struct memory_key key;
    struct fact *next;  /* in its bucket */
    struct fact *later; /* came after this one */
    size_t size;
    max_align_t body[];
};

struct memory {
    size_t capacity, count, bucket_count;
    struct fact *oldest, *newest;
    struct fact *buckets[];
};

struct memory *memory_new(size_t capacity)
{
    size_t buckets = 1024;
    while (buckets < capacity && buckets < (size_t)1 << 20) {
        buckets *= 2;
    }
    struct memory *memory = calloc(1, sizeof *memory + buckets * sizeof memory->buckets[0]);
    MUST(memory && capacity > 0);
    memory->capacity = capacity;
    memory->bucket_count = buckets;
    return memory;
}

void memory_free(struct memory **memory)
{
    if (!*memory) {
        return;
    }
    for (struct fact *fact = (*memory)->oldest; fact;) {
        struct fact *later = fact->later;
        free(fact);
        fact = later;
    }
    free(*memory);
    *memory = NULL;
}

struct memory_key memory_key(const char *first, ...)
{
    struct memory_key key;
    struct hash hash;
    va_list names;
    hash_init(&hash);
    va_start(names, first);
    for (const char *name = first; name; name = va_arg(names, const char *)) {
        hash_add_part(&hash, name, strlen(name));
    }
    va_end(names);
    hash_done(&hash, key.bytes);
    return key;
}

static struct fact **bucket_of(struct memory *memory, struct memory_key key)
{
    return &memory->buckets[hash_number(key.bytes, sizeof key.bytes) & (memory->bucket_count - 1)];
}

static struct fact *find(struct memory *memory, struct memory_key key)
{
    struct fact *fact = *bucket_of(memory, key);
    while (fact && memcmp(fact->key.bytes, key.bytes, sizeof key.bytes) != 0) {
        fact = fact->next;
    }
    return fact;
}

void *memory_find(struct memory *memory, struct memory_key key, size_t *size)
{
    struct fact *fact = find(memory, key);
    if (fact && size) {
        *size = fact->size;
    }
    return fact ? fact->body : NULL;
}

static void forget_oldest(struct memory *memory)
{
    struct fact *fact = memory->oldest;
    struct fact **at = bucket_of(memory, fact->key);
    while (*at != fact) {
        at = &(*at)->next;
    }
    *at = fact->next;
    memory->oldest = fact->later;
    memory->newest = memory->oldest ? memory->newest : NULL;
    memory->count--;
    free(fact);
}

void *memory_require(struct memory *memory, struct memory_key key, size_t size)
{
    struct fact *fact = find(memory, key);
    if (fact) {
        MUST(fact->size == size);
        return fact->body;
    }
    if (memory->count == memory->capacity) {
        forget_oldest(memory);
    }
    fact = calloc(1, sizeof *fact + size);
    MUST(fact);
    fact->key = key;
    fact->size = size;
    struct fact **bucket = bucket_of(memory, key);
    fact->next = *bucket;
    *bucket = fact;
    *(memory->newest ? &memory->newest->later : &memory->oldest) = fact;
    memory->newest = fact;
    memory->count++;
    return fact->body;
}
