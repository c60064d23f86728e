/* Claims: the network's desk. Coverage, authorisations, claims and appeals, with every clock and every cent.
 *
 * Who decides what:
 *   coverage       whether a member is covered: asks the payer, once a day at most; its own root (coverage.c)
 *   benefit file   what the desk knows of one case, and what a person must look at (file.c)
 *   authorisation  draft -> not-required | submitted -> [pended] -> approved | partial | denied (authorization.c,
 * decision.c) approved -> exhausted | expired (units.c) claim          submitted -> answered | finalized; a denied line
 * can be appealed (claim.c, payment.c) appeal         received | submitted -> overturned | partly-overturned | upheld |
 * dismissed (appeal.c, appeal_answer.c)
 *
 * A payer's answer is hostile input: what cannot be true is set aside for a person and never applied. A clock that runs
 * out invents no decision: it escalates, and tells what the member may do. */
#ifndef CASEBUS_CLAIMS_H
#define CASEBUS_CLAIMS_H

#include "common/core/date.h"
#include "common/service/service.h"
#include "proto/claims.pb-c.h"
#include "proto/insurers.pb-c.h"
#include "proto/intake.pb-c.h"
#include "proto/planning.pb-c.h"
#include "proto/scheduling.pb-c.h"

extern const struct service CLAIMS;

#define COVERAGE(name)      CLAIMS__COVERAGE_STATE__COVERAGE_STATE_##name
#define AUTHORIZATION(name) CLAIMS__AUTHORIZATION_STATE__AUTHORIZATION_STATE_##name
#define CLAIM(name)         CLAIMS__CLAIM_STATE__CLAIM_STATE_##name
#define LINE(name)          CLAIMS__LINE_STATE__LINE_STATE_##name
#define APPEAL(name)        CLAIMS__APPEAL_STATE__APPEAL_STATE_##name
#define BUSINESS(name)      CASEBUS__LINE_OF_BUSINESS__LINE_OF_BUSINESS_##name
#define ROLE(name)          CASEBUS__ROLE__ROLE_##name

/* Where our own condition groups stand as codes, for lack of anything better in an enrolment. */
#define CONDITION_GROUP_SYSTEM "urn:casebus:condition-group"

enum {
    COVERAGE_FRESH_HOURS = 24, /* An answer of the payer is good for so long. */
    COVERAGE_CASES_MAX = 32,   /* Latest cases of a person that hear when the payer says something new. */
    FILE_ITEMS_MAX = 100,      /* Authorisations, claims, appeals of one case, each. */
    FILE_WORK_MAX = 50,
    PLANNED_SERVICES_MAX = 8,  /* Authorisations drafted per plan agreed. */
    AUTHORIZATION_DAYS = 90,   /* Asked for, where nobody says how long. */
    DRAFTS_AT_ONCE = 16,       /* Each leaves an event or a question, and a decision holds only so many. */
    DRAFT_HOURS = 24,          /* After which a person asks why the payer is silent. */
    RENEWAL_DAYS = 14,         /* Before the end of an authorisation. */
    RENEWAL_USED_PERCENT = 80, /* Of its units. */
    WORK_HOURS = 24,           /* For whatever is put before a person. */
    OVERDUE_AGAIN_DAYS = 7,
    DIAGNOSES_MAX = 12,
};

/* ---- file.c: what the desk knows of one case ---- */

/* A case was enrolled: opens its file and records each coverage whose payer is known. */
enum fault open_file(struct decision *d, const Intake__CaseEnrolled *event);
enum fault link_coverage(struct decision *d, Claims__BenefitFile *file, const Claims__LinkCoverage *cmd);
enum fault read_benefit_file(struct decision *d, const Claims__BenefitFile *file, const Claims__ReadBenefitFile *query);

/* The file of this decision's root, to be changed; NULL when there is none, and until it is loaded. */
Claims__BenefitFile *touch_file(struct decision *d);

/* The first coverage, in order of payment, that the payer says is active; NULL when there is none. */
Claims__CoverageView *active_coverage(const Claims__BenefitFile *file);

