#include "services/cli/journey.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "common/contract/json.h"
#include "common/core/clock.h"
#include "common/core/hash.h"
#include "common/core/must.h"

const struct player NURSE = {CASEBUS__ROLE__ROLE_NURSE, "intake-desk"};
const struct player PATIENT = {CASEBUS__ROLE__ROLE_PATIENT, "patient"};
const struct player SCHEDULER = {CASEBUS__ROLE__ROLE_SCHEDULER, "scheduler"};
const struct player BILLER = {CASEBUS__ROLE__ROLE_BILLER, "biller"};

enum stage_end journey_broke(struct journey *j, int exit_status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    j->told = arena_vprintf(&j->cli->arena, format, args);
    j->exit_status = exit_status;
    va_end(args);
    return STAGE_BROKE;
}

const char *event_text(const struct happened *h, const char *field)
{
    const char *text = contract_string_field(h->event, field);
    return text ? text : "";
}

/* ---- Sending ---- */

/* The same command id whenever the same bundle comes to the same step. */
static const char *step_id(struct journey *j, const char *step)
{
    struct hash hash;
    uint8_t digest[HASH_SIZE];
    hash_init(&hash);
    hash_add_part(&hash, j->hash, strlen(j->hash));
    hash_add_part(&hash, step, strlen(step));
    hash_done(&hash, digest);
    char *id = arena_alloc(&j->cli->arena, ID_FRESH_SIZE);
    id_spell(id, digest);
    return id;
}

enum fault journey_send_message(struct journey *j, struct player player, const char *step, const char *subject,
    const ProtobufCMessage *body, struct answered *out)
{
    struct asked asked = {
        .subject = subject,
        .body = body,
        .id = step ? step_id(j, step) : NULL,
        .role = player.role,
        .actor_id = player.role == CASEBUS__ROLE__ROLE_NURSE && j->nurse_id ? j->nurse_id : player.id,
        .simulated = true,
        .patient = true,
        .timeout_ms = j->patience_ms,
    };
    return session_ask(j->cli, &asked, out);
}

/* Sends a command written as JSON. The case and referral of the journey are put in where the text says %s. */
enum fault journey_send(struct journey *j, struct player player, const char *step, const char *subject,
    const char *json, struct answered *out)
{
    const struct contract_message *type = contract_find_message(subject);
    ProtobufCMessage *body = NULL;
    MUST(type != NULL);
    if (json_cross(type, json, strlen(json), &j->cli->arena, &out->why, &body) != FAULT_NONE) {
        out->fault = FAULT_INVALID;
        return out->fault;
    }
    return journey_send_message(j, player, step, subject, body, out);
}

char *journey_print(struct journey *j, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(&j->cli->arena, format, args);
    va_end(args);
    return text;
}

/* Sends a step that must succeed. False after saying what broke. */
bool journey_sent(struct journey *j, struct player player, const char *step, const char *subject, const char *json)
{
    struct answered answered;
    if (journey_send(j, player, step, subject, json, &answered) == FAULT_NONE) {
        return true;
    }
    journey_broke(
        j, exit_status_of(answered.fault), "%s: %s: %s", subject, fault_word(answered.fault), answered.why.text);
    return false;
}

/* ---- Waiting ---- */

bool journey_wait(struct journey *j, const char *what, journey_test *is_there, void *context)
{
    int64_t until_ms = clock_monotonic_ms() + j->patience_ms;
    struct why why = {0};
    for (;;) {
        enum fault fault = history_read(j->cli, &j->history, &why);
        if (fault == FAULT_NONE && is_there(j, context)) {
            return true;
        }
        if (clock_monotonic_ms() >= until_ms) {
            journey_broke(j, EXIT_UNAVAILABLE, "waited %u s for %s%s%s", j->patience_ms / 1000, what, fault ? ": " : "",
                why.text);
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOOK_EVERY_MS * 1000000L}, NULL);
    }
}

struct wanted {
    const char *const *subjects;
    const struct happened *found;
};

static bool has_happened(const struct journey *j, void *context)
{
    struct wanted *wanted = context;
    for (const char *const *subject = wanted->subjects; !wanted->found && *subject; subject++) {
        wanted->found = history_find(&j->history, *subject, 0);
    }
    return wanted->found != NULL;
}

const struct happened *journey_wait_for(struct journey *j, const char *const *subjects)
{
    struct wanted wanted = {.subjects = subjects};
    journey_wait(j, subjects[0], has_happened, &wanted);
    return wanted.found;
}
