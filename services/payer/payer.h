/* The reference insurer: answers for every payer that has not plugged in a service of its own.
 *
 * It stands alone, as any insurer does: payer.proto over the edge, and a book of plans. No store, no other service.
 * Rules decide what rules may decide; a person who is named in the book decides the rest, and only a physician says no
 * for medical necessity:
 *
 *   units within the rule         approved by the rule
 *   more, documents missing       pended, with the list of what is missing
 *   more, a diagnosis that meets  approved by the first reviewer
 *   more, none that meets         a physician says no, with reason and criterion; on appeal another physician looks at
 * the evidence not a member, not a benefit   no, for that reason: it is the contract that says so
 *
 * The same question always gets the same answer while the process lives. What it remembers - accumulators of a member
 * and year, what was granted, what was answered - is in memory (memory.h) and begins anew with the process. */
#ifndef CASEBUS_PAYER_H
#define CASEBUS_PAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/core/arena.h"
#include "common/core/fault.h"
#include "proto/insurers.pb-c.h"
#include "proto/payer.pb-c.h"
#include "services/payer/memory.h"

#define ACTION(name)  PAYER__REVIEW_ACTION__REVIEW_ACTION_##name
#define GROUP(name)   PAYER__ADJUSTMENT_GROUP__ADJUSTMENT_GROUP_##name
#define STATUS(name)  PAYER__COVERAGE_STATUS__COVERAGE_STATUS_##name
#define OUTCOME(name) PAYER__APPEAL_OUTCOME__APPEAL_OUTCOME_##name

/* One call: the plan that is asked, what the insurer remembers, and the facts. Answers live in the arena. */
struct insurer {
    const Insurers__Payer *payer; /* NULL: nobody by that id; everything is answered with "not a member" */
    struct memory *memory;
    struct arena *arena;
    int64_t now_ms;
};

/* ---- book.c ---- */

/* Reads the book of plans from `<seeds>/reference/payers.json`. UNAVAILABLE when it cannot be read, INVALID with file
 * and place. */
enum fault book_load(const char *seeds, struct arena *arena, const Insurers__Payers **out, struct why *why);
const Insurers__Payer *book_find(const Insurers__Payers *book, const char *payer_id);

/* The first benefit that covers the code, by the whole code or a prefix that ends in `*`; NULL: not covered. */
const Insurers__BenefitRule *find_benefit(const Insurers__Payer *payer, const char *code);

/* The first reviewer who may, and is not `other`; NULL: there is none. */
const Insurers__Reviewer *find_reviewer(const Insurers__Payer *payer, bool physician, const char *other);

/* ---- member.c ---- */

/* Whether the member is one of ours on the day, by the form of the card and the dates of the plan; without a card by
 * name, birth date and sex. */
Payer__CoverageStatus member_status(const struct insurer *in, const Payer__Member *member, const char *day);

/* The number of the card as compared: capitals, no spaces or dashes; made of the person where there is none. NULL:
 * unknown. */
const char *member_key(const struct insurer *in, const Payer__Member *member);

Payer__EligibilityAnswer *answer_eligibility(const struct insurer *in, const Payer__EligibilityQuestion *question);

/* Of one member in one calendar year. */
struct account {
    int64_t deductible_cents; /* spent */
    int64_t out_of_pocket_cents;
};
struct account *require_account(const struct insurer *in, const Payer__Member *member, const char *day);
int64_t deductible_left(const struct insurer *in, const struct account *account);
int64_t out_of_pocket_left(const struct insurer *in, const struct account *account); /* INT64_MAX: no limit */

/* ---- review.c ---- */

/* What is said now, and what follows when it has arrived: a review by a person is pended first. */
struct review {
    Payer__AuthorizationAnswer *now;
    Payer__AuthorizationAnswer *then; /* NULL: nothing follows */
};

Payer__AuthorizationNeedAnswer *answer_need(const struct insurer *in, const Payer__AuthorizationNeedQuestion *question);
struct review answer_authorization(const struct insurer *in, const Payer__AuthorizationQuestion *question);

/* ---- grant.c: authorisation numbers ---- */

/* The number of what is granted under a reference: it carries a check, so that one of ours is known also by a process
 * that has forgotten what it granted. */
const char *grant_number(const struct insurer *in, const Payer__Member *member, const char *reference);

/* Remembers the units of each line's decision, which stands where its line stands. No dates: any day. */
void grant(const struct insurer *in, const Payer__Member *member, const char *number, Payer__ServiceLine *const *lines,
    Payer__LineDecision *const *decisions, size_t count, const char *from_date, const char *to_date);

/* NULL when the line may be paid under the number that it gives; else the CARC: 197 absent, 15 not ours, 198 exceeded
 * or out of its dates. And once it is paid: its units are used. */
const char *grant_carc(const struct insurer *in, const Payer__Member *member, const Payer__ServiceLine *line);
void use_grant(const struct insurer *in, const Payer__Member *member, const Payer__ServiceLine *line);

/* ---- price.c: what is paid ---- */

struct share {
    int64_t copay_cents;
    int64_t deductible_cents;
    int64_t coinsurance_cents;
};

/* What the member bears of an allowed amount: copay, deductible, coinsurance half-up; over what is left out of pocket,
 * coinsurance is cut first, then copay, then deductible. */
struct share cost_share(const Insurers__BenefitRule *rule, int64_t allowed_cents, bool copay_due,
    int64_t deductible_left_cents, int64_t out_of_pocket_left_cents);

Payer__ClaimAnswer *answer_claim(const struct insurer *in, const Payer__ClaimQuestion *question);

/* ---- appeal.c ---- */

Payer__AppealAnswer *answer_appeal(const struct insurer *in, const Payer__AppealQuestion *question);

/* ---- answer.c ---- */

/* Packed answers of one question, with their subject. */
struct answers {
    const char *subject;
    const uint8_t *now;
    size_t now_size;
    const uint8_t *then; /* NULL: nothing follows */
    size_t then_size;
};

/* Answers the question of a task. INVALID with a sentence when the subject is no question or the body breaks the
 * contract. */
enum fault answer_question(const struct insurer *in, const char *subject, const char *task_id, const uint8_t *body,
    size_t size, struct answers *out, struct why *why);

#endif