/* Whether some coverage has not been answered for yet. */
bool coverage_is_awaited(const Claims__BenefitFile *file);

/* Puts work before a person of the desk, once per kind and subject as long as it is open; and takes it away. */
void open_work(struct decision *d, Claims__BenefitFile *file, const char *kind, const char *subject_id,
    const char *title, const char *because);
void close_work(struct decision *d, Claims__BenefitFile *file, const char *kind, const char *subject_id);

/* An answer that cannot be true: event and work. The caller leaves its state as it is. */
void set_answer_aside(struct decision *d, Claims__BenefitFile *file, const char *subject_id, const char *title,
    const char *payer_name, const char *why);

/* ---- coverage.c ---- */

enum fault record_coverage(struct decision *d, Claims__Coverage *coverage, const Claims__RecordCoverage *cmd);
enum fault coverage_answered(struct decision *d, Claims__Coverage *coverage, const Payer__EligibilityAnswer *answer);

/* Payers by the name or alias, whatever the case, from *cursor = 0; NULL after the last. A name may stand for several:
 * dual eligible is Medicare and Medicaid. */
const Insurers__Payer *next_payer(struct decision *d, const char *name, size_t *cursor);

/* ---- clock.c: legal time ---- */

/* The rule of that name that binds the line of business, or NULL. */
const Casebus__ClockRule *clock_rule(struct decision *d, const char *name, Casebus__LineOfBusiness line);

/* When the rule's time is over: hours run through nights and weekends, days end with the day in the zone. */
int64_t clock_due(struct decision *d, const Casebus__ClockRule *rule, bool urgent, const char *zone, int64_t from_ms);

/* A running clock of the rule. It happened at `from_ms`; nothing starts later than now. */
Casebus__Clock *start_clock(
    struct decision *d, const Casebus__ClockRule *rule, bool urgent, const char *zone, int64_t from_ms);

/* The running or overdue one of a list, or NULL. */
Casebus__Clock *open_clock(Casebus__Clock *const *clocks, size_t count);

/* Stops it now, met or met late; its timers are cancelled. A NULL clock is none. */
void stop_clock(struct decision *d, Casebus__Clock *clock, const char *kind, const char *key, int64_t at_ms);

/* Timers at 80, 95 and 100 % of the clock's time on an aggregate. */
void watch_clock(struct decision *d, const Casebus__Clock *clock, const char *kind, const char *key);

/* What a timer of a watched clock means: 1 for 80 %, 2 for 95 %, 3 for 100 %, 4 for every week after; 0 for another
 * timer. */
unsigned clock_level(const char *timer_name);

/* Marks the clock, raises its level and sets the next timer; emits PayerReminded up to 95 %. */
void clock_rings(struct decision *d, Casebus__Clock *clock, unsigned level, const char *kind, const char *key,
    const char *title, const char *payer_name);

/* The last moment of the day, `days` after, in the zone. */
int64_t end_of_day_after(struct decision *d, const char *zone, int64_t from_ms, int days);
struct date today(struct decision *d, const char *zone);
const char *date_text(struct decision *d, struct date date);

/* What the line of business gives a member who is told no. Never NULL: the commercial right stands in for a line
 * without one. */
const Claims__AppealRight *appeal_right(struct decision *d, Casebus__LineOfBusiness line);

/* ---- words.c ---- */

/* What a member is told about a reason code; NULL when the code is in no list. */
const char *plain_reason(struct decision *d, const char *code, const char *language);
const char *money_text(struct decision *d, int64_t cents);
bool speaks_spanish(const char *language);

/* ---- authorization.c ---- */

enum fault draft_authorizations(struct decision *d, const Planning__PlanAgreed *event);
enum fault request_authorization(struct decision *d, Claims__Authorization *a, const Claims__RequestAuthorization *cmd);
enum fault send_documents(struct decision *d, Claims__Authorization *a, const Claims__SendDocuments *cmd);
enum fault need_answered(struct decision *d, Claims__Authorization *a, const Payer__AuthorizationNeedAnswer *answer);
enum fault read_authorization(
    struct decision *d, const Claims__Authorization *a, const Claims__ReadAuthorization *query);

