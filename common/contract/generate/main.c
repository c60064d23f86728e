/* contract_generate SET OUT.c: checks the contract in a descriptor set of protoc and writes its tables.
 *
 * Exit 0: written. 1: the contract breaks its own rules, each complaint on stderr. 2: called wrongly, or a file failed.
 */
#include "common/contract/generate/lint.h"
#include "common/contract/generate/model.h"
#include "common/contract/generate/write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SET_SIZE_MAX ((size_t)16 << 20)
#define ARENA_SIZE   ((size_t)512 << 20)

static void *read_set(const char *path, struct arena *arena, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return NULL;
    }
    void *data = arena_alloc(arena, SET_SIZE_MAX);
    *size = fread(data, 1, SET_SIZE_MAX, file);
    bool whole = !ferror(file) && feof(file);
    fclose(file);
    if (!whole) {
        fprintf(stderr, "%s: could not be read, or is larger than %zu bytes\n", path, SET_SIZE_MAX);
        return NULL;
    }
    return data;
}

static int write_file(const struct model *model, struct arena *arena, const char *path)
{
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 2;
    }
    write_tables(model, arena, out);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        remove(path);
        return 2;
    }
    return 0;
}

static int generate(const char *set, const char *path, struct arena *arena)
{
    size_t size = 0;
    const void *data = read_set(set, arena, &size);
    if (data == NULL) {
        return 2;
    }
    const struct model *model = model_read(data, size, arena);
    if (model == NULL || model->n_messages == 0) {
        fprintf(stderr, "%s: is no descriptor set of a contract\n", set);
        return 2;
    }
    size_t complaints = lint_contract(model, stderr);
    if (complaints > 0) {
        fprintf(stderr, "the contract breaks its own rules in %zu place%s\n", complaints, complaints == 1 ? "" : "s");
        return 1;
    }
    return write_file(model, arena, path);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: contract_generate DESCRIPTOR_SET OUT.c\n");
        return 2;
    }
    struct arena arena;
    arena_init(&arena, ARENA_SIZE);
    int status = generate(argv[1], argv[2], &arena);
    arena_done(&arena);
    return status;
}
