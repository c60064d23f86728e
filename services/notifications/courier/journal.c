/* One line per fact: `<wall ms> <task id> begun` or `<wall ms> <task id> <outcome> <code>`. Appended and synced; read at the start. */
#include "services/notifications/courier/courier.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/core/hash.h"
#include "common/core/id.h"
#include "common/core/instant.h"
#include "common/core/must.h"

enum { BUCKETS = 4096, LINE_MAX_BYTES = 256 };

struct entry {
    struct entry *next;
    int64_t at_ms;
    Notifications__SendOutcome outcome; /* UNSPECIFIED: begun */
    uint32_t code;
    char id[];
};

struct journal {
    int fd;
    int lock; /* of `<path>.lock`, held for life: two couriers with one journal would each forget what the other did */
    struct entry *buckets[BUCKETS];
};

static struct entry **place_of(const struct journal *journal, const char *id)
{
    struct entry **at = (struct entry **)&journal->buckets[hash_number(id, strlen(id)) % BUCKETS];
    while (*at && strcmp((*at)->id, id) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static void note(
    struct journal *journal, const char *id, int64_t at_ms, Notifications__SendOutcome outcome, uint32_t code)
{
    struct entry **at = place_of(journal, id);
    if (outcome == NOTIFICATIONS__SEND_OUTCOME__SEND_OUTCOME_TEMPORARY) {
        struct entry *gone = *at;
        *at = gone ? gone->next : NULL;
        free(gone);
        return;
    }
    if (!*at) {
        *at = calloc(1, sizeof **at + strlen(id) + 1);
        MUST(*at != NULL);
        memcpy((*at)->id, id, strlen(id) + 1);
    }
    (*at)->at_ms = at_ms;
    (*at)->outcome = outcome;
    (*at)->code = code;
}

/* False when it could not be read to its end: what stands there must not be forgotten. */
static bool read_lines(struct journal *journal, FILE *in, int64_t oldest_ms)
{
    char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof line, in)) {
        int64_t at_ms = 0;
        char id[ID_SIZE];
        int outcome = 0;
        uint32_t code = 0;
        int fields = sscanf(line, "%" SCNd64 " %96s %d %" SCNu32, &at_ms, id, &outcome, &code);
        if (fields == 4 && at_ms >= oldest_ms && id_is_valid(id)) {
            note(journal, id, at_ms, (Notifications__SendOutcome)outcome, code);
        }
    }
    return ferror(in) == 0;
}

static bool write_line(int fd, const char *id, int64_t at_ms, Notifications__SendOutcome outcome, uint32_t code)
{
    char line[LINE_MAX_BYTES];
    int size = snprintf(line, sizeof line, "%" PRId64 " %s %d %" PRIu32 "\n", at_ms, id, (int)outcome, code);
    return size > 0 && size < (int)sizeof line && write(fd, line, (size_t)size) == size;
}

/* What is still of use goes into a new file, which takes the old one's place whole or not at all. */
static bool write_anew(struct journal *journal, const char *path)
{
    char fresh[4096];
    int size = snprintf(fresh, sizeof fresh, "%s.new", path);
    int fd = size > 0 && size < (int)sizeof fresh
                 ? open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600)
                 : -1;
    bool good = fd >= 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct entry *e = journal->buckets[i]; good && e; e = e->next) {
            good = write_line(fd, e->id, e->at_ms, e->outcome, e->code);
        }
    }
    if (!good || fdatasync(fd) != 0 || rename(fresh, path) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    journal->fd = fd;
    return true;
}

static bool lock(struct journal *journal, const char *path, struct why *why)
{
    char name[4096];
    int size = snprintf(name, sizeof name, "%s.lock", path);
    journal->lock = size > 0 && size < (int)sizeof name ? open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (journal->lock < 0) {
        why_set(why, "the journal %s cannot be written: %s", path, strerror(errno));
    } else if (flock(journal->lock, LOCK_EX | LOCK_NB) != 0) {
        why_set(why, "another courier uses the journal %s", path);
    } else {
        return true;
    }
    return false;
}

static bool read_old(struct journal *journal, const char *path, int64_t oldest_ms, struct why *why)
{
    FILE *in = fopen(path, "re");
    bool good = in ? read_lines(journal, in, oldest_ms) : errno == ENOENT;
    if (!good) {
        why_set(why, "the journal %s cannot be read: %s", path, strerror(errno));
    }
    if (in) {
        fclose(in);
    }
    return good;
}

enum fault journal_open(const char *path, int64_t now_ms, struct journal **out, struct why *why)
{
    struct journal *journal = calloc(1, sizeof *journal);
    MUST(journal != NULL);
    journal->fd = -1;
    journal->lock = -1;
    if (!lock(journal, path, why) || !read_old(journal, path, now_ms - JOURNAL_DAYS * DAY_MS, why)) {
        journal_close(&journal);
        return FAULT_UNAVAILABLE;
    }
    if (!write_anew(journal, path)) {
        why_set(why, "the journal %s cannot be written: %s", path, strerror(errno));
        journal_close(&journal);
        return FAULT_UNAVAILABLE;
    }
    *out = journal;
    return FAULT_NONE;
}

void journal_close(struct journal **journal)
{
    if (!*journal) {
        return;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        while ((*journal)->buckets[i]) {
            struct entry *gone = (*journal)->buckets[i];
            (*journal)->buckets[i] = gone->next;
            free(gone);
        }
    }
    if ((*journal)->fd >= 0) {
        close((*journal)->fd);
    }
    if ((*journal)->lock >= 0) {
        close((*journal)->lock);
    }
    free(*journal);
    *journal = NULL;
}

enum journal_state journal_find(
    const struct journal *journal, const char *task_id, Notifications__SendOutcome *outcome, uint32_t *code)
{
    const struct entry *entry = *place_of(journal, task_id);
    if (!entry) {
        return JOURNAL_NOTHING;
    }
    if (entry->outcome == NOTIFICATIONS__SEND_OUTCOME__SEND_OUTCOME_UNSPECIFIED) {
        return JOURNAL_BEGUN;
    }
    *outcome = entry->outcome;
    *code = entry->code;
    return JOURNAL_ENDED;
}

static bool keep(
    struct journal *journal, const char *id, Notifications__SendOutcome outcome, uint32_t code, int64_t now_ms)
{
    if (!write_line(journal->fd, id, now_ms, outcome, code) || fdatasync(journal->fd) != 0) {
        return false;
    }
    note(journal, id, now_ms, outcome, code);
    return true;
}

bool journal_begin(struct journal *journal, const char *task_id, int64_t now_ms)
{
    return keep(journal, task_id, NOTIFICATIONS__SEND_OUTCOME__SEND_OUTCOME_UNSPECIFIED, 0, now_ms);
}

bool journal_end(
    struct journal *journal, const char *task_id, Notifications__SendOutcome outcome, uint32_t code, int64_t now_ms)
{
    return keep(journal, task_id, outcome, code, now_ms);
}
