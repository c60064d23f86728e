#include "common/bus/link_core.h"

void link_init(struct link_core *core, int64_t now_ms)
{
    *core = (struct link_core){
        .state = LINK_GREETING,
        .heartbeat_ms = LINK_HEARTBEAT_MS,
        .backoff_ms = LINK_HELLO_MIN_MS,
        .hello_at_ms = now_ms,
        .heard_ms = now_ms,
        .said_ms = now_ms,
    };
}

bool link_may_ask(const struct link_core *core)
{
    return core->state == LINK_READY && !core->leaving && core->awaited < core->window;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static uint32_t twice_up_to(uint32_t value, uint32_t most)
{
    return value >= most / 2 ? most : value * 2;
}

static bool in_session(const struct link_core *core)
{
    return core->state == LINK_READY || core->state == LINK_DRAINING;
}

/* The session of a drain that nothing waits for any more. The broker says so with its own BYE; an interval without
 * anything in flight says it too, should the broker not. */
static bool drain_is_quiet(const struct link_core *core, int64_t now_ms)
{
    return core->owed == 0 && core->awaited == 0 && now_ms - core->bye_ms >= core->heartbeat_ms;
}

static void say(struct link_core *core, int64_t now_ms, enum verb verb, struct link_output *out)
{
    core->said_ms = now_ms;
    out->say = verb;
}

static void close_link(struct link_core *core, struct link_output *out)
{
    core->state = LINK_CLOSED;
    core->session = 0;
    out->event = LINK_DRAINED;
}

/* Says HELLO when it is time for one. */
static void greet(struct link_core *core, int64_t now_ms, struct link_output *out)
{
    if (now_ms < core->hello_at_ms) {
        return;
    }
    say(core, now_ms, VERB_HELLO, out);
    out->tag = ++core->hello_tag;
    core->hello_ms = now_ms;
    core->hello_at_ms = now_ms + core->backoff_ms;
    core->backoff_ms = twice_up_to(core->backoff_ms, LINK_HELLO_MAX_MS);
}

/* The session is over on this side. A link that was about to leave has left; any other greets again. */
static void lose(struct link_core *core, int64_t now_ms, struct link_output *out)
{
    if (core->state == LINK_DRAINING) {
        close_link(core, out);
        return;
    }
    core->state = LINK_GREETING;
    core->session = 0;
    core->leaving = false;
    core->awaited = 0;
    core->owed = 0;
    core->backoff_ms = LINK_HELLO_MIN_MS;
    core->hello_at_ms = later(now_ms, core->hello_ms + LINK_HELLO_MIN_MS);
    out->event = LINK_LOST;
    greet(core, now_ms, out);
}

static void tick(struct link_core *core, int64_t now_ms, struct link_output *out)
{
    if (core->state == LINK_GREETING) {
        greet(core, now_ms, out);
        return;
    }
    if (now_ms - core->heard_ms >= (int64_t)core->heartbeat_ms * LINK_SILENCE) {
        lose(core, now_ms, out);
    } else if (core->state == LINK_DRAINING && drain_is_quiet(core, now_ms)) {
        close_link(core, out);
    } else if (now_ms - core->said_ms >= core->heartbeat_ms) {
        say(core, now_ms, VERB_PING, out);
    }
}

static uint32_t heartbeat_of(uint32_t named_ms)
{
    if (named_ms == 0) {
        return LINK_HEARTBEAT_MS;
    }
    return named_ms < LINK_HEARTBEAT_MIN_MS   ? LINK_HEARTBEAT_MIN_MS
           : named_ms > LINK_HEARTBEAT_MAX_MS ? LINK_HEARTBEAT_MAX_MS
                                              : named_ms;
}

/* A WELCOME counts when it answers the latest HELLO; the session of an earlier one is dead at the broker already. */
static void hear_welcome(struct link_core *core, const struct link_input *input, struct link_output *out)
{
    if (core->state != LINK_GREETING || input->tag != core->hello_tag || input->session == 0) {
        return;
    }
    core->state = LINK_READY;
    core->session = input->session;
    core->heartbeat_ms = heartbeat_of(input->heartbeat_ms);
    core->window = input->window == 0 ? LINK_CREDITS : input->window;
    core->backoff_ms = LINK_HELLO_MIN_MS;
    out->event = LINK_UP;
}

static void hear_reset(struct link_core *core, int64_t now_ms, const struct link_input *input, struct link_output *out)
{
    if (in_session(core)) {
        lose(core, now_ms, out);
    } else if (input->status == STATUS_REFUSED) {
        core->backoff_ms = LINK_HELLO_MAX_MS;
        core->hello_at_ms = now_ms + LINK_HELLO_MAX_MS;
        out->event = LINK_REFUSED;
    }
    /* Any other RESET while greeting answers something said before the HELLO that is on its way. */
}

static void hear_bye(struct link_core *core, struct link_output *out)
{
    if (core->state == LINK_DRAINING) {
        close_link(core, out);
    } else if (!core->leaving) {
        core->leaving = true;
        out->event = LINK_LEAVING;
    }
}

static void hear_for_owner(struct link_core *core, enum verb verb, struct link_output *out)
{
    if (verb_asks(verb)) {
        core->owed++;
    } else if (verb_answers(verb) && core->awaited > 0) {
        core->awaited--;
    }
    out->event = LINK_RECORD;
}

static void hear_in_session(
    struct link_core *core, int64_t now_ms, const struct link_input *input, struct link_output *out)
{
    if (!in_session(core)) {
        return; /* Said to a session that is no more. */
    }
    if (input->verb == VERB_BYE) {
        hear_bye(core, out);
    } else if (input->verb == VERB_PING) {
        say(core, now_ms, VERB_PONG, out);
        out->tag = input->tag;
    } else if (input->verb == VERB_CREDIT) {
        core->window = input->tag > UINT32_MAX ? UINT32_MAX : (uint32_t)input->tag;
    } else if (input->verb != VERB_PONG && input->verb != VERB_HELLO) {
        hear_for_owner(core, input->verb, out);
    }
}

static void hear(struct link_core *core, int64_t now_ms, const struct link_input *input, struct link_output *out)
{
    core->heard_ms = now_ms;
    if (input->verb == VERB_WELCOME) {
        hear_welcome(core, input, out);
    } else if (input->verb == VERB_RESET) {
        hear_reset(core, now_ms, input, out);
    } else {
        hear_in_session(core, now_ms, input, out);
    }
}

static void said(struct link_core *core, int64_t now_ms, enum verb verb)
{
    core->said_ms = now_ms;
    if (verb_asks(verb)) {
        core->awaited++;
    } else if (verb_answers(verb) && core->owed > 0) {
        core->owed--;
    }
}

static void drain(struct link_core *core, int64_t now_ms, struct link_output *out)
{
    if (core->state == LINK_GREETING) {
        close_link(core, out);
    } else if (core->state == LINK_READY) {
        core->state = LINK_DRAINING;
        core->bye_ms = now_ms;
        say(core, now_ms, VERB_BYE, out);
    }
}

static int64_t wake_of(const struct link_core *core)
{
    if (core->state == LINK_CLOSED) {
        return INT64_MAX;
    }
    if (core->state == LINK_GREETING) {
        return core->hello_at_ms;
    }
    int64_t wake_ms =
        sooner(core->said_ms + core->heartbeat_ms, core->heard_ms + (int64_t)core->heartbeat_ms * LINK_SILENCE);
    bool may_close = core->state == LINK_DRAINING && core->owed == 0 && core->awaited == 0;
    return may_close ? sooner(wake_ms, core->bye_ms + core->heartbeat_ms) : wake_ms;
}

struct link_output link_step(struct link_core *core, int64_t now_ms, const struct link_input *input)
{
    struct link_output out = {.event = LINK_NOTHING, .say = VERB_NONE};
    if (core->state != LINK_CLOSED) {
        switch (input->kind) {
        case LINK_TICK:
            tick(core, now_ms, &out);
            break;
        case LINK_HEARD:
            hear(core, now_ms, input, &out);
            break;
        case LINK_SAID:
            said(core, now_ms, input->verb);
            break;
        case LINK_DRAIN:
            drain(core, now_ms, &out);
            break;
        }
    }
    out.wake_ms = wake_of(core);
    return out;
}