/* Goes on with drafts that waited for a coverage, DRAFTS_AT_ONCE at most; true when some are left for another turn.
 * Sets d->wants until they are loaded. */
bool continue_drafts(struct decision *d, Claims__BenefitFile *file);

const char *authorization_word(struct decision *d, const Claims__Authorization *a);
bool authorization_is_with_payer(const Claims__Authorization *a);
bool authorization_is_decided(const Claims__Authorization *a);
void ask_authorization(struct decision *d, const Claims__Authorization *a);

/* ---- decision.c: what a payer decides on an authorisation ---- */

enum fault authorization_answered(
    struct decision *d, Claims__Authorization *a, const Payer__AuthorizationAnswer *answer);
enum fault authorization_timer(struct decision *d, Claims__Authorization *a, const char *name, int64_t due_at_ms);

/* What line decisions say that cannot be true, in one sentence, or NULL. */
const char *lines_lie(
    struct decision *d, const Claims__Authorization *a, Payer__LineDecision *const *lines, size_t count);

/* Approves, wholly or in part: units per line, those asked where a line is not named; dates, those asked where none are
 * given. */
void approve(struct decision *d, Claims__Authorization *a, Payer__LineDecision *const *lines, size_t count,
    const char *number, const char *from_date, const char *to_date);

/* Tells what was decided. `denied` in part or whole opens the window to appeal. */
void say_decided(struct decision *d, Claims__Authorization *a, const char *language);

/* ---- units.c ---- */

enum fault use_units(struct decision *d, const Scheduling__AppointmentFulfilled *event);
uint32_t units_approved(const Claims__Authorization *a);
uint32_t units_used(const Claims__Authorization *a);
void end_of_dates(struct decision *d, Claims__Authorization *a);
void renewal_is_due(struct decision *d, Claims__Authorization *a, const char *what);

/* ---- claim.c ---- */

enum fault submit_claim(struct decision *d, Claims__Claim *claim, const Claims__SubmitClaim *cmd);
enum fault ask_payer_again(struct decision *d, Claims__Claim *claim, const Claims__AskPayerAgain *cmd);
enum fault claim_timer(struct decision *d, Claims__Claim *claim, const char *name, int64_t due_at_ms);
enum fault read_claim(struct decision *d, const Claims__Claim *claim, const Claims__ReadClaim *query);

/* CPT: four digits and a digit, F, T, U or M. HCPCS II: A to V and four digits. */
bool code_is_billable(const char *code);

/* Asks what is paid for the open lines, under a reference of this round. */
void ask_claim(struct decision *d, Claims__Claim *claim);
const char *claim_reference(struct decision *d, const Claims__Claim *claim);
const char *claim_word(struct decision *d, const Claims__Claim *claim);

/* ---- payment.c: what a payer pays ---- */

enum fault claim_answered(struct decision *d, Claims__Claim *claim, const Payer__ClaimAnswer *answer);

/* What the answer says that cannot be true, in one sentence, or NULL: every open line once, no other; per line
 * billed = paid + adjustments to the cent, nothing negative, nothing overflowing. */
const char *payment_lies(struct decision *d, const Claims__Claim *claim, const Payer__ClaimAnswer *answer);

/* Totals of the lines. It is a bug of ours when a line does not balance. */
void sum_claim(struct decision *d, Claims__Claim *claim);

/* ---- appeal.c, appeal_answer.c ---- */

enum fault file_appeal(struct decision *d, Claims__Appeal *appeal, const Claims__FileAppeal *cmd);
enum fault appeal_answered(struct decision *d, Claims__Appeal *appeal, const Payer__AppealAnswer *answer);
enum fault appeal_timer(struct decision *d, Claims__Appeal *appeal, const char *name, int64_t due_at_ms);
enum fault read_appeal(struct decision *d, const Claims__Appeal *appeal, const Claims__ReadAppeal *query);
const char *appeal_word(struct decision *d, const Claims__Appeal *appeal);

#endif
