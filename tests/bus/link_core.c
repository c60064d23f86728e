/* The rules of a link, as scripts in virtual time: what comes in at which millisecond, and what the link does about it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/bus/link_core.h"

#define LINES_MAX 16

/* One line: at `at_ms` this happens; then the link has said `say`, told `event`, stands in `state` and wakes at
 * `wake_ms`. */
struct line {
    int64_t at_ms;
    struct link_input input;
    enum verb say;
    enum link_event event;
    enum link_state state;
    int64_t wake_ms;
};

#define TICK                                                                                                           \
    {                                                                                                                  \
        .kind = LINK_TICK                                                                                              \
    }
#define HEARD(...)                                                                                                     \
    {                                                                                                                  \
        .kind = LINK_HEARD, __VA_ARGS__                                                                                \
    }
#define SAID(verb_)                                                                                                    \
    {                                                                                                                  \
        .kind = LINK_SAID, .verb = VERB_##verb_                                                                        \
    }
#define DRAIN                                                                                                          \
    {                                                                                                                  \
        .kind = LINK_DRAIN                                                                                             \
    }
#define WELCOMED(tag_)    HEARD(.verb = VERB_WELCOME, .tag = (tag_), .session = 77, .heartbeat_ms = 1000, .window = 2)
#define RESET_BY(status_) HEARD(.verb = VERB_RESET, .status = STATUS_##status_)
#define HEARD_VERB(verb_) HEARD(.verb = VERB_##verb_)

struct script {
    const char *name;
    struct line lines[LINES_MAX];
};

