#include "common/service/reference.h"

#include "common/contract/contract.h"
#include "common/contract/json.h"
#include "common/core/must.h"
#include "common/core/slice.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFERENCE_BYTES_MAX (256u << 20) /* All that one process holds of it. */

struct reference_item {
    const ProtobufCMessageDescriptor *descriptor;
    const char *id;
    const ProtobufCMessage *message;
};

struct reference {
    struct arena arena;
    struct reference_item *items; /* By descriptor, then id. */
    size_t count;
    size_t room;
};

static int compare(const void *a, const void *b)
{
    const struct reference_item *left = a, *right = b;
    if (left->descriptor != right->descriptor) {
        return strcmp(left->descriptor->name, right->descriptor->name);
    }
    return str_compare(left->id, right->id);
}

/* The caller frees it. NULL with a sentence when it cannot be read whole. */
static char *read_file(const char *path, size_t *size, struct why *why)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        why_set(why, "could not open %s: %s", path, strerror(errno));
        return NULL;
    }
    char *bytes = malloc(JSON_SIZE_MAX + 1);
    MUST(bytes != NULL);
    *size = fread(bytes, 1, JSON_SIZE_MAX + 1, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed || *size > JSON_SIZE_MAX) {
        why_set(why, "could not read %s%s", path, failed ? "" : ": it is larger than 4 MiB");
        free(bytes);
        return NULL;
    }
    return bytes;
}

static void add(struct reference *reference, const ProtobufCMessage *message, const char *name)
{
    if (reference->count == reference->room) {
        size_t room = reference->room == 0 ? 32 : 2 * reference->room;
        struct reference_item *items = ARENA_ARRAY(&reference->arena, struct reference_item, room);
        if (reference->count > 0) {
            memcpy(items, reference->items, reference->count * sizeof *items);
        }
        reference->items = items;
        reference->room = room;
    }
    const char *id = contract_string_field(message, "id");
    reference->items[reference->count++] =
        (struct reference_item){message->descriptor, id != NULL ? id : name, message};
}

/* The name without folder and ".json", for messages that have no id of their own. */
static const char *base_name(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return arena_strndup(arena, name, dot != NULL ? (size_t)(dot - name) : strlen(name));
}

static enum fault load_file(
    struct reference *reference, const ProtobufCMessageDescriptor *descriptor, const char *path, struct why *why)
{
    size_t size = 0;
    char *text = read_file(path, &size, why);
    if (text == NULL) {
        return FAULT_UNAVAILABLE;
    }
    ProtobufCMessage *message = NULL;
    struct why inner = {0};
    enum fault fault = json_cross(contract_of(descriptor), text, size, &reference->arena, &inner, &message);
    free(text);
    if (fault != FAULT_NONE) {
        why_set(why, "%s: %s", path, inner.text);
        return fault;
    }
    add(reference, message, base_name(&reference->arena, path));
    return FAULT_NONE;
}

static int is_json(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && str_ends_with(entry->d_name, ".json");
}

static enum fault load_folder(
    struct reference *reference, const ProtobufCMessageDescriptor *descriptor, const char *path, struct why *why)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_json, alphasort);
    if (count < 0) {
        why_set(why, "could not list %s: %s", path, strerror(errno));
        return FAULT_UNAVAILABLE;
    }
    enum fault fault = FAULT_NONE;
    for (int i = 0; i < count; i++) {
        if (fault == FAULT_NONE) {
            fault = load_file(
                reference, descriptor, arena_printf(&reference->arena, "%s%s", path, entries[i]->d_name), why);
        }
        free(entries[i]);
    }
    free(entries);
    return fault;
}

static enum fault sort(struct reference *reference, struct why *why)
{
    if (reference->count > 1) {
        qsort(reference->items, reference->count, sizeof *reference->items, compare);
    }
    for (size_t i = 1; i < reference->count; i++) {
        if (compare(&reference->items[i - 1], &reference->items[i]) == 0) {
            why_set(
                why, "two files of %s have the id %s", reference->items[i].descriptor->name, reference->items[i].id);
            return FAULT_INVALID;
        }
    }
    return FAULT_NONE;
}

enum fault reference_load(const struct reference_file *files, const char *dir, struct reference **out, struct why *why)
{
    struct reference *reference = calloc(1, sizeof *reference);
    MUST(reference != NULL);
    arena_init(&reference->arena, REFERENCE_BYTES_MAX);
    enum fault fault = FAULT_NONE;
    for (const struct reference_file *file = files; fault == FAULT_NONE && file != NULL && file->message != NULL;
         file++) {
        const char *path = arena_printf(&reference->arena, "%s/%s", dir, file->path);
        fault = str_ends_with(path, "/") ? load_folder(reference, file->message, path, why)
                                         : load_file(reference, file->message, path, why);
    }
    if (fault == FAULT_NONE) {
        fault = sort(reference, why);
    }
    if (fault != FAULT_NONE) {
        reference_free(&reference);
        return fault;
    }
    *out = reference;
    return FAULT_NONE;
}

void reference_free(struct reference **reference)
{
    if (*reference != NULL) {
        arena_done(&(*reference)->arena);
        free(*reference);
        *reference = NULL;
    }
}

size_t reference_count(const struct reference *reference)
{
    return reference->count;
}

const void *reference_find(const struct decision *d, const ProtobufCMessageDescriptor *descriptor, const char *id)
{
    const struct reference *reference = d->reference;
    if (reference == NULL || reference->count == 0 || id == NULL) {
        return NULL;
    }
    struct reference_item wanted = {descriptor, id, NULL};
    const struct reference_item *found =
        bsearch(&wanted, reference->items, reference->count, sizeof *reference->items, compare);
    return found != NULL ? found->message : NULL;
}

const void *reference_each(const struct decision *d, const ProtobufCMessageDescriptor *descriptor, size_t *cursor)
{
    const struct reference *reference = d->reference;
    while (reference != NULL && *cursor < reference->count) {
        const struct reference_item *item = &reference->items[(*cursor)++];
        if (item->descriptor == descriptor) {
            return item->message;
        }
    }
    return NULL;
}
