/* casebus-courier: settings, one link per broker, tasks in, answers out. The rules of delivery are in courier.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bus/link.h"
#include "common/contract/guard.h"
#include "common/core/entropy.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/service/log.h"
#include "common/service/loop.h"
#include "common/service/sealing.h"
#include "common/service/settings.h"
#include "common/service/tenants.h"
#include "services/notifications/courier/courier.h"

enum { LINKS_MAX = 8, POLLS_MAX = 64, AGAIN_MS = 1000, DETAIL_BYTES = 64, PASSWORD_BYTES = 256 };

extern char **environ;

static const struct setting SETTINGS[] = {
    {"mail-url", "folder:/var/lib/casebus/mail",
        "where mail goes: smtp://host:port, smtps://host:port, or folder:/path", setting_is_given},
    {"mail-from", "care@casebus.example", "address that mail comes from", setting_is_given},
    {"mail-from-name", "Casebus Care Team", "name beside it", setting_is_given},
    {"mail-user", "", "user name at the mail server; none: no login", NULL},
    {"mail-password-file", "", "file with the password, readable by its owner alone", NULL},
    {"mail-tls", "yes", "refuse a mail server that offers no TLS", setting_is_yes_no},
    {"mail-timeout-s", "30", "how long one mail may take", setting_is_number},
    {"journal", "/var/lib/casebus/courier.journal", "file that remembers what was handed over", setting_is_given},
    {0},
};
static const struct setting *const TABLES[] = {SETTINGS_COMMON, SETTINGS, NULL};

/* One task, from its coming to the commit of its answer. */
struct sending {
    struct courier *courier;
    struct arena arena; /* of envelope and answer */
    const Casebus__Envelope *task;
    bool used;
    bool ended;
    Notifications__SendOutcome outcome;
    uint32_t code;
    uint64_t tag;     /* of the answer under way, 0: none is */
    int64_t again_ms; /* when to give it again */
};

struct courier {
    struct settings *settings;
    struct tenants *tenants;
    struct keys *keys;
    struct loop *loop;
    struct journal *journal;
    struct post *post;
    struct link *links[LINKS_MAX];
    size_t link_count;
    struct sending sendings[SENDING_MAX];
    uint64_t tags;
    bool stopping;
};

static void log_task(const char *what, enum log_level level, const char *id, const char *outcome)
{
    struct log_line line;
    log_begin(&line, level, loop_now().wall_ms, what);
    log_word(&line, "id", id);
    log_word(&line, "outcome", outcome);
    log_end(&line);
}

/* ---- Answers ---- */

static struct record answer_record(struct courier *courier, struct sending *s)
{
    char detail[DETAIL_BYTES];
    Notifications__SendAnswer said = NOTIFICATIONS__SEND_ANSWER__INIT;
    Casebus__Envelope envelope = *s->task;
    envelope.subject = "notifications.SendAnswer";
    said.has_outcome = said.has_code = 1;
    said.outcome = s->outcome;
    said.code = s->code;
    snprintf(detail, sizeof detail, "mail server said %u", (unsigned)s->code);
    said.detail = s->code ? detail : NULL;
    struct packed body = contract_pack(&said.base, &s->arena);
    struct packed packed = contract_pack(&envelope.base, &s->arena);
    struct sealing about = {.tenant = envelope.tenant,
        .kind = "decided",
        .id = envelope.id,
        .subject = envelope.subject,
        .lane = envelope.lane};
    struct bytes sealed = sealing_seal(courier->keys, &about, bytes_of(body.data, body.size), &s->arena);
    return (struct record){.verb = VERB_ANSWER,
        .flags = RECORD_SEALED,
        .root = record_root(envelope.tenant, envelope.root),
        .envelope = packed.data,
        .envelope_size = (uint32_t)packed.size,
        .body = sealed.at,
        .body_size = (uint32_t)sealed.size};
}

