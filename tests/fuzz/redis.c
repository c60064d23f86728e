/* Fuzzes the answers of Redis: a server of one process says whatever the input says, to any request of the store. Every
 * request is answered exactly once, and what it answers with can be read to its end. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/core/must.h"
#include "common/store/commit.h"
#include "common/store/delivery.h"
#include "common/store/index_scan.h"
#include "common/store/lane.h"
#include "common/store/log_read.h"
#include "common/store/timers.h"
#include "tests/fuzz/fuzz.h"

enum {
    LINKS_MAX = 16,
    SCAN_REPLIES = 256, /* one of each partition */
};

/* One input's world. */
struct world {
    struct store store;
    int peers[LINKS_MAX];
    size_t links;
    struct arena *arena;
    unsigned answered;
    size_t read; /* octets of all texts that were answered: reads them */
};
static struct world world;

static void see(const char *text)
{
    MUST(text != NULL);
    world.read += strlen(text);
}

static void see_bytes(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        world.read += bytes.at[i];
    }
}

/* ---- The server ---- */

static int listener(void)
{
    static int fd = -1;
    if (fd < 0) {
        struct sockaddr_un at = {.sun_family = AF_UNIX};
        snprintf(at.sun_path, sizeof at.sun_path, "%s", fuzz_file("redis.sock", 0600, NULL, 0));
        unlink(at.sun_path);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        MUST(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, LINKS_MAX) == 0);
    }
    return fd;
}

static void connect_all(void)
{
    static const char *const TENANTS[] = {"demo"};
    static struct keys *keys;
    char address[128];
    int server = listener();
    snprintf(address, sizeof address, "unix:%s/redis.sock", fuzz_folder());
    MUST(keys != NULL || keys_open(fuzz_folder(), TENANTS, 1, &keys, NULL) == FAULT_NONE);
    MUST(store_init(&world.store, address, keys, NULL) == FAULT_NONE);
    store_tick(&world.store, 1);
    world.links = shards_count(world.store.shards);
    MUST(world.links <= LINKS_MAX);
    for (size_t i = 0; i < world.links; i++) {
        world.peers[i] = accept(server, NULL, NULL);
        MUST(world.peers[i] >= 0 && fcntl(world.peers[i], F_SETFL, O_NONBLOCK) == 0);
    }
}

static void disconnect_all(void)
{
    store_done(&world.store);
    for (size_t i = 0; i < world.links; i++) {
        close(world.peers[i]);
    }
}

/* Takes what was asked out of the way, and says the bytes. */
static void say(size_t link, struct input bytes)
{
    static char asked[1 << 16];
    struct redis *redis = shards_at(world.store.shards, link);
    redis_flush(redis);
    while (recv(world.peers[link], asked, sizeof asked, 0) > 0) {
    }
    while (bytes.size > 0 && redis_is_ready(redis)) {
        ssize_t n = send(world.peers[link], bytes.at, bytes.size, MSG_NOSIGNAL);
        MUST(n > 0 || errno == EAGAIN || errno == EPIPE);
        bytes.at += n > 0 ? n : 0;
        bytes.size -= n > 0 ? (size_t)n : 0;
        redis_on_readable(redis);
    }
    redis_on_readable(redis);
}

/* ---- Requests ---- */

static void load_done(struct load *load)
{
    world.answered++;
    for (size_t i = 0; i < load->count; i++) {
        see_bytes(load->aggregates[i].body);
    }
    see_bytes(load->reply);
    see(load->why.text);
}

static void ask_load(bool whole)
{
    static struct load_aggregate aggregates[2];
    static struct load load;
    memset(aggregates, 0, sizeof aggregates);
    for (size_t i = 0; i < ARRAY_LENGTH(aggregates); i++) {
        aggregates[i] = (struct load_aggregate){.service = "intake", .kind = "case_file", .id = "000-a"};
    }
    load = (struct load){.tenant = "demo",
        .root = "000-a",
        .group = whole ? "planning" : NULL,
        .arena = world.arena,
        .command_id = whole ? "command-1" : NULL,
        .count = whole ? 2 : 0,
        .aggregates = aggregates,
        .done = load_done};
    MUST(load_send(&world.store, &load) == FAULT_NONE);
}

static void see_entry(const struct log_entry *entry)
{
    if (!entry->corrupt) {
        const struct record_header *header = &entry->record.header;
        see(header->root);
        see(header->command_id);
        for (size_t i = 0; i < header->event_count; i++) {
            see(header->subjects[i]);
        }
        see_bytes(entry->record.bytes);
    }
}

static void page_done(struct log_page *page)
{
    world.answered++;
    for (size_t i = 0; i < page->count; i++) {
        see_entry(&page->entries[i]);
    }
}

static void ask_page(void)
{
    static struct log_page page;
    page = (struct log_page){.count_max = 16, .arena = world.arena, .done = page_done};
    MUST(log_page_send(&world.store, &page) == FAULT_NONE);
}

static void walk_done(struct log_walk *walk)
{
    world.answered++;
    MUST(walk->count <= walk->count_max);
    for (size_t i = 0; i < walk->count; i++) {
        see_entry(&walk->entries[i]);
    }
}

