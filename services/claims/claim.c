#include <string.h>

#include "common/core/money.h"
#include "common/core/slice.h"
#include "common/service/say.h"
#include "services/claims/claims.h"

static const char KIND[] = "claim";

const char *claim_word(struct decision *d, const Claims__Claim *claim)
{
    return say_enum(d, &claims__claim_state__descriptor, claim->state);
}

/* ---- Edits: what a payer would send back is sent back here, with what to do ---- */

static bool all_digits(const char *text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (!ascii_is_digit(text[i])) {
            return false;
        }
    }
    return true;
}

bool code_is_billable(const char *code)
{
    if (!code || strlen(code) != 5) {
        return false;
    }
    bool cpt = all_digits(code, 0, 4) && (ascii_is_digit(code[4]) || strchr("FTUM", code[4]));
    return cpt || (code[0] >= 'A' && code[0] <= 'V' && all_digits(code, 1, 5));
}

/* Authorisations and claims of the case, loaded once for all lines. */
struct desk {
    const Claims__BenefitFile *file;
    const Claims__CoverageView *coverage;
    const Claims__Authorization *authorizations[FILE_ITEMS_MAX];
    size_t authorization_count;
    const Claims__Claim *claims[FILE_ITEMS_MAX];
    size_t claim_count;
};

static void load_desk(struct decision *d, struct desk *desk, const Claims__BenefitFile *file)
{
    desk->file = file;
    desk->coverage = active_coverage(file);
    for (size_t i = 0; i < file->n_authorization_ids && i < FILE_ITEMS_MAX; i++) {
        const Claims__Authorization *a = see(d, "claims", "authorization", d->root, file->authorization_ids[i]);
        if (a) {
            desk->authorizations[desk->authorization_count++] = a;
        }
    }
    for (size_t i = 0; i < file->n_claim_ids && i < FILE_ITEMS_MAX; i++) {
        const Claims__Claim *claim = see(d, "claims", KIND, d->root, file->claim_ids[i]);
        if (claim) {
            desk->claims[desk->claim_count++] = claim;
        }
    }
}

static enum fault edit_code(struct decision *d, const Payer__ServiceLine *line)
{
    if (!code_is_billable(line->code->code)) {
        return refuse(d, "line %u: %s is neither a CPT nor a HCPCS code: correct it", line->number, line->code->code);
    }
    if (line->billed_cents <= 0) {
        return refuse(d, "line %u bills nothing: give billedCents", line->number);
    }
    return FAULT_NONE;
}

static enum fault edit_dates(struct decision *d, const struct desk *desk, const Payer__ServiceLine *line)
{
    struct date day, bound;
    if (!line->service_date || !date_parse(line->service_date, &day)) {
        return refuse(d, "line %u has no service date: give serviceDate", line->number);
    }
    if (date_compare(day, today(d, desk->file->zone)) > 0) {
        return refuse(
            d, "line %u: %s lies in the future: bill it when it has taken place", line->number, line->service_date);
    }
    const Claims__CoverageView *coverage = desk->coverage;
    if (coverage->start_date && date_parse(coverage->start_date, &bound) && date_compare(day, bound) < 0) {
        return refuse(d, "line %u: %s lies before the coverage, which begins on %s: bill the coverage of that day",
            line->number, line->service_date, coverage->start_date);
    }
    if (coverage->end_date && date_parse(coverage->end_date, &bound) && date_compare(day, bound) > 0) {
        return refuse(d, "line %u: %s lies after the coverage, which ended on %s: bill the coverage of that day",
            line->number, line->service_date, coverage->end_date);
    }
    return FAULT_NONE;
}

static bool is_same_service(const Payer__ServiceLine *a, const Payer__ServiceLine *b)
{
    return str_same(a->code->code, b->code->code) && str_same(a->service_date, b->service_date);
}

static enum fault edit_duplicates(
    struct decision *d, const struct desk *desk, const Claims__SubmitClaim *cmd, size_t at)
{
    const Payer__ServiceLine *line = cmd->lines[at];
    for (size_t i = 0; i < at; i++) {
        if (cmd->lines[i]->number == line->number) {
            return refuse(d, "line number %u is given twice: number the lines", line->number);
        }
        if (is_same_service(cmd->lines[i], line)) {
            return refuse(d, "line %u looks like line %u, %s on %s: put the units into one line, or correct the date",
                line->number, cmd->lines[i]->number, line->code->code, line->service_date);
        }
    }
    for (size_t i = 0; i < desk->claim_count; i++) {
        const Claims__Claim *claim = desk->claims[i];
        for (size_t k = 0; k < claim->n_lines; k++) {
            if (is_same_service(claim->lines[k]->service, line)) {
                return refuse(d,
                    "line %u looks like line %u of claim %s, %s on %s: leave it out, or correct the date; a denied "
                    "line is appealed",
                    line->number, claim->lines[k]->service->number, claim->claim_id, line->code->code,
                    line->service_date);
            }
        }
    }
    return FAULT_NONE;
}

