#include "tests/bench/bare.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/clock.h"
#include "common/core/hash.h"
#include "common/core/id.h"
#include "common/core/must.h"
#include "common/store/commit.h"
#include "common/store/start.h"
#include "common/store/store.h"
#include "proto/envelope.pb-c.h"
#include "tests/bench/figures.h"
#include "tests/bench/shape.h"

enum {
    BODY_MAX = 2048,
    START_MS = 20000,
    LINKS_MAX = 16,
};

static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

struct slot {
    struct bare *bare;
    struct commit commit;
    struct commit_state states[2];
    struct commit_event event;
    struct arena arena;
    char case_id[ID_SIZE], appointment_id[ID_FRESH_SIZE], command_id[ID_FRESH_SIZE];
    uint8_t appointment[BODY_MAX], agenda[BODY_MAX], proposed[BODY_MAX], reply[2 * BODY_MAX];
    bool idle;
};

struct bare {
    struct store store;
    struct keys *keys;
    struct slot *slots;
    size_t depth;
    size_t begun, done;
};

static void on_commit(struct commit *commit)
{
    struct slot *slot = commit->user;
    if (commit->outcome != COMMIT_COMMITTED) {
        give_up(commit_outcome_word(commit->outcome), commit->why.text);
    }
    slot->idle = true;
    slot->bare->done++;
}

static void fill_states(struct slot *slot)
{
    Scheduling__ProposeAppointment command;
    propose_fill(&command, slot->case_id);
    Scheduling__Appointment appointment = SCHEDULING__APPOINTMENT__INIT;
    appointment.appointment_id = slot->appointment_id;
    appointment.case_id = slot->case_id;
    appointment.has_state = appointment.has_kind = appointment.has_minutes = appointment.has_due_at_ms = 1;
    appointment.state = SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_PROPOSED;
    appointment.kind = command.kind;
    appointment.title = command.title;
    appointment.specialty = command.specialty;
    appointment.minutes = command.minutes;
    appointment.due_at_ms = command.due_at_ms;
    const char *ids[] = {slot->appointment_id};
    Scheduling__Agenda agenda = SCHEDULING__AGENDA__INIT;
    agenda.case_id = slot->case_id;
    agenda.n_appointment_ids = 1;
    agenda.appointment_ids = ids;
    Scheduling__AppointmentProposed event = SCHEDULING__APPOINTMENT_PROPOSED__INIT;
    event.case_id = slot->case_id;
    event.appointment_id = slot->appointment_id;
    event.title = command.title;
    event.has_due_at_ms = 1;
    event.due_at_ms = command.due_at_ms;
    slot->states[0] = (struct commit_state){.kind = "appointment",
        .id = slot->appointment_id,
        .schema = 1,
        .body = bytes_of(slot->appointment, scheduling__appointment__pack(&appointment, slot->appointment))};
    slot->states[1] = (struct commit_state){.kind = "agenda",
        .id = slot->case_id,
        .schema = 1,
        .body = bytes_of(slot->agenda, scheduling__agenda__pack(&agenda, slot->agenda))};
    slot->event = (struct commit_event){"scheduling.AppointmentProposed",
        bytes_of(slot->proposed, scheduling__appointment_proposed__pack(&event, slot->proposed))};
}

/* What the runtime keeps for a repeated command: the outcome, then the body. */
static struct bytes fill_reply(struct slot *slot)
{
    Casebus__Outcome outcome = CASEBUS__OUTCOME__INIT;
    outcome.root = slot->case_id;
    outcome.key = slot->appointment_id;
    outcome.has_version = outcome.has_committed_at_ms = 1;
    outcome.version = 1;
    outcome.committed_at_ms = slot->commit.at_ms;
    outcome.durability = "always";
    outcome.body_type = "casebus.scheduling.v1.Appointment";
    size_t size = 4 + casebus__outcome__pack(&outcome, slot->reply + 4);
    memset(slot->reply, 0, 4);
    memcpy(slot->reply + size, slot->appointment, slot->states[0].body.size);
    return bytes_of(slot->reply, size + slot->states[0].body.size);
}

