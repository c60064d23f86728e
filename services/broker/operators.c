#include "services/broker/operators.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/contract/contract.h"
#include "common/contract/guard.h"
#include "common/core/arena.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/store/delivery.h"
#include "proto/envelope.pb-c.h"
#include "proto/broker.pb-c.h"

enum { FRAME_BODY_MAX = 1 << 19, LETTERS_MAX = 256, LETTERS_SHOWN_MAX = 4096, ARENA_MAX = 32 << 20 };

enum act { ACT_STATUS, ACT_LIST, ACT_RETRY, ACT_SKIP };

static const struct {
    const char *subject;
    enum act act;
} ACTS[] = {
    {"broker.ReadStatus", ACT_STATUS},
    {"broker.ListDead", ACT_LIST},
    {"broker.RetryDead", ACT_RETRY},
    {"broker.SkipDead", ACT_SKIP},
};

struct operators {
    struct store *store;
    struct broker *broker;
    const struct actor_trust *trust;
    struct actor_memory signers;
    int64_t wall_ms;
    unsigned under_way;
};

/* One question under way. Everything it needs lies in its arena. */
struct inquiry {
    struct operators *operators;
    uint64_t ticket;
    enum act act;
    struct arena arena;
    const char *group; /* asked for; NULL: all */
    uint32_t limit;
    struct delivery_state *states;
    unsigned state_count, waiting;
    struct stream_id letter;         /* RETRY, SKIP */
    const struct dead_letter *found; /* the same */
    bool failed;
};

struct operators *operators_new(struct store *store, struct broker *broker, const struct actor_trust *trust)
{
    struct operators *operators = calloc(1, sizeof *operators);
    MUST(operators);
    operators->store = store;
    operators->broker = broker;
    operators->trust = trust;
    return operators;
}

void operators_free(struct operators **operators)
{
    free(*operators);
    *operators = NULL;
}

static void inquiry_end(struct inquiry *inquiry)
{
    inquiry->operators->under_way--;
    arena_done(&inquiry->arena);
    free(inquiry);
}

static void refuse(struct inquiry *inquiry, enum fault fault, const char *why)
{
    enum status status = fault_status(fault) == FAULT_UNAVAILABLE ? STATUS_UNAVAILABLE : STATUS_REFUSED;
    broker_answer(inquiry->operators->broker, inquiry->ticket, status, fault_word(fault), why, NULL, NULL, 0);
    inquiry_end(inquiry);
}

static void answer(struct inquiry *inquiry, const ProtobufCMessage *message)
{
    struct packed packed = contract_pack(message, &inquiry->arena);
    if (packed.size > FRAME_BODY_MAX) {
        refuse(inquiry, FAULT_REFUSED, "the answer is larger than a frame: ask for one group, or for fewer");
        return;
    }
    broker_answer(inquiry->operators->broker, inquiry->ticket, STATUS_OK, NULL, NULL,
        contract_of(message->descriptor)->name, packed.data, (uint32_t)packed.size);
    inquiry_end(inquiry);
}

/* A letter's reason is a word, and the event that it is about. */
static const char *reason_words(const char *reason)
{
    return strncmp(reason, "LINKS_LOST", strlen("LINKS_LOST")) == 0
               ? "two links were lost while it was being handled: it may be what ends the service, see the service's log"
               : "it was not handled at any attempt; the service's log says why";
}

static const char *reason_subject(const char *reason)
{
    const char *space = strchr(reason, ' ');
    return space ? space + 1 : NULL;
}

static Broker__DeadLetter *show_letter(
    struct arena *arena, const struct delivery_state *state, const struct dead_letter *letter)
{
    char id[STREAM_ID_TEXT_SIZE];
    Broker__DeadLetter *shown = ARENA_NEW(arena, Broker__DeadLetter);
    broker__dead_letter__init(shown);
    stream_id_format(letter->id, id);
    shown->id = arena_printf(arena, "%u/%s/%s", state->partition, state->group, id);
    shown->group = state->group;
    shown->tenant = letter->tenant;
    shown->root = letter->root;
    shown->subjects = reason_subject(letter->reason);
    shown->why = reason_words(letter->reason);
    shown->has_sequence = shown->has_attempts = shown->has_at_ms = true;
    shown->sequence = letter->sequence;
    shown->attempts = (uint32_t)letter->attempts + 1; /* The one that ended it was not written down. */
    shown->at_ms = letter->at_ms;
    return shown;
}

static void answer_letters(struct inquiry *inquiry)
{
    Broker__DeadLetters letters = BROKER__DEAD_LETTERS__INIT;
    letters.letters = ARENA_ARRAY(&inquiry->arena, Broker__DeadLetter *, LETTERS_SHOWN_MAX);
    for (unsigned i = 0; i < inquiry->state_count; i++) {
        const struct delivery_state *state = &inquiry->states[i];
        for (size_t j = 0; j < state->letter_count && letters.n_letters < inquiry->limit; j++) {
            letters.letters[letters.n_letters++] = show_letter(&inquiry->arena, state, &state->letters[j]);
        }
    }
    answer(inquiry, &letters.base);
}

