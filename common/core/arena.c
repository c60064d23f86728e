#include "common/core/arena.h"

#include "common/core/must.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __has_feature /* clang's way to say it */
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(at, size)   ASAN_POISON_MEMORY_REGION((at), (size))
#define UNPOISON(at, size) ASAN_UNPOISON_MEMORY_REGION((at), (size))
#else
#define POISON(at, size)   ((void)0)
#define UNPOISON(at, size) ((void)0)
#endif

struct arena_block {
    struct arena_block *previous;
    size_t size;
    size_t used;
    alignas(max_align_t) uint8_t bytes[];
};

static struct arena_block *block_new(size_t size)
{
    struct arena_block *block = malloc(sizeof *block + size);
    MUST(block != NULL);
    *block = (struct arena_block){.size = size};
    POISON(block->bytes, size);
    return block;
}

static void block_free(struct arena_block *block)
{
    if (block != NULL) {
        UNPOISON(block->bytes, block->size);
        free(block);
    }
}

void arena_init(struct arena *arena, size_t ceiling_bytes)
{
    *arena = (struct arena){.ceiling_bytes = ceiling_bytes > 0 ? ceiling_bytes : ARENA_CEILING_BYTES};
}

/* Takes all blocks off the arena, frees all but the largest that may be kept, and returns that. */
static struct arena_block *free_blocks(struct arena *arena, size_t keep_bytes)
{
    struct arena_block *kept = NULL;
    struct arena_block *block = arena->block;
    while (block != NULL) {
        struct arena_block *previous = block->previous;
        if (block->size <= keep_bytes && (kept == NULL || block->size > kept->size)) {
            block_free(kept);
            kept = block;
        } else {
            block_free(block);
        }
        block = previous;
    }
    arena->block = NULL;
    arena->used_bytes = 0;
    return kept;
}

void arena_done(struct arena *arena)
{
    free_blocks(arena, 0);
}

void arena_reset(struct arena *arena)
{
    struct arena_block *kept = free_blocks(arena, ARENA_KEEP_BYTES);
    if (kept != NULL) {
        kept->previous = NULL;
        kept->used = 0;
        POISON(kept->bytes, kept->size);
    }
    arena->block = kept;
}

/* A new block with room for `size`. A large piece gets a block of its own, behind the current one, which goes on
 * serving. */
static struct arena_block *grow(struct arena *arena, size_t size)
{
    struct arena_block *current = arena->block;
    size_t usual = current == NULL ? ARENA_FIRST_BYTES : 2 * current->size;
    usual = usual < ARENA_BLOCK_BYTES ? usual : ARENA_BLOCK_BYTES;
    if (current != NULL && size > usual) {
        struct arena_block *own = block_new(size);
        own->previous = current->previous;
        current->previous = own;
        return own;
    }
    struct arena_block *next = block_new(size > usual ? size : usual);
    next->previous = current;
    arena->block = next;
    return next;
}

/* The piece, or NULL at the ceiling. */
static void *take(struct arena *arena, size_t size, size_t alignment)
{
    size = size > 0 ? size : 1;
    struct arena_block *block = arena->block;
    size_t padding = block == NULL ? 0 : -block->used & (alignment - 1);
    size_t charge;
    if (__builtin_add_overflow(size, padding, &charge) || charge > arena->ceiling_bytes - arena->used_bytes) {
        return NULL;
    }
    if (block == NULL || charge > block->size - block->used) {
        block = grow(arena, size);
        padding = 0;
        charge = size;
    }
    void *piece = block->bytes + block->used + padding;
    block->used += charge;
    arena->used_bytes += charge;
    UNPOISON(piece, size);
    return piece;
}

void *arena_try_alloc(struct arena *arena, size_t size)
{
    return take(arena, size, alignof(max_align_t));
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *piece = take(arena, size, alignof(max_align_t));
    MUST(piece != NULL);
    return piece;
}

void *arena_alloc_zeroed(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t whole;
    MUST(!__builtin_mul_overflow(count, size, &whole));
    return arena_alloc_zeroed(arena, whole);
}

static char *take_chars(struct arena *arena, size_t size)
{
    char *piece = take(arena, size, 1);
    MUST(piece != NULL);
    return piece;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_strndup(arena, text, strlen(text));
}

char *arena_strndup(struct arena *arena, const char *text, size_t size)
{
    if (text == NULL) {
        return NULL;
    }
    size = strnlen(text, size);
    char *copy = take_chars(arena, size + 1);
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

void *arena_memdup(struct arena *arena, const void *bytes, size_t size)
{
    void *copy = arena_alloc(arena, size);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    MUST(size >= 0);
    char *text = take_chars(arena, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, args);
    return text;
}

void *budget_alloc(struct budget *budget, size_t size)
{
    void *piece = size <= budget->left_bytes ? arena_try_alloc(budget->arena, size) : NULL;
    budget->left_bytes = piece == NULL ? 0 : budget->left_bytes - size;
    return piece;
}