/* clang-format off */
static const struct script SCRIPTS[] = {
    {"greets when it starts and is up once welcomed", {
        {   0, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {  10, WELCOMED(1),         VERB_NONE,  LINK_UP,      LINK_READY,    1000},
    }},
    {"greets again, ever slower, while nobody answers", {
        {    0, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {   50, TICK,               VERB_NONE,  LINK_NOTHING, LINK_GREETING, 100},
        {  100, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 300},
        {  300, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 700},
        {  700, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 1500},
        { 1500, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 3100},
        { 3100, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 5100},
        { 5100, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 7100},
    }},
    {"a lost welcome costs one more greeting, and a late one is not taken for the answer to it", {
        {   0, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        { 100, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 300},
        { 110, WELCOMED(1),         VERB_NONE,  LINK_NOTHING, LINK_GREETING, 300},
        { 120, WELCOMED(2),         VERB_NONE,  LINK_UP,      LINK_READY,    1100},
    }},
    {"a welcome without a session is none", {
        {   0, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {  10, HEARD(.verb = VERB_WELCOME, .tag = 1), VERB_NONE, LINK_NOTHING, LINK_GREETING, 100},
    }},
    {"a second welcome changes nothing", {
        {   0, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {  10, WELCOMED(1),         VERB_NONE,  LINK_UP,      LINK_READY,    1000},
        {  20, WELCOMED(1),         VERB_NONE,  LINK_NOTHING, LINK_READY,    1000},
    }},
    {"a reset ends the session and greets at once", {
        {   0, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {  10, WELCOMED(1),         VERB_NONE,  LINK_UP,      LINK_READY,    1000},
        { 500, RESET_BY(NONE),      VERB_HELLO, LINK_LOST,    LINK_GREETING, 600},
        { 510, RESET_BY(NONE),      VERB_NONE,  LINK_NOTHING, LINK_GREETING, 600},
        { 520, WELCOMED(2),         VERB_NONE,  LINK_UP,      LINK_READY,    1500},
    }},
    {"a broker that welcomes and resets in turn is not stormed", {
        {   0, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {   1, WELCOMED(1),         VERB_NONE,  LINK_UP,      LINK_READY,    1000},
        {   2, RESET_BY(NONE),      VERB_NONE,  LINK_LOST,    LINK_GREETING, 100},
        { 100, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 200},
        { 101, WELCOMED(2),         VERB_NONE,  LINK_UP,      LINK_READY,    1100},
        { 102, RESET_BY(NONE),      VERB_NONE,  LINK_LOST,    LINK_GREETING, 200},
    }},
    {"a refused greeting is told, and repeated slowly", {
        {    0, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {   10, RESET_BY(REFUSED),  VERB_NONE,  LINK_REFUSED, LINK_GREETING, 2010},
        { 2010, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 4010},
    }},
    {"what an ended session still sends is dropped", {
        {   0, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {   5, HEARD_VERB(EVT),     VERB_NONE,  LINK_NOTHING, LINK_GREETING, 100},
        {   6, HEARD_VERB(REP),     VERB_NONE,  LINK_NOTHING, LINK_GREETING, 100},
        {   7, HEARD_VERB(PING),    VERB_NONE,  LINK_NOTHING, LINK_GREETING, 100},
    }},
    {"a quiet link pings each interval, and any answer keeps it", {
        {    0, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {   10, WELCOMED(1),        VERB_NONE,  LINK_UP,      LINK_READY,    1000},
        { 1000, TICK,               VERB_PING,  LINK_NOTHING, LINK_READY,    2000},
        { 1010, HEARD_VERB(PONG),   VERB_NONE,  LINK_NOTHING, LINK_READY,    2000},
        { 2000, TICK,               VERB_PING,  LINK_NOTHING, LINK_READY,    3000},
        { 2500, HEARD_VERB(EVT),    VERB_NONE,  LINK_RECORD,  LINK_READY,    3000},
        { 3000, TICK,               VERB_PING,  LINK_NOTHING, LINK_READY,    4000},
        { 4000, TICK,               VERB_PING,  LINK_NOTHING, LINK_READY,    5000},
        { 5000, TICK,               VERB_PING,  LINK_NOTHING, LINK_READY,    5500},
        { 5499, TICK,               VERB_NONE,  LINK_NOTHING, LINK_READY,    5500},
        { 5500, TICK,               VERB_HELLO, LINK_LOST,    LINK_GREETING, 5600},
    }},
    {"a busy link does not ping", {
        {    0, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {   10, WELCOMED(1),        VERB_NONE,  LINK_UP,      LINK_READY,    1000},
        {  900, SAID(CMD),          VERB_NONE,  LINK_NOTHING, LINK_READY,    1900},
        { 1000, TICK,               VERB_NONE,  LINK_NOTHING, LINK_READY,    1900},
        { 1800, HEARD_VERB(REP),    VERB_NONE,  LINK_RECORD,  LINK_READY,    1900},
        { 1900, TICK,               VERB_PING,  LINK_NOTHING, LINK_READY,    2900},
    }},
    {"a ping is answered at once", {
        {   0, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {  10, WELCOMED(1),         VERB_NONE,  LINK_UP,      LINK_READY,    1000},
        { 400, HEARD_VERB(PING),    VERB_PONG,  LINK_NOTHING, LINK_READY,    1400},
    }},
    {"three silent intervals end the session", {
        {    0, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {    0, WELCOMED(1),        VERB_NONE,  LINK_UP,      LINK_READY,    1000},
        { 9000, TICK,               VERB_HELLO, LINK_LOST,    LINK_GREETING, 9100},
    }},
    {"a broker that leaves is told once, and its silence later greets the next", {
        {    0, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {   10, WELCOMED(1),        VERB_NONE,  LINK_UP,      LINK_READY,    1000},
        {   20, HEARD_VERB(BYE),    VERB_NONE,  LINK_LEAVING, LINK_READY,    1000},
        {   30, HEARD_VERB(BYE),    VERB_NONE,  LINK_NOTHING, LINK_READY,    1000},
        { 3030, TICK,               VERB_HELLO, LINK_LOST,    LINK_GREETING, 3130},
    }},
    {"a drain before any session is complete at once", {
        {   0, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {  10, DRAIN,               VERB_NONE,  LINK_DRAINED, LINK_CLOSED,   INT64_MAX},
        {  20, TICK,                VERB_NONE,  LINK_NOTHING, LINK_CLOSED,   INT64_MAX},
        {  20, WELCOMED(1),         VERB_NONE,  LINK_NOTHING, LINK_CLOSED,   INT64_MAX},
    }},
    {"a drain is complete when the broker says goodbye too", {
        {   0, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {  10, WELCOMED(1),         VERB_NONE,  LINK_UP,      LINK_READY,    1000},
        {  20, HEARD_VERB(CMD),     VERB_NONE,  LINK_RECORD,  LINK_READY,    1000},
        {  30, DRAIN,               VERB_BYE,   LINK_NOTHING, LINK_DRAINING, 1030},
        {  40, HEARD_VERB(EVT),     VERB_NONE,  LINK_RECORD,  LINK_DRAINING, 1030},
        {  50, SAID(REP),           VERB_NONE,  LINK_NOTHING, LINK_DRAINING, 1050},
        {  60, SAID(ACK),           VERB_NONE,  LINK_NOTHING, LINK_DRAINING, 1030},
        {  70, HEARD_VERB(BYE),     VERB_NONE,  LINK_DRAINED, LINK_CLOSED,   INT64_MAX},
    }},
    {"a drain with nothing in flight is complete after an interval, should the broker not answer", {
        {    0, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {   10, WELCOMED(1),        VERB_NONE,  LINK_UP,      LINK_READY,    1000},
        {  500, DRAIN,              VERB_BYE,   LINK_NOTHING, LINK_DRAINING, 1500},
        { 1500, TICK,               VERB_NONE,  LINK_DRAINED, LINK_CLOSED,   INT64_MAX},
    }},
    {"a drain waits for what is owed, with heartbeats", {
        {    0, TICK,               VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {   10, WELCOMED(1),        VERB_NONE,  LINK_UP,      LINK_READY,    1000},
        {   20, HEARD_VERB(EVT),    VERB_NONE,  LINK_RECORD,  LINK_READY,    1000},
        {  500, DRAIN,              VERB_BYE,   LINK_NOTHING, LINK_DRAINING, 1500},
        { 1500, TICK,               VERB_PING,  LINK_NOTHING, LINK_DRAINING, 2500},
        { 1600, SAID(ACK),          VERB_NONE,  LINK_NOTHING, LINK_DRAINING, 1500},
        { 1600, TICK,               VERB_NONE,  LINK_DRAINED, LINK_CLOSED,   INT64_MAX},
    }},
    {"a reset completes a drain", {
        {   0, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {  10, WELCOMED(1),         VERB_NONE,  LINK_UP,      LINK_READY,    1000},
        {  20, SAID(CMD),           VERB_NONE,  LINK_NOTHING, LINK_READY,    1020},
        {  30, DRAIN,               VERB_BYE,   LINK_NOTHING, LINK_DRAINING, 1030},
        {  40, RESET_BY(NONE),      VERB_NONE,  LINK_DRAINED, LINK_CLOSED,   INT64_MAX},
    }},
    {"heartbeats keep within reason whatever the broker wants", {
        {   0, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 100},
        {   0, HEARD(.verb = VERB_WELCOME, .tag = 1, .session = 1, .heartbeat_ms = 1),
                                    VERB_NONE,  LINK_UP,      LINK_READY,    100},
        {  50, RESET_BY(NONE),      VERB_NONE,  LINK_LOST,    LINK_GREETING, 100},
        { 100, TICK,                VERB_HELLO, LINK_NOTHING, LINK_GREETING, 200},
        { 100, HEARD(.verb = VERB_WELCOME, .tag = 2, .session = 1, .heartbeat_ms = UINT32_MAX),
                                    VERB_NONE,  LINK_UP,      LINK_READY,    60100},
    }},
};
/* clang-format on */

static bool is_used(const struct line *line)
{
    return line->wake_ms != 0;
}

static void play(const struct script *script)
{
    struct link_core core;
    link_init(&core, 0);
    for (int i = 0; i < LINES_MAX && is_used(&script->lines[i]); i++) {
        const struct line *line = &script->lines[i];
        struct link_output out = link_step(&core, line->at_ms, &line->input);
        if (out.say != line->say || out.event != line->event || core.state != line->state ||
            out.wake_ms != line->wake_ms) {
            fail_msg("%s: line %d at %lld ms: says %s, event %d, state %d, wakes at %lld", script->name, i + 1,
                (long long)line->at_ms, verb_word(out.say), (int)out.event, (int)core.state, (long long)out.wake_ms);
        }
    }
}

static void a_link_keeps_to_its_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(SCRIPTS) / sizeof(*SCRIPTS); i++) {
        print_message("%s\n", SCRIPTS[i].name);
        play(&SCRIPTS[i]);
    }
}

static struct link_core ready_link(uint32_t window)
{
    struct link_core core;
    link_init(&core, 0);
    link_step(&core, 0, &(struct link_input)TICK);
    link_step(&core, 0,
        &(struct link_input)HEARD(.verb = VERB_WELCOME, .tag = core.hello_tag, .session = 9, .window = window));
    return core;
}

static void said_to(struct link_core *core, enum verb verb)
{
    link_step(core, 1, &(struct link_input){.kind = LINK_SAID, .verb = verb});
}

static void heard_by(struct link_core *core, enum verb verb, uint64_t tag)
{
    link_step(core, 1, &(struct link_input){.kind = LINK_HEARD, .verb = verb, .tag = tag});
}

static void no_more_is_asked_than_the_broker_gave_credit_for(void **state)
{
    (void)state;
    struct link_core core = ready_link(2);
    assert_true(link_may_ask(&core));
    said_to(&core, VERB_CMD);
    said_to(&core, VERB_QRY);
    assert_false(link_may_ask(&core));
    heard_by(&core, VERB_REP, 0);
    assert_true(link_may_ask(&core));
    said_to(&core, VERB_CANCEL); /* takes none, gives none */
    assert_true(link_may_ask(&core));
    said_to(&core, VERB_CMD);
    assert_false(link_may_ask(&core));
}

static void credit_widens_and_closes_the_window(void **state)
{
    (void)state;
    struct link_core core = ready_link(1);
    said_to(&core, VERB_CMD);
    assert_false(link_may_ask(&core));
    heard_by(&core, VERB_CREDIT, 2);
    assert_true(link_may_ask(&core));
    heard_by(&core, VERB_CREDIT, 0);
    assert_false(link_may_ask(&core));
    heard_by(&core, VERB_CREDIT, UINT64_MAX);
    assert_true(link_may_ask(&core));
}

static void answers_nobody_asked_for_give_no_credit(void **state)
{
    (void)state;
    struct link_core core = ready_link(1);
    heard_by(&core, VERB_REP, 0);
    heard_by(&core, VERB_REP, 0);
    said_to(&core, VERB_CMD);
    assert_false(link_may_ask(&core));
}

static void a_new_session_starts_with_nothing_in_flight(void **state)
{
    (void)state;
    struct link_core core = ready_link(1);
    said_to(&core, VERB_CMD);
    heard_by(&core, VERB_EVT, 1);
    heard_by(&core, VERB_RESET, 0);
    assert_false(link_may_ask(&core));
    link_step(&core, 200, &(struct link_input)TICK);
    link_step(
        &core, 210, &(struct link_input)HEARD(.verb = VERB_WELCOME, .tag = core.hello_tag, .session = 10, .window = 1));
    assert_int_equal(core.session, 10);
    assert_int_equal(core.awaited, 0);
    assert_int_equal(core.owed, 0);
    assert_true(link_may_ask(&core));
}

static void nothing_is_asked_of_a_broker_that_leaves(void **state)
{
    (void)state;
    struct link_core core = ready_link(4);
    heard_by(&core, VERB_BYE, 0);
    assert_false(link_may_ask(&core));
}

/* Every record that asks is one that takes credit, has exactly one kind of answer to it, and is none itself. */
static void a_record_asks_or_answers_but_never_both(void **state)
{
    (void)state;
    for (int number = 0; number < 256; number++) {
        if (verb_is_known((uint8_t)number)) {
            assert_false(verb_asks(number) && verb_answers(number));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_keeps_to_its_rules),
        cmocka_unit_test(no_more_is_asked_than_the_broker_gave_credit_for),
        cmocka_unit_test(credit_widens_and_closes_the_window),
        cmocka_unit_test(answers_nobody_asked_for_give_no_credit),
        cmocka_unit_test(a_new_session_starts_with_nothing_in_flight),
        cmocka_unit_test(nothing_is_asked_of_a_broker_that_leaves),
        cmocka_unit_test(a_record_asks_or_answers_but_never_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