static void answer_status(struct inquiry *inquiry)
{
    Broker__Status status = BROKER__STATUS__INIT;
    broker_status(inquiry->operators->broker, &inquiry->arena, &status);
    for (size_t g = 0; g < status.n_groups; g++) {
        status.groups[g]->has_dead = true;
        for (unsigned i = 0; i < inquiry->state_count; i++) {
            bool same = strcmp(inquiry->states[i].group, status.groups[g]->group) == 0;
            status.groups[g]->dead += same ? (uint32_t)inquiry->states[i].parked_count : 0;
        }
    }
    answer(inquiry, &status.base);
}

static void on_acted(void *user, enum delivery_outcome outcome)
{
    struct inquiry *inquiry = user;
    const struct delivery_state *state = &inquiry->states[0];
    const struct dead_letter *letter = inquiry->found;
    if (outcome == DELIVERY_GONE) {
        refuse(inquiry, FAULT_NOT_FOUND, "its root is not parked any more");
        return;
    }
    if (outcome != DELIVERY_DONE) {
        refuse(inquiry, FAULT_UNAVAILABLE, "the store cannot be reached");
        return;
    }
    struct kept_parked parked = {
        letter->tenant, letter->root, letter->at, letter->sequence + (inquiry->act == ACT_SKIP), true};
    broker_unpark(inquiry->operators->broker, state->partition, state->group, &parked);
    Broker__DeadLetters letters = BROKER__DEAD_LETTERS__INIT;
    Broker__DeadLetter *shown[] = {show_letter(&inquiry->arena, state, letter)};
    letters.letters = shown;
    letters.n_letters = 1;
    answer(inquiry, &letters.base);
}

static void act(struct inquiry *inquiry)
{
    const struct delivery_state *state = &inquiry->states[0];
    for (size_t i = 0; i < state->letter_count; i++) {
        if (stream_id_compare(state->letters[i].id, inquiry->letter) == 0) {
            inquiry->found = &state->letters[i];
        }
    }
    if (!inquiry->found) {
        refuse(inquiry, FAULT_NOT_FOUND, "there is no such dead letter");
        return;
    }
    const struct dead_letter *letter = inquiry->found;
    struct delivery_record record = {state->group, letter->tenant, letter->root, letter->sequence, letter->at};
    enum fault fault =
        inquiry->act == ACT_SKIP
            ? dead_skip_send(inquiry->operators->store, state->partition, &record, letter->id, on_acted, inquiry)
            : dead_retry_send(inquiry->operators->store, state->partition, &record, letter->id, on_acted, inquiry);
    if (fault != FAULT_NONE) {
        refuse(inquiry, fault, "the store cannot be reached");
    }
}

static void inquiry_complete(struct inquiry *inquiry)
{
    if (inquiry->failed && inquiry->act != ACT_STATUS) {
        refuse(inquiry, FAULT_UNAVAILABLE, "the store cannot be reached");
    } else if (inquiry->act == ACT_STATUS) {
        answer_status(inquiry);
    } else if (inquiry->act == ACT_LIST) {
        answer_letters(inquiry);
    } else {
        act(inquiry);
    }
}

static void on_state(struct delivery_state *state)
{
    struct inquiry *inquiry = state->user;
    inquiry->failed |= state->fault == FAULT_UNAVAILABLE;
    if (--inquiry->waiting == 0) {
        inquiry_complete(inquiry);
    }
}

static void send_states(struct inquiry *inquiry)
{
    inquiry->waiting = 1; /* Ours, so that no answer completes it before all are sent. */
    for (unsigned i = 0; i < inquiry->state_count; i++) {
        if (delivery_state_send(inquiry->operators->store, &inquiry->states[i]) == FAULT_NONE) {
            inquiry->waiting++;
        } else {
            inquiry->failed = true;
        }
    }
    if (--inquiry->waiting == 0) {
        inquiry_complete(inquiry);
    }
}

static void want_state(struct inquiry *inquiry, uint32_t partition, const char *group)
{
    inquiry->states[inquiry->state_count++] = (struct delivery_state){.partition = partition,
        .group = group,
        .letters_max = inquiry->act == ACT_STATUS ? 0 : LETTERS_MAX,
        .arena = &inquiry->arena,
        .done = on_state,
        .user = inquiry};
}

