/* Memory of one call.
 *
 * What a call needs comes from its arena and goes when the call returns: nobody frees a piece, nobody keeps one.
 * Allocation moves a pointer; blocks grow by doubling; a reset keeps one block, so that a busy loop stops calling
 * malloc.
 *
 * An arena has a ceiling. Our own code stays under it (MUST); bytes of strangers are unpacked through a budget, which
 * answers NULL. Under AddressSanitizer memory not handed out, or handed out before a reset, is poisoned. Not for
 * threads. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#define ARENA_FIRST_BYTES   (8u << 10)   /* the first block                                       */
#define ARENA_BLOCK_BYTES   (256u << 10) /* blocks double up to this; larger pieces get their own */
#define ARENA_KEEP_BYTES    (256u << 10) /* the largest block that a reset keeps                  */
#define ARENA_CEILING_BYTES (64u << 20)  /* the usual ceiling of one call                         */

struct arena_block;

struct arena {
    struct arena_block *block;
    size_t used_bytes; /* handed out since the last reset, padding included */
    size_t ceiling_bytes;
};

/* Makes an empty arena; memory comes with the first piece. A ceiling of 0 means ARENA_CEILING_BYTES. */
void arena_init(struct arena *arena, size_t ceiling_bytes);

/* Gives everything back. The arena may be initialised anew. */
void arena_done(struct arena *arena);

/* Ends the life of every piece, and keeps one block for the next call. */
void arena_reset(struct arena *arena);

/* Pieces, aligned for anything. Never NULL: the ceiling is a MUST. A size of 0 gives a valid pointer to nothing. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull, alloc_size(2)));
void *arena_alloc_zeroed(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull, alloc_size(2)));

/* The same, for sizes that a stranger chose: NULL when the ceiling would be passed. */
void *arena_try_alloc(struct arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));

/* `count` zeroed elements of `size`; the product is a MUST. */
void *arena_array(struct arena *arena, size_t count, size_t size)
    __attribute__((malloc, returns_nonnull, alloc_size(2, 3)));

#define ARENA_NEW(arena, type)          ((type *)arena_alloc_zeroed((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_array((arena), (count), sizeof(type)))

/* Copies. `strndup` copies at most `size` bytes, up to a NUL, and ends them with one. A NULL string gives NULL. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t size);
void *arena_memdup(struct arena *arena, const void *bytes, size_t size) __attribute__((returns_nonnull));
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3), returns_nonnull));
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0), returns_nonnull));

/* A share of an arena, for unpacking foreign bytes: NULL at its own ceiling or the arena's, and then for good. */
struct budget {
    struct arena *arena;
    size_t left_bytes;
};

void *budget_alloc(struct budget *budget, size_t size) __attribute__((malloc, alloc_size(2)));

#endif
