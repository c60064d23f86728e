/* What every fuzz target needs: an input that is taken apart from its front, the memory of one input, and files made of
 * bytes. A target breaks a property by MUST(), which ends it. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "common/core/arena.h"
#include "common/core/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The root key of fuzz_keys: fuzz_seeds wraps tenants with it. */
#define FUZZ_ROOT_LINE "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"

/* What is left of the input. */
struct input {
    const uint8_t *at;
    size_t size;
};

/* The next octet, or two as one number; 0 when nothing is left. */
unsigned input_byte(struct input *input);
unsigned input_pair(struct input *input);

/* Everything up to the octet, which goes too; the rest where there is none. */
struct input input_part(struct input *input, uint8_t until);

/* An arena that is empty again. What it gave to the input before is poisoned. */
struct arena *fuzz_arena(void);

/* A folder of this process, in memory where the machine has that; it goes with the process. */
const char *fuzz_folder(void);

/* Makes the file anew in that folder. The path is lent until the process ends. */
const char *fuzz_file(const char *name, unsigned mode, const void *bytes, size_t size);

/* The bytes of a file of the repository, in the arena; that it is there is a MUST. */
struct slice file_read(const char *path, struct arena *arena);

#endif