/* On the first link that takes it; else in a while. */
static void give_answer(struct courier *courier, struct sending *s, int64_t now_ms)
{
    struct record record = answer_record(courier, s);
    record.tag = ++courier->tags;
    s->again_ms = now_ms + AGAIN_MS;
    for (size_t i = 0; record.body && i < courier->link_count && !s->tag; i++) {
        s->tag = link_send(courier->links[i], now_ms, &record) ? record.tag : 0;
    }
}

static void forget(struct sending *s)
{
    arena_done(&s->arena);
    *s = (struct sending){.courier = s->courier};
}

static void on_posted(void *user, Notifications__SendOutcome outcome, uint32_t code)
{
    struct sending *s = user;
    s->ended = true;
    s->outcome = outcome;
    s->code = code;
    if (!journal_end(s->courier->journal, s->task->id, outcome, code, loop_now().wall_ms)) {
        log_task("journal", LOG_ERROR, s->task->id, "UNAVAILABLE");
    }
    log_task("mail", outcome == NOTIFICATIONS__SEND_OUTCOME__SEND_OUTCOME_ACCEPTED ? LOG_INFO : LOG_WARN, s->task->id,
        protobuf_c_enum_descriptor_get_value(&notifications__send_outcome__descriptor, outcome)->name);
}

/* ---- Tasks ---- */

static struct sending *free_place(struct courier *courier)
{
    for (size_t i = 0; i < SENDING_MAX; i++) {
        if (!courier->sendings[i].used) {
            return &courier->sendings[i];
        }
    }
    return NULL;
}

static bool is_under_way(const struct courier *courier, const char *id)
{
    for (size_t i = 0; i < SENDING_MAX; i++) {
        if (courier->sendings[i].used && strcmp(courier->sendings[i].task->id, id) == 0) {
            return true;
        }
    }
    return false;
}

static void end_at_once(struct sending *s, Notifications__SendOutcome outcome, uint32_t code)
{
    s->ended = true;
    s->outcome = outcome;
    s->code = code;
}

/* Writes the mail, notes that it begins, and hands it over. False: not now. */
static bool begin_mail(struct courier *courier, struct sending *s, const Notifications__SendQuestion *question)
{
    const char *from = settings_text(courier->settings, "mail-from");
    const char *at = strchr(from, '@');
    struct mail_head head = {
        from, settings_text(courier->settings, "mail-from-name"), at ? at + 1 : "localhost", loop_now().wall_ms};
    size_t size = 0;
    const char *text = mail_write(&head, question, &s->arena, &size);
    if (!text) {
        end_at_once(s, NOTIFICATIONS__SEND_OUTCOME__SEND_OUTCOME_PERMANENT, 0);
        return true;
    }
    if (!journal_begin(courier->journal, s->task->id, loop_now().wall_ms)) {
        log_task("journal", LOG_ERROR, s->task->id, "UNAVAILABLE");
        return false;
    }
    post_send(courier->post, question->to, text, size, on_posted, s);
    return true;
}

static bool begin(struct courier *courier, struct sending *s, const Notifications__SendQuestion *question)
{
    switch (journal_find(courier->journal, s->task->id, &s->outcome, &s->code)) {
    case JOURNAL_NOTHING:
        return begin_mail(courier, s, question);
    case JOURNAL_BEGUN:
        end_at_once(s, NOTIFICATIONS__SEND_OUTCOME__SEND_OUTCOME_UNKNOWN, 0);
        return true;
    case JOURNAL_ENDED:
        s->ended = true;
        return true;
    }
    MUST_NOT_REACH();
}