/* The authorisation that a line rests on: the latest for its code. */
static const Claims__Authorization *authorization_for(const struct desk *desk, const Payer__ServiceLine *line)
{
    for (size_t i = desk->authorization_count; i-- > 0;) {
        const Claims__Authorization *a = desk->authorizations[i];
        for (size_t k = 0; k < a->n_lines; k++) {
            if (a->state != AUTHORIZATION(CANCELLED) && str_same(a->lines[k]->asked->code->code, line->code->code)) {
                return a;
            }
        }
    }
    return NULL;
}

/* Fills in the number where it is known and not given. */
static enum fault edit_authorization(struct decision *d, const struct desk *desk, Payer__ServiceLine *line)
{
    const Claims__Authorization *a = authorization_for(desk, line);
    if (!a || a->state == AUTHORIZATION(NOT_REQUIRED)) {
        return FAULT_NONE;
    }
    if (a->state == AUTHORIZATION(DENIED)) {
        return refuse(
            d, "line %u: the authorisation of %s was denied: appeal it before billing", line->number, line->code->code);
    }
    if (!authorization_is_decided(a)) {
        return refuse(d, "line %u: the authorisation of %s is %s: bill when it is decided", line->number,
            line->code->code, authorization_word(d, a));
    }
    if (str_is_empty(line->authorization_number)) {
        line->authorization_number = a->authorization_number;
    } else if (!str_same(line->authorization_number, a->authorization_number)) {
        return refuse(d, "line %u: the authorisation of %s has the number %s, not %s", line->number, line->code->code,
            a->authorization_number, line->authorization_number);
    }
    return FAULT_NONE;
}

static enum fault edit_sum(struct decision *d, const Claims__SubmitClaim *cmd)
{
    int64_t sum = 0;
    for (size_t i = 0; i < cmd->n_lines; i++) {
        if (!cents_add(sum, cmd->lines[i]->billed_cents, &sum)) {
            return refuse(d, "the lines bill more than can be counted");
        }
    }
    return FAULT_NONE;
}

static enum fault edit(struct decision *d, const struct desk *desk, const Claims__SubmitClaim *cmd)
{
    enum fault fault = edit_sum(d, cmd);
    for (size_t i = 0; !fault && i < cmd->n_lines; i++) {
        fault = edit_code(d, cmd->lines[i]);
        fault = fault ? fault : edit_dates(d, desk, cmd->lines[i]);
        fault = fault ? fault : edit_duplicates(d, desk, cmd, i);
        fault = fault ? fault : edit_authorization(d, desk, cmd->lines[i]);
    }
    if (!fault && cmd->place_of_service &&
        !(strlen(cmd->place_of_service) == 2 && all_digits(cmd->place_of_service, 0, 2))) {
        return refuse(d, "the place of service %s is not two digits", cmd->place_of_service);
    }
    return fault;
}

/* ---- Submitting ---- */

const char *claim_reference(struct decision *d, const Claims__Claim *claim)
{
    return claim->round <= 1 ? claim->claim_id : text_of(d, "%s.r%u", claim->claim_id, claim->round);
}

void ask_claim(struct decision *d, Claims__Claim *claim)
{
    Payer__ClaimQuestion *question = MAKE(d, Payer__ClaimQuestion, payer__claim_question__descriptor);
    question->payer_id = claim->coverage->payer_id;
    question->member = claim->coverage->member;
    question->reference = claim_reference(d, claim);
    question->provider_npi = claim->provider_npi;
    question->place_of_service = claim->place_of_service;
    for (size_t i = 0; i < claim->n_lines; i++) {
        if (claim->lines[i]->state == LINE(OPEN)) {
            APPEND(d, question, lines, claim->lines[i]->service);
        }
    }
    ask(d, payer_lane(d, claim->coverage->payer_id), KIND, claim->claim_id, &question->base);
    const Casebus__ClockRule *rule = clock_rule(d, "claim", claim->coverage->line);
    if (rule && !open_clock(claim->clocks, claim->n_clocks)) {
        Casebus__Clock *clock = start_clock(d, rule, false, claim->zone, d->now_ms);
        APPEND(d, claim, clocks, clock);
        watch_clock(d, clock, KIND, claim->claim_id);
    }
}

static void fill_in(struct decision *d, Claims__Claim *claim, const struct desk *desk, const Claims__SubmitClaim *cmd)
{
    claim->state = CLAIM(SUBMITTED);
    claim->coverage = (Claims__CoverageView *)desk->coverage;
    claim->coverage_id = desk->coverage->coverage_id;
    claim->title = cmd->title;
    claim->provider_npi = cmd->provider_npi;
    claim->provider_name = cmd->provider_name;
    claim->place_of_service = cmd->place_of_service;
    claim->zone = desk->file->zone;
    claim->submitted_at_ms = d->now_ms;
    claim->round = 1;
    for (size_t i = 0; i < cmd->n_lines; i++) {
        Claims__ClaimLine *line = MAKE(d, Claims__ClaimLine, claims__claim_line__descriptor);
        line->service = cmd->lines[i];
        if (line->service->n_diagnoses == 0) {
            line->service->diagnoses = desk->file->diagnoses;
            line->service->n_diagnoses = desk->file->n_diagnoses;
        }
        line->state = LINE(OPEN);
        line->billed_cents = cmd->lines[i]->billed_cents;
        line->open_cents = line->billed_cents;
        APPEND(d, claim, lines, line);
    }
    sum_claim(d, claim);
}

