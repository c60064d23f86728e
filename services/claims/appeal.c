#include <string.h>

#include "common/core/instant.h"
#include "common/core/slice.h"
#include "common/service/say.h"
#include "services/claims/claims.h"

static const char KIND[] = "appeal";

const char *appeal_word(struct decision *d, const Claims__Appeal *appeal)
{
    return say_enum(d, &claims__appeal_state__descriptor, appeal->state);
}

/* What is appealed: one of the two, or neither when a member does not say. */
struct subject {
    Claims__Authorization *a;
    Claims__Claim *claim;
};

static bool is_member(const struct decision *d)
{
    return d->actor.role == ROLE(PATIENT) || d->actor.role == ROLE(REPRESENTATIVE);
}

static bool was_denied(const struct subject *s)
{
    if (s->claim) {
        return s->claim->state == CLAIM(ANSWERED) ||
               (s->claim->state == CLAIM(FINALIZED) && s->claim->totals->denied_cents > 0);
    }
    return s->a->state == AUTHORIZATION(DENIED) || s->a->state == AUTHORIZATION(PARTIAL) || s->a->appeal_until_ms;
}

static const char *appeal_of(const struct subject *s)
{
    return s->claim ? s->claim->appeal_id : s->a->appeal_id;
}

static int64_t window_of(const struct subject *s)
{
    return s->claim ? s->claim->appeal_until_ms : s->a->appeal_until_ms;
}

static Claims__CoverageView *coverage_of(const struct subject *s)
{
    return s->claim ? s->claim->coverage : s->a->coverage;
}

/* Only those who act for the network are held to the edits; a member's appeal is taken as it comes. */
static enum fault check_desk(struct decision *d, const struct subject *s, const Claims__FileAppeal *cmd)
{
    if (!s->a && !s->claim) {
        return refuse_missing(d, "there is no %s %s to appeal", cmd->claim_id ? "claim" : "authorisation",
            cmd->claim_id           ? cmd->claim_id
            : cmd->authorization_id ? cmd->authorization_id
                                    : "named");
    }
    if (!was_denied(s)) {
        return refuse(d, "%s was not denied, there is nothing to appeal", s->claim ? s->claim->title : s->a->title);
    }
    if (str_is_empty(cmd->grounds)) {
        return refuse(d, "say on what grounds: give grounds");
    }
    return FAULT_NONE;
}

/* An appeal that is with the payer stands for every further one. */
static const Claims__Appeal *running_appeal(struct decision *d, const struct subject *s)
{
    const char *id = s->a || s->claim ? appeal_of(s) : NULL;
    return id ? see(d, "claims", KIND, d->root, id) : NULL;
}

static void note_missing(
    struct decision *d, Claims__Appeal *appeal, const struct subject *s, const Claims__FileAppeal *cmd)
{
    const char *text = NULL;
    if (!s->a && !s->claim) {
        text = "which decision it is about";
        APPEND(d, appeal, missing, text);
    } else if (!was_denied(s)) {
        text = "a decision to appeal";
        APPEND(d, appeal, missing, text);
    } else if (!coverage_of(s)) {
        text = "the payer who decided";
        APPEND(d, appeal, missing, text);
    }
    if (str_is_empty(cmd->grounds)) {
        text = "the grounds";
        APPEND(d, appeal, missing, text);
    }
    if (appeal->filed_late) {
        text = text_of(d, "the reason for filing after %s", say_day(d, appeal->zone, window_of(s)));
        APPEND(d, appeal, missing, text);
    }
}

static const char *missing_text(struct decision *d, const Claims__Appeal *appeal)
{
    const char *text = NULL;
    for (size_t i = 0; i < appeal->n_missing; i++) {
        text = text ? text_of(d, "%s, %s", text, appeal->missing[i]) : appeal->missing[i];
    }
    return text;
}

/* ---- Sending it to the payer ---- */

static void ask_appeal(struct decision *d, const Claims__Appeal *appeal, const struct subject *s)
{
    Payer__AppealQuestion *question = MAKE(d, Payer__AppealQuestion, payer__appeal_question__descriptor);
    question->payer_id = appeal->coverage->payer_id;
    question->member = appeal->coverage->member;
    question->reference = appeal->appeal_id;
    question->decision_reference = s->claim ? s->claim->claim_id : s->a->authorization_id;
    question->level = appeal->level;
    question->expedited = appeal->expedited;
    question->grounds = appeal->grounds;
    question->evidence = appeal->evidence;
    question->n_evidence = appeal->n_evidence;
    for (size_t i = 0; s->a && i < s->a->n_lines; i++) {
        APPEND(d, question, lines, s->a->lines[i]->asked);
    }
    for (size_t i = 0; s->claim && i < s->claim->n_lines; i++) {
        if (s->claim->lines[i]->state == LINE(DENIED)) {
            APPEND(d, question, lines, s->claim->lines[i]->service);
        }
    }
    ask(d, payer_lane(d, appeal->coverage->payer_id), KIND, appeal->appeal_id, &question->base);
}

static void start_appeal_clock(struct decision *d, Claims__Appeal *appeal, const Claims__AppealRight *right)
{
    Casebus__ClockRule *rule = MAKE(d, Casebus__ClockRule, casebus__clock_rule__descriptor);
    rule->name = "appeal";
    rule->length = appeal->claim_id ? right->decide_days_payment : right->decide_days_service;
    rule->unit = CASEBUS__CLOCK_UNIT__CLOCK_UNIT_CALENDAR_DAYS;
    rule->length_urgent = right->decide_hours_expedited;
    rule->unit_urgent = CASEBUS__CLOCK_UNIT__CLOCK_UNIT_HOURS;
    rule->source = right->source;
    if (rule->length) {
        Casebus__Clock *clock = start_clock(d, rule, appeal->expedited, appeal->zone, d->now_ms);
        APPEND(d, appeal, clocks, clock);
        watch_clock(d, clock, KIND, appeal->appeal_id);
    }
}

