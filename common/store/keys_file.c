#include "common/store/keys_ring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/core/entropy.h"
#include "common/core/hex.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/store/seal.h"

#define ROOT_FILE    "root.key"
#define TENANTS_FILE "tenants.keys"

enum {
    WRAPPED_SIZE = KEY_SIZE + SEAL_OVERHEAD,
    LINE_SIZE = 2 * ID_SIZE + HEX_SIZE(WRAPPED_SIZE) + 32,
    FILE_SIZE_MAX = KEY_TENANTS_MAX * LINE_SIZE,
};

/* A folder of keys, held under an exclusive lock while it is read and completed: of several processes that start at
 * once, one makes the files and the others wait and read them. */
struct folder {
    const char *path;
    int fd;
};

static enum fault folder_open(const char *path, struct folder *out, struct why *why)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        why_set(why, "could not make the key folder %s: %s", path, strerror(errno));
        return FAULT_UNAVAILABLE;
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX) != 0) {
        why_set(why, "could not open the key folder %s: %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return FAULT_UNAVAILABLE;
    }
    *out = (struct folder){path, fd};
    return FAULT_NONE;
}

static void folder_close(struct folder *folder)
{
    close(folder->fd);
}

static bool folder_has(const struct folder *folder, const char *file)
{
    return faccessat(folder->fd, file, F_OK, 0) == 0;
}

static bool write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, text, size);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            text += n;
            size -= (size_t)n;
        }
    }
    return true;
}