static void ask_walk(void)
{
    static struct log_walk walk;
    walk = (struct log_walk){.tenant = "demo",
        .root = "000-a",
        .from = {.sequence = 3, .last = {5, 1}},
        .count_max = 16,
        .arena = world.arena,
        .done = walk_done};
    MUST(log_walk_send(&world.store, &walk) == FAULT_NONE);
}

static void lanes_done(struct lanes *lanes)
{
    world.answered++;
    for (size_t i = 0; i < lanes->count; i++) {
        see(lanes->dests[i]);
    }
}

static void ask_lanes(void)
{
    static struct lanes lanes;
    lanes = (struct lanes){.arena = world.arena, .done = lanes_done};
    MUST(lanes_send(&world.store, &lanes) == FAULT_NONE);
}

static void tasks_done(struct lane_page *page)
{
    world.answered++;
    for (size_t i = 0; i < page->count; i++) {
        see_bytes(page->tasks[i].body);
    }
}

static void ask_tasks(void)
{
    static struct lane_page page;
    page = (struct lane_page){.dest = "intake", .count_max = 16, .arena = world.arena, .done = tasks_done};
    MUST(lane_page_send(&world.store, &page) == FAULT_NONE);
}

static void timers_done(struct timers_due *due)
{
    world.answered++;
    for (size_t i = 0; due->fault == FAULT_NONE && i < due->count; i++) {
        see(due->timers[i].member);
        see(due->timers[i].name);
    }
}

static void ask_timers(void)
{
    static struct timers_due due;
    due = (struct timers_due){.count_max = 16, .arena = world.arena, .done = timers_done};
    MUST(timers_due_send(&world.store, &due) == FAULT_NONE);
}

static void state_done(struct delivery_state *state)
{
    world.answered++;
    for (size_t i = 0; i < state->parked_count; i++) {
        see(state->parked[i].tenant);
        see(state->parked[i].root);
    }
    for (size_t i = 0; i < state->letter_count; i++) {
        see(state->letters[i].root);
        see(state->letters[i].reason);
    }
}

static void ask_state(void)
{
    static struct delivery_state state;
    state = (struct delivery_state){.group = "planning", .letters_max = 8, .arena = world.arena, .done = state_done};
    MUST(delivery_state_send(&world.store, &state) == FAULT_NONE);
}

static void lease_done(void *user UNUSED, const struct lease_answer *answer)
{
    world.answered++;
    see(answer->owner);
}

static void scan_done(struct index_scan *scan)
{
    world.answered++;
    MUST(scan->fault != FAULT_NONE || scan->count <= scan->count_max);
    for (size_t i = 0; scan->fault == FAULT_NONE && i < scan->count; i++) {
        see(scan->entries[i].member);
        MUST(i == 0 || scan->entries[i - 1].sort <= scan->entries[i].sort);
    }
}

static void ask_scan(void)
{
    static struct index_scan scan;
    scan = (struct index_scan){.service = "intake",
        .index = "open",
        .group = "",
        .tenant = "demo",
        .max = INT64_MAX,
        .count_max = 16,
        .arena = world.arena,
        .done = scan_done};
    MUST(index_scan_send(&world.store, &scan) == FAULT_NONE);
}

static void commit_done(struct commit *commit)
{
    world.answered++;
    see(commit_outcome_word(commit->outcome));
    MUST(commit->outcome <= COMMIT_DUP || commit->why.text[0] != '\0');
    see_bytes(commit->answer);
}

/* Two commits of one call. */
static void ask_commit(void)
{
    static const struct commit_state STATE = {.kind = "case_file", .id = "000-a", .schema = 1};
    static const struct commit_event EVENT = {.subject = "intake.CaseClosed"};
    static struct commit commits[2];
    static struct commit *both[] = {&commits[0], &commits[1]};
    for (size_t i = 0; i < ARRAY_LENGTH(commits); i++) {
        commits[i] = (struct commit){.tenant = "demo",
            .service = "intake",
            .root = "000-a",
            .command_id = "command-1",
            .cause = "",
            .actor_id = "n1",
            .at_ms = 1,
            .state_count = 1,
            .states = &STATE,
            .event_count = 1,
            .events = &EVENT,
            .arena = world.arena,
            .done = commit_done};
    }
    MUST(commit_send_many(&world.store, both, ARRAY_LENGTH(both), NULL) == FAULT_NONE);
}

/* How many answers will come. */
static unsigned ask(unsigned which)
{
    switch (which) {
    case 0:
        ask_load(true);
        return 1;
    case 1:
        ask_load(false);
        return 1;
    case 2:
        ask_page();
        return 1;
    case 3:
        ask_walk();
        return 1;
    case 4:
        ask_lanes();
        return 1;
    case 5:
        ask_tasks();
        return 1;
    case 6:
        ask_timers();
        return 1;
    case 7:
        ask_state();
        return 1;
    case 8:
        MUST(lease_send(&world.store, 0, "broker-1", 1000, lease_done, NULL) == FAULT_NONE);
        return 1;
    case 9:
        ask_commit();
        return 2;
    default:
        ask_scan();
        return 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    unsigned which = input_byte(&input) % 11;
    bool scan = which == 10;
    connect_all();
    world.arena = fuzz_arena();
    world.answered = 0;
    unsigned expected = ask(which);
    for (size_t i = 0; i < (scan ? SCAN_REPLIES : 1); i++) {
        say(i % world.links, input);
    }
    disconnect_all();
    MUST(world.answered == expected);
    return 0;
}