static void begin(struct slot *slot)
{
    arena_reset(&slot->arena);
    propose_case_id(slot->case_id);
    uint8_t digest[HASH_SIZE];
    hash_bytes(digest, slot->case_id, strlen(slot->case_id));
    id_spell(slot->command_id, digest);
    id_fresh(slot->appointment_id, slot->command_id, 1);
    fill_states(slot);
    slot->commit = (struct commit){
        .partition = partition_of("demo", slot->case_id),
        .tenant = "demo",
        .service = "scheduling",
        .root = slot->case_id,
        .command_id = slot->command_id,
        .cause = "",
        .actor_id = "bench",
        .actor_role = CASEBUS__ROLE__ROLE_SCHEDULER,
        .at_ms = clock_wall_ms(),
        .schema = 1,
        .state_count = 2,
        .states = slot->states,
        .event_count = 1,
        .events = &slot->event,
        .arena = &slot->arena,
        .done = on_commit,
        .user = slot,
    };
    memcpy(slot->commit.fingerprint, digest, sizeof slot->commit.fingerprint);
    slot->commit.reply = fill_reply(slot);
    slot->idle = false;
}

static void fill(struct bare *bare, size_t goal)
{
    struct why why = {""};
    for (size_t i = 0; i < bare->depth && bare->begun < goal; i++) {
        if (!bare->slots[i].idle) {
            continue;
        }
        begin(&bare->slots[i]);
        bare->begun++;
        if (commit_send(&bare->store, &bare->slots[i].commit, &why) != FAULT_NONE) {
            give_up("commit", why.text);
        }
    }
}

static void turn(struct bare *bare)
{
    struct pollfd pollers[LINKS_MAX];
    struct shards *shards = bare->store.shards;
    size_t count = shards_count(shards);
    MUST(count <= LINKS_MAX);
    store_tick(&bare->store, clock_monotonic_ms());
    store_flush(&bare->store);
    for (size_t i = 0; i < count; i++) {
        struct redis *redis = shards_at(shards, i);
        pollers[i] = (struct pollfd){redis_fd(redis), (short)(POLLIN | (redis_wants_write(redis) ? POLLOUT : 0)), 0};
    }
    poll(pollers, count, 1000);
    for (size_t i = 0; i < count; i++) {
        if (pollers[i].revents & POLLOUT) {
            redis_on_writable(shards_at(shards, i));
        }
        if (pollers[i].revents & POLLIN) {
            redis_on_readable(shards_at(shards, i));
        }
    }
}

struct bare *bare_new(const char *address, const char *keys_folder, size_t depth)
{
    struct bare *bare = calloc(1, sizeof *bare);
    struct why why = {""};
    struct start_settings settings = {.timeout_ms = START_MS};
    MUST(bare != NULL);
    if (keys_open(keys_folder, (const char *const[]){"demo"}, 1, &bare->keys, &why) != FAULT_NONE ||
        store_init(&bare->store, address, bare->keys, &why) != FAULT_NONE ||
        start_check(&bare->store, &settings, &why) != FAULT_NONE) {
        give_up(address, why.text);
    }
    bare->depth = depth;
    bare->slots = calloc(depth, sizeof *bare->slots);
    MUST(bare->slots != NULL);
    for (size_t i = 0; i < depth; i++) {
        bare->slots[i].bare = bare;
        bare->slots[i].idle = true;
        arena_init(&bare->slots[i].arena, 0);
    }
    return bare;
}

void bare_free(struct bare **bare)
{
    for (size_t i = 0; i < (*bare)->depth; i++) {
        arena_done(&(*bare)->slots[i].arena);
    }
    store_done(&(*bare)->store);
    keys_close(&(*bare)->keys);
    free((*bare)->slots);
    free(*bare);
    *bare = NULL;
}

double bare_run(struct bare *bare, size_t count)
{
    double from = seconds_now();
    size_t goal = bare->done + count;
    bare->begun = bare->done;
    while (bare->done < goal) {
        fill(bare, goal);
        turn(bare);
    }
    return (double)count / (seconds_now() - from);
}