/* Makes or replaces a file of the folder, whole or not at all, also through a power cut. */
static enum fault folder_write(
    const struct folder *folder, const char *file, mode_t mode, const char *text, size_t size, struct why *why)
{
    char fresh[NAME_MAX + 1];
    snprintf(fresh, sizeof fresh, "%s.new", file);
    unlinkat(folder->fd, fresh, 0);
    int fd = openat(folder->fd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool written = fd >= 0 && write_all(fd, text, size) && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    if (!written || renameat(folder->fd, fresh, folder->fd, file) != 0 || fsync(folder->fd) != 0) {
        why_set(why, "could not write %s/%s: %s", folder->path, file, strerror(errno));
        return FAULT_UNAVAILABLE;
    }
    return FAULT_NONE;
}

/* Reads a file of text into locked memory, NUL-ended; free it with sodium_free. `private` refuses wider permissions. */
static enum fault folder_read(const struct folder *folder, const char *file, bool private, char **out, struct why *why)
{
    int fd = openat(folder->fd, file, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (fd < 0 || fstat(fd, &about) != 0) {
        why_set(why, "could not read %s/%s: %s", folder->path, file, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return FAULT_UNAVAILABLE;
    }
    enum fault fault = FAULT_NONE;
    if (private && (about.st_mode & 077) != 0) {
        why_set(why, "cannot use %s/%s: others than its owner may read it (mode %04o), it must be 0400", folder->path,
            file, (unsigned)(about.st_mode & 07777));
        fault = FAULT_REFUSED;
    } else if (about.st_size > FILE_SIZE_MAX) {
        why_set(why, "cannot use %s/%s: it is larger than %d bytes", folder->path, file, FILE_SIZE_MAX);
        fault = FAULT_REFUSED;
    } else {
        char *text = sodium_malloc((size_t)about.st_size + 1);
        MUST(text != NULL);
        ssize_t n = read(fd, text, (size_t)about.st_size);
        text[n < 0 ? 0 : n] = '\0';
        if (n < 0 || strlen(text) != (size_t)n) {
            why_set(why, "cannot use %s/%s: it is no text", folder->path, file);
            fault = FAULT_REFUSED;
            sodium_free(text);
        } else {
            *out = text;
        }
    }
    close(fd);
    return fault;
}

/* Takes the next word of a line, parted by one space, into `out`. False when there is none or it does not fit. */
static bool take_word(struct slice *line, char *out, size_t out_size)
{
    struct slice word;
    if (!slice_take_field(line, ' ', &word) || word.size == 0 || word.size >= out_size) {
        return false;
    }
    memcpy(out, word.at, word.size);
    out[word.size] = '\0';
    return true;
}

static bool take_epoch(struct slice *line, uint32_t *out)
{
    struct slice word;
    uint64_t epoch = 0;
    if (!slice_take_field(line, ' ', &word) || !slice_parse_uint(word, UINT32_MAX, &epoch) || epoch < KEY_FIRST_EPOCH) {
        return false;
    }
    *out = (uint32_t)epoch;
    return true;
}

/* ---- the root ---- */

static enum fault make_root(const struct folder *folder, struct why *why)
{
    if (folder_has(folder, TENANTS_FILE)) {
        why_set(why, "cannot open %s/" TENANTS_FILE ": its " ROOT_FILE " is missing, put it back from its backup",
            folder->path);
        return FAULT_REFUSED;
    }
    uint8_t root[KEY_SIZE];
    char text[HEX_SIZE(KEY_SIZE)];
    entropy_fill(root, sizeof root);
    hex_encode(text, root, sizeof root);
    text[sizeof text - 1] = '\n';
    enum fault fault = folder_write(folder, ROOT_FILE, 0400, text, sizeof text, why);
    sodium_memzero(root, sizeof root);
    sodium_memzero(text, sizeof text);
    return fault;
}

static enum fault read_root(const struct folder *folder, struct key *out, struct why *why)
{
    char *text = NULL;
    enum fault fault = folder_read(folder, ROOT_FILE, true, &text, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    text[strcspn(text, "\n")] = '\0';
    out->epoch = 0;
    if (!hex_decode(out->bytes, KEY_SIZE, text)) {
        why_set(why, "cannot use %s/" ROOT_FILE ": it is not %d hexadecimal digits", folder->path, 2 * KEY_SIZE);
        fault = FAULT_REFUSED;
    }
    sodium_free(text);
    return fault;
}

/* ---- the tenants ---- */

static struct seal_about wrapping(const char *tenant, uint32_t epoch)
{
    return (struct seal_about){tenant, "tenant", tenant, epoch, "key"};
}

/* Reads `tenant epoch wrapped-key`. False when it is no such line or this root did not wrap it. */
static bool add_line(struct keys *keys, const struct key *root, const char *line)
{
    struct slice rest = slice_of(line);
    char tenant[ID_SIZE];
    uint32_t epoch = 0;
    char digits[HEX_SIZE(WRAPPED_SIZE)];
    if (!take_word(&rest, tenant, sizeof tenant) || !id_is_valid(tenant) || !take_epoch(&rest, &epoch) ||
        !take_word(&rest, digits, sizeof digits) || rest.at != NULL) {
        return false;
    }
    uint8_t wrapped[WRAPPED_SIZE];
    uint8_t secret[KEY_SIZE];
    struct seal_about about = wrapping(tenant, epoch);
    bool good = hex_decode(wrapped, sizeof wrapped, digits) &&
                seal_open(root, &about, bytes_of(wrapped, sizeof wrapped), secret) &&
                ring_add_tenant(keys, tenant, epoch, secret);
    sodium_memzero(secret, sizeof secret);
    return good;
}

static enum fault add_lines(
    struct keys *keys, const struct folder *folder, const struct key *root, char *text, struct why *why)
{
    int number = 1;
    for (char *line = text, *rest; *line != '\0'; line = rest, number++) {
        size_t size = strcspn(line, "\n");
        rest = line + size + (line[size] == '\n');
        line[size] = '\0';
        if (size > 0 && !add_line(keys, root, line)) {
            why_set(why, "cannot open line %d of %s/" TENANTS_FILE " with the key in " ROOT_FILE, number, folder->path);
            return FAULT_REFUSED;
        }
    }
    return FAULT_NONE;
}

/* Makes a key for the tenant and appends its line to `text`. */
static bool make_tenant(struct keys *keys, const struct key *root, const char *tenant, char *text, size_t text_size)
{
    uint8_t secret[KEY_SIZE];
    uint8_t wrapped[WRAPPED_SIZE];
    char digits[HEX_SIZE(WRAPPED_SIZE)];
    struct seal_about about = wrapping(tenant, KEY_FIRST_EPOCH);
    entropy_fill(secret, sizeof secret);
    seal(root, &about, bytes_of(secret, sizeof secret), wrapped);
    hex_encode(digits, wrapped, sizeof wrapped);
    size_t used = strlen(text);
    bool open_line = used > 0 && text[used - 1] != '\n'; /* as an editor may leave it */
    int size =
        snprintf(text + used, text_size - used, "%s%s %d %s\n", open_line ? "\n" : "", tenant, KEY_FIRST_EPOCH, digits);
    bool good = (size_t)size < text_size - used && ring_add_tenant(keys, tenant, KEY_FIRST_EPOCH, secret);
    sodium_memzero(secret, sizeof secret);
    return good;
}

/* Makes what `tenants` names and the file does not have, and writes the file anew if anything was made. */
static enum fault complete_tenants(struct keys *keys, const struct folder *folder, const struct key *root,
    const char *const *tenants, size_t tenant_count, char *text, size_t text_size, struct why *why)
{
    bool made = false;
    for (size_t i = 0; i < tenant_count; i++) {
        if (ring_find_tenant(keys, tenants[i], 0) != NULL) {
            continue;
        }
        if (!id_is_valid(tenants[i]) || !make_tenant(keys, root, tenants[i], text, text_size)) {
            why_set(why, "cannot make a key for tenant %.96s: its name is malformed or there are too many", tenants[i]);
            return FAULT_REFUSED;
        }
        made = true;
    }
    return made ? folder_write(folder, TENANTS_FILE, 0600, text, strlen(text), why) : FAULT_NONE;
}

static enum fault open_tenants(struct keys *keys, const struct folder *folder, const struct key *root,
    const char *const *tenants, size_t tenant_count, struct why *why)
{
    char *text = calloc(1, FILE_SIZE_MAX + 1); /* wrapped keys only: no secret */
    MUST(text != NULL);
    enum fault fault = FAULT_NONE;
    if (folder_has(folder, TENANTS_FILE)) {
        char *stored = NULL;
        fault = folder_read(folder, TENANTS_FILE, false, &stored, why);
        if (fault == FAULT_NONE) {
            strcpy(text, stored);
            fault = add_lines(keys, folder, root, stored, why);
            sodium_free(stored);
        }
    }
    if (fault == FAULT_NONE) {
        fault = complete_tenants(keys, folder, root, tenants, tenant_count, text, FILE_SIZE_MAX, why);
    }
    free(text);
    return fault;
}

enum fault keys_open(
    const char *dir, const char *const *tenants, size_t tenant_count, struct keys **out, struct why *why)
{
    MUST(sodium_init() >= 0);
    struct folder folder;
    enum fault fault = folder_open(dir, &folder, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    struct keys *keys = ring_new(KEY_TENANTS_MAX);
    struct key root;
    if (!folder_has(&folder, ROOT_FILE)) {
        fault = make_root(&folder, why);
    }
    if (fault == FAULT_NONE) {
        fault = read_root(&folder, &root, why);
    }
    if (fault == FAULT_NONE) {
        fault = open_tenants(keys, &folder, &root, tenants, tenant_count, why);
    }
    sodium_memzero(&root, sizeof root);
    folder_close(&folder);
    if (fault != FAULT_NONE) {
        keys_close(&keys);
        return fault;
    }
    *out = keys;
    return FAULT_NONE;
}

/* ---- lanes ---- */

enum fault keys_export_lane(
    const struct keys *keys, const char *tenant, const char *payer, const char *path, struct why *why)
{
    const struct tenant_key *owner = ring_find_tenant(keys, tenant, 0);
    const char *slash = strrchr(path, '/');
    if (owner == NULL || slash == NULL || !id_is_valid(payer)) {
        why_set(why,
            "cannot export the lane of payer %.96s in tenant %.96s to %.96s: unknown tenant, malformed payer or a "
            "path without a folder",
            payer, tenant, path);
        return FAULT_REFUSED;
    }
    char dir[PATH_MAX];
    snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
    struct folder folder;
    enum fault fault = folder_open(dir, &folder, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    if (!folder_has(&folder, slash + 1)) {
        struct key key;
        char digits[HEX_SIZE(KEY_SIZE)];
        char line[LINE_SIZE];
        ring_derive_lane(owner, payer, &key);
        hex_encode(digits, key.bytes, KEY_SIZE);
        int size = snprintf(line, sizeof line, "%s %s %u %s\n", tenant, payer, key.epoch, digits);
        fault = folder_write(&folder, slash + 1, 0400, line, (size_t)size, why);
        sodium_memzero(&key, sizeof key);
        sodium_memzero(digits, sizeof digits);
        sodium_memzero(line, sizeof line);
    }
    folder_close(&folder);
    return fault;
}

static enum fault add_lane_file(struct keys *keys, const struct folder *folder, const char *file, struct why *why)
{
    char *text = NULL;
    enum fault fault = folder_read(folder, file, true, &text, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    char tenant[ID_SIZE], payer[ID_SIZE], digits[HEX_SIZE(KEY_SIZE)] = "";
    struct key key = {0};
    struct slice line = slice_trim(slice_of(text));
    bool good = take_word(&line, tenant, sizeof tenant) && id_is_valid(tenant) &&
                take_word(&line, payer, sizeof payer) && id_is_valid(payer) && take_epoch(&line, &key.epoch) &&
                take_word(&line, digits, sizeof digits) && line.at == NULL && hex_decode(key.bytes, KEY_SIZE, digits);
    if (!good || ring_add_lane(keys, tenant, payer, &key) == NULL) {
        why_set(why, "cannot use %s/%s: it is not `tenant payer epoch key`", folder->path, file);
        fault = FAULT_REFUSED;
    }
    sodium_memzero(&key, sizeof key);
    sodium_memzero(digits, sizeof digits);
    sodium_free(text);
    return fault;
}

enum fault keys_open_lane_only(const char *dir, struct keys **out, struct why *why)
{
    MUST(sodium_init() >= 0);
    struct folder folder;
    enum fault fault = folder_open(dir, &folder, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    struct keys *keys = ring_new(0);
    DIR *listing = opendir(dir);
    for (struct dirent *entry; fault == FAULT_NONE && listing != NULL && (entry = readdir(listing)) != NULL;) {
        if (str_ends_with(entry->d_name, ".lane")) {
            fault = add_lane_file(keys, &folder, entry->d_name, why);
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
    folder_close(&folder);
    if (fault != FAULT_NONE) {
        keys_close(&keys);
        return fault;
    }
    *out = keys;
    return FAULT_NONE;
}