static void say_submitted(struct decision *d, const Claims__Claim *claim)
{
    const Casebus__Clock *clock = open_clock(claim->clocks, claim->n_clocks);
    Claims__ClaimSubmitted *event = MAKE(d, Claims__ClaimSubmitted, claims__claim_submitted__descriptor);
    event->case_id = claim->case_id;
    event->claim_id = claim->claim_id;
    event->title = claim->title;
    event->payer_name = claim->coverage->payer_name;
    event->billed = money_text(d, claim->totals->billed_cents);
    event->due_at_ms = clock ? clock->due_at_ms : 0;
    emit(d, &event->base);
}

enum fault submit_claim(struct decision *d, Claims__Claim *claim, const Claims__SubmitClaim *cmd)
{
    if (claim->state) {
        return refuse(d, "claim %s exists already and is %s", claim->claim_id, claim_word(d, claim));
    }
    Claims__BenefitFile *file = touch_file(d);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (!file) {
        return refuse_missing(d, "case %s has no benefit file: enrol it first", cmd->case_id);
    }
    struct desk *desk = ARENA_NEW(d->arena, struct desk);
    *desk = (struct desk){0};
    load_desk(d, desk, file);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (!desk->coverage) {
        return refuse(d, coverage_is_awaited(file)
                             ? "no payer has confirmed the coverage yet: bill when one has"
                             : "no coverage of this case is active: record one, or bill the patient as self pay");
    }
    if (file->n_claim_ids >= FILE_ITEMS_MAX) {
        return refuse(d, "case %s cannot have more than %d claims", cmd->case_id, FILE_ITEMS_MAX);
    }
    enum fault fault = edit(d, desk, cmd);
    if (fault) {
        return fault;
    }
    fill_in(d, claim, desk, cmd);
    APPEND(d, file, claim_ids, claim->claim_id);
    ask_claim(d, claim);
    say_submitted(d, claim);
    reply(d, &claim->base);
    return FAULT_NONE;
}

enum fault ask_payer_again(struct decision *d, Claims__Claim *claim, const Claims__AskPayerAgain *cmd)
{
    Claims__BenefitFile *file = touch_file(d);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (claim->state != CLAIM(SUBMITTED) || !claim->set_aside) {
        return refuse(d, "claim %s is %s, the payer is asked again only when its answer was set aside", cmd->claim_id,
            claim_word(d, claim));
    }
    SET(claim, set_aside, false);
    claim->round++;
    if (file) {
        close_work(d, file, "answer-set-aside", claim->claim_id);
    }
    ask_claim(d, claim);
    reply(d, &claim->base);
    return FAULT_NONE;
}

/* ---- Timers ---- */

static void payer_is_late(struct decision *d, Claims__BenefitFile *file, const Claims__Claim *claim, unsigned level)
{
    Claims__ClaimOverdue *event = MAKE(d, Claims__ClaimOverdue, claims__claim_overdue__descriptor);
    event->case_id = claim->case_id;
    event->claim_id = claim->claim_id;
    event->title = claim->title;
    event->payer_name = claim->coverage->payer_name;
    event->level = level;
    emit(d, &event->base);
    open_work(
        d, file, "payer-is-late", claim->claim_id, claim->title, "the claim was not answered in time: phone the payer");
}

static void window_closes(struct decision *d, Claims__Claim *claim)
{
    if (claim->state != CLAIM(ANSWERED) || claim->appeal_id) {
        return;
    }
    claim->state = CLAIM(FINALIZED);
    Claims__AppealWindowClosed *event = MAKE(d, Claims__AppealWindowClosed, claims__appeal_window_closed__descriptor);
    event->case_id = claim->case_id;
    event->title = claim->title;
    emit(d, &event->base);
}

enum fault claim_timer(struct decision *d, Claims__Claim *claim, const char *name, int64_t due_at_ms)
{
    (void)due_at_ms;
    Claims__BenefitFile *file = require(d, "benefit_file", d->root, NULL);
    if (d->wants) {
        return FAULT_WANT;
    }
    unsigned level = clock_level(name);
    Casebus__Clock *clock = open_clock(claim->clocks, claim->n_clocks);
    if (level && clock && claim->state == CLAIM(SUBMITTED)) {
        clock_rings(d, clock, level, KIND, claim->claim_id, claim->title, claim->coverage->payer_name);
        if (level >= 3) {
            payer_is_late(d, file, claim, level);
        }
    } else if (strcmp(name, "appeal-window") == 0) {
        window_closes(d, claim);
    }
    return FAULT_NONE;
}

enum fault read_claim(struct decision *d, const Claims__Claim *claim, const Claims__ReadClaim *query)
{
    if (!claim) {
        return refuse_missing(d, "there is no claim %s", query->claim_id);
    }
    reply(d, &claim->base);
    return FAULT_NONE;
}
