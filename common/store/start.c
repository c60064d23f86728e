#include "common/store/start.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/core/clock.h"
#include "common/store/library.h"
#include "common/store/reply.h"

enum {
    ANSWER_MS = 1000, /* patience with one answer while waiting for Redis */
    PAUSE_MS = 50,
};

static void pause_ms(long ms)
{
    struct timespec pause = {0, ms * 1000000L};
    nanosleep(&pause, NULL);
}

/* Waits until the node has loaded its data. */
static enum fault wait_for(struct redis *redis, int64_t until_ms, struct why *why)
{
    char last[128] = "it does not answer";
    do {
        redisReply *reply = redis_ask_words(redis, ANSWER_MS, "PING", NULL);
        bool ready = reply != NULL && reply->type == REDIS_REPLY_STATUS;
        if (reply_is_error(reply)) {
            snprintf(last, sizeof last, "%s", reply->str);
        }
        freeReplyObject(reply);
        if (ready) {
            return FAULT_NONE;
        }
        pause_ms(PAUSE_MS);
    } while (clock_monotonic_ms() < until_ms);
    why_set(why, "could not reach redis at %s: %s", redis_address(redis), last);
    return FAULT_UNAVAILABLE;
}

struct setting {
    char value[64];
};

/* The value of a setting of Redis. */
static enum fault ask_setting(struct redis *redis, const char *name, struct setting *out, struct why *why)
{
    redisReply *reply = redis_ask_words(redis, REDIS_DEADLINE_MS, "CONFIG", "GET", name, NULL);
    bool answered = reply_is_array(reply, 2) && reply_is_string(reply->element[1]);
    if (answered) {
        snprintf(out->value, sizeof out->value, "%s", reply->element[1]->str);
    } else {
        why_set(why, "could not ask redis at %s for its setting %s: %.100s", redis_address(redis), name,
            reply_is_error(reply) ? reply->str : "no answer");
    }
    freeReplyObject(reply);
    return answered ? FAULT_NONE : FAULT_UNAVAILABLE;
}

struct demand {
    const char *setting;
    const char *value;
    bool forbidden; /* the setting must not have the value, rather than must have it */
    bool may_be_everysec;
    const char *because;
};

static const struct demand DEMANDS[] = {
    {"maxmemory-policy", "noeviction", false, false, "it would evict cases when memory is short; set it to noeviction"},
    {"maxmemory", "0", true, false, "without a limit it would be killed instead of refusing; set maxmemory"},
    {"appendonly", "yes", false, false, "a restart would lose what was acknowledged; set it to yes"},
    {"appendfsync", "always", false, true, "a power cut would lose what was acknowledged; set it to always"},
};

static enum fault check_demand(
    struct redis *redis, const struct demand *demand, const struct start_settings *settings, struct why *why)
{
    struct setting setting;
    enum fault fault = ask_setting(redis, demand->setting, &setting, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    bool equal = strcmp(setting.value, demand->value) == 0;
    bool excused = demand->may_be_everysec && settings->allow_everysec && strcmp(setting.value, "everysec") == 0;
    if (equal != demand->forbidden || excused) {
        return FAULT_NONE;
    }
    why_set(why, "cannot use redis at %s with %s %s: %s", redis_address(redis), demand->setting, setting.value,
        demand->because);
    return FAULT_REFUSED;
}

static enum fault check_node(struct redis *redis, const struct start_settings *settings, struct why *why)
{
    enum fault fault = wait_for(redis, clock_monotonic_ms() + settings->timeout_ms, why);
    for (size_t i = 0; fault == FAULT_NONE && i < sizeof DEMANDS / sizeof DEMANDS[0]; i++) {
        fault = check_demand(redis, &DEMANDS[i], settings, why);
    }
    return fault != FAULT_NONE ? fault : library_require(redis, REDIS_DEADLINE_MS, why);
}

enum fault start_check(struct store *store, const struct start_settings *settings, struct why *why)
{
    enum fault fault = FAULT_NONE;
    for (size_t i = 0; fault == FAULT_NONE && i < shards_count(store->shards); i++) {
        fault = check_node(shards_at(store->shards, i), settings, why);
    }
    return fault;
}