/* Opens envelope and body. False when they are no task of ours. */
static bool read_task(
    struct courier *courier, const struct record *record, struct sending *s, const Notifications__SendQuestion **out)
{
    struct why why = {0};
    ProtobufCMessage *envelope = NULL;
    ProtobufCMessage *question = NULL;
    struct bytes clear;
    if (contract_unpack(&casebus__envelope__descriptor, record->envelope, record->envelope_size, &CROSSING_EVENT,
            &s->arena, &why, &envelope) != FAULT_NONE) {
        return false;
    }
    s->task = (const Casebus__Envelope *)envelope;
    if (!s->task->id || !s->task->tenant || !s->task->lane || !s->task->entry ||
        !str_same(s->task->subject, "notifications.SendQuestion")) {
        return false;
    }
    struct sealing about = {.tenant = s->task->tenant,
        .kind = "task",
        .id = s->task->id,
        .subject = s->task->subject,
        .lane = s->task->lane};
    if (!sealing_open(courier->keys, &about, bytes_of(record->body, record->body_size), &s->arena, &clear) ||
        contract_unpack(&notifications__send_question__descriptor, clear.at, clear.size, &CROSSING_EVENT, &s->arena,
            &why, &question) != FAULT_NONE) {
        return false;
    }
    *out = (const Notifications__SendQuestion *)question;
    return true;
}

static void settle_task(struct link *link, const struct record *task, bool taken, int64_t now_ms)
{
    struct record record = {.verb = taken ? VERB_ACK : VERB_NAK,
        .tag = task->tag,
        .epoch = task->epoch,
        .partition = task->partition,
        .ttl_ms = taken ? 0 : AGAIN_MS};
    link_send(link, now_ms, &record);
}

static void take_task(struct courier *courier, struct link *link, const struct record *record, int64_t now_ms)
{
    struct sending *s = courier->stopping ? NULL : free_place(courier);
    const Notifications__SendQuestion *question = NULL;
    if (!s) {
        settle_task(link, record, false, now_ms);
        return;
    }
    arena_init(&s->arena, 0);
    bool readable = read_task(courier, record, s, &question);
    bool known = readable && is_under_way(courier, s->task->id);
    s->used = readable && !known;
    bool taken = known || (s->used && begin(courier, s, question));
    if (!known && !taken) {
        log_task("task", LOG_ERROR, s->task ? s->task->id : NULL, "INVALID");
    }
    settle_task(link, record, taken, now_ms);
    if (!s->used || !taken) {
        forget(s);
    }
}

/* OK: committed. REFUSED: settled otherwise. Anything else: again. */
static void take_reply(struct courier *courier, const struct record *record)
{
    for (size_t i = 0; i < SENDING_MAX; i++) {
        struct sending *s = &courier->sendings[i];
        if (s->used && s->tag == record->tag) {
            s->tag = 0;
            if (record->status == STATUS_OK || record->status == STATUS_REFUSED) {
                forget(s);
            }
            return;
        }
    }
}

static void forget_answers(struct courier *courier)
{
    for (size_t i = 0; i < SENDING_MAX; i++) {
        courier->sendings[i].tag = 0;
    }
}

/* ---- The loop's sources ---- */

static size_t prepare_links(void *user, struct loop_now now, zmq_pollitem_t *items, size_t room, int64_t *wake_ms)
{
    struct courier *courier = user;
    (void)now;
    MUST(room >= courier->link_count);
    for (size_t i = 0; i < courier->link_count; i++) {
        items[i] = link_poll_item(courier->links[i]);
        int64_t wake = link_wake_ms(courier->links[i]);
        *wake_ms = wake < *wake_ms ? wake : *wake_ms;
    }
    return courier->link_count;
}

static void drain_link(struct courier *courier, struct link *link, int64_t now_ms)
{
    struct record record;
    enum link_event event;
    while ((event = link_next(link, now_ms, &record)) != LINK_NOTHING) {
        if (event == LINK_RECORD && record.verb == VERB_TASK) {
            take_task(courier, link, &record, now_ms);
        } else if (event == LINK_RECORD && record.verb == VERB_REP) {
            take_reply(courier, &record);
        } else if (event == LINK_LOST) {
            forget_answers(courier);
        }
    }
}