static void want_everything(struct inquiry *inquiry)
{
    Broker__Status status = BROKER__STATUS__INIT;
    broker_status(inquiry->operators->broker, &inquiry->arena, &status);
    inquiry->states = ARENA_ARRAY(&inquiry->arena, struct delivery_state, (status.n_groups + 1) * BROKER_PARTITIONS);
    for (size_t g = 0; g < status.n_groups; g++) {
        for (uint32_t p = 0; p < BROKER_PARTITIONS; p++) {
            if (str_is_empty(inquiry->group) || strcmp(inquiry->group, status.groups[g]->group) == 0) {
                want_state(inquiry, p, arena_strdup(&inquiry->arena, status.groups[g]->group));
            }
        }
    }
}

/* `<partition>/<group>/<stream id>` */
static bool want_letter(struct inquiry *inquiry, const char *id)
{
    struct slice rest = slice_of(id), partition, group, letter;
    uint64_t number;
    if (!slice_take_field(&rest, '/', &partition) || !slice_take_field(&rest, '/', &group) ||
        !slice_take_field(&rest, '/', &letter) || !slice_parse_uint(partition, BROKER_PARTITIONS - 1, &number) ||
        !stream_id_parse(letter.at, letter.size, &inquiry->letter)) {
        return false;
    }
    inquiry->states = ARENA_ARRAY(&inquiry->arena, struct delivery_state, 1);
    want_state(inquiry, (uint32_t)number, arena_strndup(&inquiry->arena, group.at, group.size));
    return true;
}

/* The state of the queues is for everybody whose role it is; dead letters name cases, and to skip one is to lose what it says: for
 * those a trusted signer has to say who it is. */
static enum fault authorise(
    struct inquiry *inquiry, const Casebus__Envelope *envelope, const struct contract_query *query, struct why *why)
{
    struct operators *operators = inquiry->operators;
    if (!contract_role_in(query->roles, (int)envelope->actor_role)) {
        why_set(why, "the actor's role does not allow it");
        return FAULT_FORBIDDEN;
    }
    enum actor_verdict verdict =
        inquiry->act == ACT_STATUS ? ACTOR_GENUINE
                                   : actor_verify(operators->trust, &operators->signers, envelope, operators->wall_ms);
    if (verdict != ACTOR_GENUINE) {
        why_set(why, "the actor %s", actor_verdict_text(verdict));
        return FAULT_FORBIDDEN;
    }
    return FAULT_NONE;
}

static enum fault read_question(struct inquiry *inquiry, const struct broker_question *question,
    const struct contract_query *query, struct why *why)
{
    ProtobufCMessage *envelope, *body;
    enum fault fault = contract_unpack(&casebus__envelope__descriptor, question->envelope, question->envelope_size,
        &CROSSING_EVENT, &inquiry->arena, why, &envelope);
    if (fault == FAULT_NONE) {
        fault = authorise(inquiry, (const Casebus__Envelope *)envelope, query, why);
    }
    if (fault != FAULT_NONE) {
        return fault;
    }
    if (inquiry->act == ACT_STATUS) {
        return FAULT_NONE;
    }
    if (question->sealed) {
        why_set(why, "a broker has no key: its questions travel clear");
        return FAULT_INVALID;
    }
    fault = contract_unpack(
        query->message->descriptor, question->body, question->body_size, &CROSSING_CALL, &inquiry->arena, why, &body);
    if (fault != FAULT_NONE) {
        return fault;
    }
    if (inquiry->act == ACT_LIST) {
        const Broker__ListDead *list = (const Broker__ListDead *)body;
        inquiry->group = list->group;
        inquiry->limit = list->has_limit && list->limit < LETTERS_SHOWN_MAX ? list->limit : LETTERS_SHOWN_MAX;
    } else if (!want_letter(inquiry, contract_string_field(body, "id"))) {
        why_set(why, "id is not <partition>/<group>/<letter>");
        return FAULT_INVALID;
    }
    return FAULT_NONE;
}

static void begin(struct operators *operators, const struct broker_question *question)
{
    struct inquiry *inquiry = calloc(1, sizeof *inquiry);
    struct why why;
    size_t row = 0;
    MUST(inquiry);
    inquiry->operators = operators;
    inquiry->ticket = question->ticket;
    arena_init(&inquiry->arena, ARENA_MAX);
    operators->under_way++;
    while (row < ARRAY_LENGTH(ACTS) && strcmp(ACTS[row].subject, question->subject) != 0) {
        row++;
    }
    if (row == ARRAY_LENGTH(ACTS)) {
        refuse(inquiry, FAULT_INVALID, "a broker knows no such question");
        return;
    }
    inquiry->act = ACTS[row].act;
    enum fault fault = read_question(inquiry, question, contract_find_query(ACTS[row].subject), &why);
    if (fault != FAULT_NONE) {
        refuse(inquiry, fault, why.text);
        return;
    }
    if (!inquiry->states) {
        want_everything(inquiry);
    }
    send_states(inquiry);
}

void operators_turn(struct operators *operators, int64_t wall_ms)
{
    operators->wall_ms = wall_ms;
    struct broker_question question;
    while (broker_question(operators->broker, &question)) {
        begin(operators, &question);
    }
}
