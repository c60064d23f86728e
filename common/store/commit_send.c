#include "common/store/commit_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/must.h"
#include "common/store/body.h"
#include "common/store/library.h"
#include "common/store/reply.h"

static void on_answer(void *user, const redisReply *reply);

const char *commit_outcome_word(enum commit_outcome outcome)
{
    static const char *const WORDS[] = {
        [COMMIT_COMMITTED] = "COMMITTED",
        [COMMIT_DUP] = "DUP",
        [COMMIT_CONFLICT] = "CONFLICT",
        [COMMIT_STALE] = "STALE",
        [COMMIT_APPLIED] = "APPLIED",
        [COMMIT_UNKNOWN] = "UNKNOWN",
        [COMMIT_OVERLOADED] = "OVERLOADED",
        [COMMIT_UNAVAILABLE] = "UNAVAILABLE",
    };
    return WORDS[outcome];
}

static void tally(struct store_counts *counts, enum commit_outcome outcome)
{
    switch (outcome) {
    case COMMIT_COMMITTED:
        counts->committed++;
        break;
    case COMMIT_DUP:
        counts->duplicates++;
        break;
    case COMMIT_CONFLICT:
        counts->conflicts++;
        break;
    case COMMIT_STALE:
        counts->stale++;
        break;
    case COMMIT_APPLIED:
        counts->applied++;
        break;
    case COMMIT_UNKNOWN:
        counts->unknown++;
        break;
    case COMMIT_OVERLOADED:
        counts->overloaded++;
        break;
    case COMMIT_UNAVAILABLE:
        counts->unavailable++;
        break;
    }
}

/* Ends a commit. After this it is the caller's again, and may be gone. */
static void finish(struct commit *commit, enum commit_outcome outcome)
{
    commit->outcome = outcome;
    tally(&commit->build->store->counts, outcome);
    commit->done(commit);
}

static void finish_all(struct commit *first, enum commit_outcome outcome, const char *sentence)
{
    for (struct commit *commit = first, *next; commit != NULL; commit = next) {
        next = commit->build->next;
        why_set(&commit->why, "%s", sentence);
        finish(commit, outcome);
    }
}

/* ---- answers to one commit ---- */

/* C<stream id> */
static void committed(struct commit *commit, struct bytes answer)
{
    struct commit_build *build = commit->build;
    commit->root_after = build->root;
    commit->stamps = ARENA_ARRAY(commit->arena, struct stamp, commit->state_count);
    if (build->has_record) {
        stream_id_parse((const char *)answer.at, answer.size, &commit->root_after.last);
        commit->root_after.sequence++;
        memcpy(commit->root_after.head, build->record_id, RECORD_ID_SIZE);
    }
    for (size_t i = 0; i < commit->state_count; i++) {
        commit->stamps[i].version = commit->states[i].expected.version + 1;
        memcpy(commit->stamps[i].record_id, build->record_id, RECORD_ID_SIZE);
    }
    finish(commit, COMMIT_COMMITTED);
}

/* D<idempotency record> */
static void duplicate(struct commit *commit, struct bytes answer)
{
    struct store *store = commit->build->store;
    struct remembered remembered;
    enum fault fault = remembered_open(
        store->keys, commit->tenant, commit->command_id, answer, commit->arena, &remembered, &commit->why);
    if (fault != FAULT_NONE) {
        store->counts.corrupt += fault == FAULT_INTERNAL;
        finish(commit, COMMIT_UNAVAILABLE);
        return;
    }
    commit->answer = remembered.reply;
    commit->answer_sequence = remembered.sequence;
    finish(commit, COMMIT_DUP);
}

/* S<n> */
static void stale(struct commit *commit, struct bytes answer)
{
    size_t n = (size_t)strtoul((const char *)answer.at, NULL, 10);
    size_t guard = n - commit->state_count;
    if (n < commit->state_count) {
        why_set(&commit->why, "%s %s was changed meanwhile", commit->states[n].kind, commit->states[n].id);
    } else if (guard < commit->guard_count) {
        why_set(&commit->why, "%s %s was changed meanwhile", commit->guards[guard].kind, commit->guards[guard].id);
    } else {
        why_set(&commit->why, "something that root %s relied on was changed meanwhile", commit->root);
    }
    finish(commit, COMMIT_STALE);
}

/* Reads <head><sequence> <stream id>. */
static bool read_moved(struct bytes answer, struct root_state *out)
{
    if (answer.size <= RECORD_ID_SIZE) {
        return false;
    }
    memcpy(out->head, answer.at, RECORD_ID_SIZE);
    const char *text = (const char *)answer.at + RECORD_ID_SIZE;
    char *space = NULL;
    out->sequence = strtoull(text, &space, 10);
    size_t used = (size_t)(space - (const char *)answer.at);
    return *space == ' ' && stream_id_parse(space + 1, answer.size - used - 1, &out->last);
}

/* The root moved on while everything that was decided on stands: the record is chained anew, nothing is decided anew. A
 * root that is gone altogether is for the caller to load again. */