static void drain_links(void *user, struct loop_now now, const zmq_pollitem_t *items, size_t count)
{
    struct courier *courier = user;
    (void)items;
    (void)count;
    for (size_t i = 0; i < courier->link_count; i++) {
        drain_link(courier, courier->links[i], now.monotonic_ms);
    }
}

static void flush_links(void *user, struct loop_now now)
{
    struct courier *courier = user;
    bool busy = post_under_way(courier->post) > 0;
    for (size_t i = 0; i < SENDING_MAX; i++) {
        struct sending *s = &courier->sendings[i];
        busy |= s->used;
        if (s->used && s->ended && !s->tag && s->again_ms <= now.monotonic_ms) {
            give_answer(courier, s, now.monotonic_ms);
        }
    }
    for (size_t i = 0; i < courier->link_count; i++) {
        link_flush(courier->links[i]);
    }
    if (courier->stopping && !busy) {
        loop_end(courier->loop);
    }
}

static size_t prepare_post(void *user, struct loop_now now, zmq_pollitem_t *items, size_t room, int64_t *wake_ms)
{
    struct courier *courier = user;
    struct post_poll polls[POLLS_MAX];
    long wait_ms = -1;
    size_t count = post_polls(courier->post, polls, room < POLLS_MAX ? room : POLLS_MAX, &wait_ms);
    for (size_t i = 0; i < count; i++) {
        short events = (short)((polls[i].read ? ZMQ_POLLIN : 0) | (polls[i].write ? ZMQ_POLLOUT : 0));
        items[i] = (zmq_pollitem_t){.fd = polls[i].fd, .events = events};
    }
    if (wait_ms >= 0 && now.monotonic_ms + wait_ms < *wake_ms) {
        *wake_ms = now.monotonic_ms + wait_ms;
    }
    return count;
}

static void drain_post(void *user, struct loop_now now, const zmq_pollitem_t *items, size_t count)
{
    struct courier *courier = user;
    (void)now;
    (void)items;
    (void)count;
    post_step(courier->post);
}

static void on_stop(void *user, struct loop_now now)
{
    struct courier *courier = user;
    courier->stopping = true;
    for (size_t i = 0; i < courier->link_count; i++) {
        link_drain(courier->links[i], now.monotonic_ms);
    }
}

/* ---- Start ---- */

/* First line of the file; a file that others may read is refused. */
static bool read_password(const char *path, char out[static PASSWORD_BYTES], struct why *why)
{
    out[0] = '\0';
    if (path[0] == '\0') {
        return true;
    }
    FILE *in = fopen(path, "re");
    struct stat stat;
    if (!in || fstat(fileno(in), &stat) != 0 || !fgets(out, PASSWORD_BYTES, in)) {
        why_set(why, "the password file %s cannot be read, or is empty", path);
    } else if (stat.st_mode & (S_IRWXG | S_IRWXO)) {
        out[0] = '\0';
        why_set(why, "the password file %s may be read by others: chmod 600 it", path);
    } else {
        out[strcspn(out, "\r\n")] = '\0';
    }
    if (in) {
        fclose(in);
    }
    return out[0] != '\0';
}

static enum fault open_post(struct courier *courier, struct why *why)
{
    char password[PASSWORD_BYTES];
    const struct settings *settings = courier->settings;
    if (!read_password(settings_text(settings, "mail-password-file"), password, why)) {
        return FAULT_UNAVAILABLE;
    }
    struct post_options options = {settings_text(settings, "mail-url"), settings_text(settings, "mail-user"), password,
        settings_text(settings, "mail-from"), settings_yes(settings, "mail-tls"),
        (uint32_t)settings_number(settings, "mail-timeout-s")};
    return post_new(&options, why, &courier->post);
}

static enum fault open_keys(struct courier *courier, struct why *why)
{
    const char *names[TENANTS_MAX];
    size_t count = tenants_count(courier->tenants);
    for (size_t i = 0; i < count; i++) {
        names[i] = tenants_at(courier->tenants, i)->name;
    }
    return keys_open(settings_text(courier->settings, "keys"), names, count, &courier->keys, why);
}