static void send_to_payer(struct decision *d, Claims__Appeal *appeal, const struct subject *s)
{
    appeal->state = APPEAL(SUBMITTED);
    if (s->claim) {
        s->claim->appeal_id = appeal->appeal_id;
        cancel_timer(d, "claim", s->claim->claim_id, "appeal-window");
    } else {
        s->a->appeal_id = appeal->appeal_id;
        cancel_timer(d, "authorization", s->a->authorization_id, "appeal-window");
    }
    start_appeal_clock(d, appeal, appeal_right(d, appeal->coverage->line));
    ask_appeal(d, appeal, s);
}

/* The payer decides once; who looks again after that is another, and a person brings it there. */
static void pass_on(struct decision *d, Claims__BenefitFile *file, Claims__Appeal *appeal, const Claims__Appeal *before)
{
    appeal->state = APPEAL(RECEIVED);
    appeal->level = before->level + 1;
    appeal->next_level = before->next_level;
    open_work(d, file, "appeal-to-next-level", appeal->appeal_id, appeal->title,
        text_of(
            d, "the payer has decided: bring it to the %s", before->next_level ? before->next_level : "next level"));
}

/* ---- Filing ---- */

static void say_filed(struct decision *d, const Claims__Appeal *appeal)
{
    const Casebus__Clock *clock = open_clock(appeal->clocks, appeal->n_clocks);
    Claims__AppealFiled *event = MAKE(d, Claims__AppealFiled, claims__appeal_filed__descriptor);
    event->case_id = appeal->case_id;
    event->appeal_id = appeal->appeal_id;
    event->title = appeal->title;
    event->by = say_enum(d, &casebus__role__descriptor, appeal->filed_by_role);
    event->due_at_ms = clock ? clock->due_at_ms : 0;
    event->missing = missing_text(d, appeal);
    emit(d, &event->base);
}

static void fill_in(struct decision *d, Claims__Appeal *appeal, const Claims__BenefitFile *file,
    const struct subject *s, const Claims__FileAppeal *cmd)
{
    bool known = s->a || s->claim;
    appeal->authorization_id = cmd->authorization_id;
    appeal->claim_id = s->a ? NULL : cmd->claim_id;
    appeal->title = s->claim ? s->claim->title : s->a ? s->a->title : "a decision that was not named";
    appeal->level = 1;
    SET(appeal, expedited, cmd->expedited);
    appeal->grounds = cmd->grounds;
    appeal->evidence = cmd->evidence;
    appeal->n_evidence = cmd->n_evidence;
    appeal->filed_by = d->actor.id;
    appeal->filed_by_role = d->actor.role;
    appeal->filed_at_ms = d->now_ms;
    appeal->zone = file->zone;
    SET(appeal, simulated, d->actor.simulated);
    appeal->coverage = known ? coverage_of(s) : active_coverage(file);
    SET(appeal, filed_late, known && window_of(s) && d->now_ms > window_of(s));
    note_missing(d, appeal, s, cmd);
}

static struct subject find_subject(struct decision *d, const Claims__FileAppeal *cmd)
{
    return (struct subject){
        .a = cmd->authorization_id ? touch(d, "authorization", cmd->authorization_id) : NULL,
        .claim = cmd->claim_id && !cmd->authorization_id ? touch(d, "claim", cmd->claim_id) : NULL,
    };
}

enum fault file_appeal(struct decision *d, Claims__Appeal *appeal, const Claims__FileAppeal *cmd)
{
    if (appeal->state) {
        return refuse(d, "appeal %s exists already and is %s", appeal->appeal_id, appeal_word(d, appeal));
    }
    Claims__BenefitFile *file = require(d, "benefit_file", cmd->case_id, NULL);
    struct subject s = find_subject(d, cmd);
    if (d->wants) {
        return FAULT_WANT;
    }
    enum fault fault = is_member(d) ? FAULT_NONE : check_desk(d, &s, cmd);
    if (fault) {
        return fault;
    }
    const Claims__Appeal *before = running_appeal(d, &s);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (before && before->state == APPEAL(SUBMITTED)) {
        return refuse(
            d, "appeal %s of %s is with the payer already: send it what is new", before->appeal_id, before->title);
    }
    if (file->n_appeal_ids >= FILE_ITEMS_MAX) {
        return refuse(d, "case %s has %d appeals already: phone the desk", cmd->case_id, FILE_ITEMS_MAX);
    }
    fill_in(d, appeal, file, &s, cmd);
    bool sendable = (s.a || s.claim) && was_denied(&s) && appeal->coverage;
    if (before) {
        pass_on(d, file, appeal, before);
    } else if (sendable) {
        send_to_payer(d, appeal, &s);
    } else {
        appeal->state = APPEAL(RECEIVED);
    }
    if (appeal->n_missing) {
        open_work(d, file, "appeal-incomplete", appeal->appeal_id, appeal->title, missing_text(d, appeal));
    }
    APPEND(d, file, appeal_ids, appeal->appeal_id);
    say_filed(d, appeal);
    reply(d, &appeal->base);
    return FAULT_NONE;
}

enum fault read_appeal(struct decision *d, const Claims__Appeal *appeal, const Claims__ReadAppeal *query)
{
    if (!appeal) {
        return refuse_missing(d, "there is no appeal %s", query->appeal_id);
    }
    reply(d, &appeal->base);
    return FAULT_NONE;
}