static void rechain(struct commit *commit, struct bytes answer)
{
    struct commit_build *build = commit->build;
    struct root_state now;
    if (!read_moved(answer, &now) || now.sequence == 0 || build->rehashed == COMMIT_REHASH_MAX) {
        why_set(&commit->why, "root %s moved on %u times meanwhile", commit->root, build->rehashed + 1);
        finish(commit, COMMIT_STALE);
        return;
    }
    build->rehashed++;
    build->store->counts.rehashed++;
    build->next = NULL;
    enum fault fault = commit_chain(commit, &now, &commit->why);
    if (fault == FAULT_NONE) {
        fault = commit_write(shard_of(build->store->shards, commit->partition), commit, on_answer);
    }
    if (fault != FAULT_NONE) {
        why_set(&commit->why, "could not send the commit again after root %s had moved on", commit->root);
        finish(commit, fault == FAULT_OVERLOADED ? COMMIT_OVERLOADED : COMMIT_UNAVAILABLE);
    }
}

static void answer_one(struct commit *commit, const redisReply *reply)
{
    if (!reply_is_string(reply) || reply->len == 0) {
        why_set(&commit->why, "redis answered what no commit function answers");
        finish(commit, COMMIT_UNKNOWN);
        return;
    }
    struct bytes rest = bytes_of(reply->str + 1, reply->len - 1);
    switch (reply->str[0]) {
    case 'C':
        committed(commit, rest);
        return;
    case 'D':
        duplicate(commit, rest);
        return;
    case 'X':
        why_set(&commit->why, "command %s came before with other content", commit->command_id);
        finish(commit, COMMIT_CONFLICT);
        return;
    case 'A':
        why_set(&commit->why, "what it handles was handled before");
        finish(commit, COMMIT_APPLIED);
        return;
    case 'S':
        stale(commit, rest);
        return;
    case 'M':
        rechain(commit, rest);
        return;
    default:
        why_set(&commit->why, "redis answered what no commit function answers");
        finish(commit, COMMIT_UNKNOWN);
        return;
    }
}

/* ---- answers to the call ---- */

/* Errors that Redis gives before it runs a function. After any other nobody knows what was written. */
static bool is_refused_before(const redisReply *reply)
{
    static const char *const WORDS[] = {"LOADING", "BUSY", "READONLY", "NOREPLICAS", "MISCONF", "MASTERDOWN",
        "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "NOAUTH", "NOPERM"};
    for (size_t i = 0; i < ARRAY_LENGTH(WORDS); i++) {
        if (reply_is_fault(reply, WORDS[i])) {
            return true;
        }
    }
    return library_is_missing(reply);
}

/* A node that lost its functions gets them again, with the call right behind. Once. */
static bool send_with_library(struct commit *first)
{
    struct store *store = first->build->store;
    struct redis *redis = shard_of(store->shards, first->partition);
    if (first->build->loaded_library || library_send(redis) != FAULT_NONE) {
        return false;
    }
    store->counts.library_loads++;
    first->build->loaded_library = true;
    return commit_write(redis, first, on_answer) == FAULT_NONE;
}

static void on_error(struct commit *first, const redisReply *reply)
{
    if (library_is_missing(reply) && send_with_library(first)) {
        return;
    }
    if (reply_is_fault(reply, "OOM")) {
        finish_all(first, COMMIT_OVERLOADED, "redis is at its memory limit");
    } else {
        char sentence[WHY_SIZE];
        snprintf(sentence, sizeof sentence, "redis answered: %.200s", reply->str);
        finish_all(first, is_refused_before(reply) ? COMMIT_UNAVAILABLE : COMMIT_UNKNOWN, sentence);
    }
}

static void on_answer(void *user, const redisReply *reply)
{
    struct commit *first = user;
    if (reply == NULL) {
        finish_all(first, COMMIT_UNKNOWN, "the connection to redis was lost before the answer");
        return;
    }
    if (reply_is_error(reply)) {
        on_error(first, reply);
        return;
    }
    if (reply->type != REDIS_REPLY_ARRAY && first->build->next == NULL) {
        answer_one(first, reply);
        return;
    }
    size_t i = 0; /* What is no list answers none of several: each is unknown. */
    for (struct commit *commit = first, *next; commit != NULL; commit = next) {
        next = commit->build->next;
        answer_one(commit, i < reply->elements ? reply->element[i++] : NULL);
    }
}

/* ---- sending ---- */

enum fault commit_send(struct store *store, struct commit *commit, struct why *why)
{
    return commit_send_many(store, &commit, 1, why);
}

enum fault commit_send_many(struct store *store, struct commit *const *commits, size_t count, struct why *why)
{
    MUST(count > 0 && count <= COMMIT_BATCH_MAX);
    for (size_t i = 0; i < count; i++) {
        MUST(commits[i]->partition == commits[0]->partition);
        enum fault fault = commit_prepare(store, commits[i], why);
        if (fault != FAULT_NONE) {
            return fault;
        }
        if (i > 0) {
            commits[i - 1]->build->next = commits[i];
        }
    }
    enum fault fault = commit_write(shard_of(store->shards, commits[0]->partition), commits[0], on_answer);
    if (fault == FAULT_NONE) {
        store->counts.commits += count;
    } else {
        why_set(why, "could not send to redis: %s", fault == FAULT_OVERLOADED ? "the pipeline is full" : "it is down");
    }
    return fault;
}