static enum fault open_links(struct courier *courier, struct why *why)
{
    char instance[ID_FRESH_SIZE];
    const char *lanes[] = {"channel/*"};
    const char *endpoints[SETTING_LIST_MAX];
    size_t count = settings_list(courier->settings, "brokers", endpoints);
    id_random(instance);
    Casebus__Hello hello = CASEBUS__HELLO__INIT;
    hello.has_kind = hello.has_credit_messages = 1;
    hello.kind = CASEBUS__PEER_KIND__PEER_KIND_COURIER;
    hello.instance = instance;
    hello.service = "courier";
    hello.credit_messages = SENDING_MAX;
    hello.n_lanes = 1;
    hello.lanes = lanes;
    for (size_t i = 0; i < count && i < LINKS_MAX; i++) {
        struct link_options options = {.endpoint = endpoints[i], .hello = &hello};
        enum fault fault = link_new(&options, loop_now().monotonic_ms, why, &courier->links[i]);
        if (fault != FAULT_NONE) {
            return fault;
        }
        courier->link_count++;
    }
    return FAULT_NONE;
}

static enum fault start(struct courier *courier, struct why *why)
{
    enum fault fault = tenants_load(settings_text(courier->settings, "tenants"), &courier->tenants, why);
    fault = fault ? fault : open_keys(courier, why);
    fault = fault
                ? fault
                : journal_open(settings_text(courier->settings, "journal"), loop_now().wall_ms, &courier->journal, why);
    fault = fault ? fault : open_post(courier, why);
    fault = fault ? fault : loop_new(&courier->loop, why);
    fault = fault ? fault : open_links(courier, why);
    if (fault == FAULT_NONE) {
        entropy_fill(&courier->tags, sizeof courier->tags);
        courier->tags >>= 1;
        loop_add(courier->loop, (struct loop_source){courier, prepare_post, drain_post, NULL});
        loop_add(courier->loop, (struct loop_source){courier, prepare_links, drain_links, flush_links});
        loop_on_stop(courier->loop, on_stop, courier);
    }
    return fault;
}

static void stop(struct courier *courier)
{
    if (courier->post) {
        post_free(&courier->post);
    }
    for (size_t i = 0; i < courier->link_count; i++) {
        link_free(&courier->links[i]);
    }
    for (size_t i = 0; i < SENDING_MAX; i++) {
        if (courier->sendings[i].used) {
            forget(&courier->sendings[i]);
        }
    }
    loop_free(&courier->loop);
    journal_close(&courier->journal);
    keys_close(&courier->keys);
    tenants_free(&courier->tenants);
    bus_done();
}

static int run(struct courier *courier)
{
    struct why why = {0};
    log_open("courier", log_level_of(settings_text(courier->settings, "log-level")), STDERR_FILENO);
    for (size_t i = 0; i < SENDING_MAX; i++) {
        courier->sendings[i].courier = courier;
    }
    enum fault fault = start(courier, &why);
    if (fault == FAULT_NONE) {
        loop_run(courier->loop);
    } else {
        fprintf(stderr, "casebus-courier: %s\n", why.text);
    }
    stop(courier);
    return fault == FAULT_NONE ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int print_help(void)
{
    struct text text;
    text_init(&text, TEXT_PAGE_BYTES);
    settings_help("casebus-courier", "[--name=value ...]", TABLES, &text);
    fputs(text.at, stdout);
    text_done(&text);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct courier courier;
    struct why why = {0};
    enum { WRONG_USAGE = 2 };
    switch (settings_load("courier", TABLES, false, argc, argv, environ, &courier.settings, &why)) {
    case SETTINGS_HELP:
        return print_help();
    case SETTINGS_WRONG:
        fprintf(stderr, "casebus-courier: %s\n", why.text);
        return WRONG_USAGE;
    case SETTINGS_READY:
        break;
    }
    int status = run(&courier);
    settings_free(&courier.settings);
    return status;
}
