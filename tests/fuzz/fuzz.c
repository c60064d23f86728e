#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/core/must.h"

enum {
    FILES_MAX = 8,
};

static char folder[64];
static char files[FILES_MAX][PATH_MAX];
static size_t file_count;

unsigned input_byte(struct input *input)
{
    if (input->size == 0) {
        return 0;
    }
    input->size--;
    return *input->at++;
}

unsigned input_pair(struct input *input)
{
    unsigned high = input_byte(input);
    return high << 8 | input_byte(input);
}

struct input input_part(struct input *input, uint8_t until)
{
    const uint8_t *end = input->size > 0 ? memchr(input->at, until, input->size) : NULL;
    struct input part = {input->at, end != NULL ? (size_t)(end - input->at) : input->size};
    size_t gone = part.size + (end != NULL);
    input->at = gone > 0 ? input->at + gone : input->at;
    input->size -= gone;
    return part;
}

struct arena *fuzz_arena(void)
{
    static struct arena arena;
    if (arena.ceiling_bytes == 0) {
        arena_init(&arena, (size_t)512 << 20);
    }
    arena_reset(&arena);
    return &arena;
}

static void remove_folder(void)
{
    char path[PATH_MAX];
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    if (listing != NULL) {
        closedir(listing);
    }
    rmdir(folder);
}

const char *fuzz_folder(void)
{
    if (folder[0] == '\0') {
        bool in_memory = access("/dev/shm", W_OK) == 0;
        snprintf(folder, sizeof folder, "%s/casebus-fuzz-XXXXXX", in_memory ? "/dev/shm" : "/tmp");
        MUST(mkdtemp(folder) != NULL);
        atexit(remove_folder);
    }
    return folder;
}

static const char *require_path(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    for (size_t i = 0; i < file_count; i++) {
        if (strcmp(files[i], path) == 0) {
            return files[i];
        }
    }
    MUST(file_count < FILES_MAX);
    return strcpy(files[file_count++], path);
}

const char *fuzz_file(const char *name, unsigned mode, const void *bytes, size_t size)
{
    const char *path = require_path(name);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    MUST(fd >= 0 && fchmod(fd, mode) == 0);
    MUST(size == 0 || write(fd, bytes, size) == (ssize_t)size);
    close(fd);
    return path;
}

struct slice file_read(const char *path, struct arena *arena)
{
    FILE *file = fopen(path, "rb");
    MUST(file != NULL && fseek(file, 0, SEEK_END) == 0);
    long size = ftell(file);
    MUST(size >= 0 && fseek(file, 0, SEEK_SET) == 0);
    char *bytes = arena_alloc(arena, (size_t)size);
    MUST(fread(bytes, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    return (struct slice){bytes, (size_t)size};
}
