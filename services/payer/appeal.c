#include <string.h>

#include "common/core/slice.h"
#include "services/payer/payer.h"

/* Evidence is `<kind>` or `<kind>:<reference>`. */
static bool is_of_kind(const char *evidence, const char *kind)
{
    size_t size = strcspn(evidence, ":");
    return size == strlen(kind) && strncmp(evidence, kind, size) == 0;
}

static bool evidence_meets(const Insurers__BenefitRule *rule, const Payer__AppealQuestion *question)
{
    for (size_t i = 0; i < question->n_evidence; i++) {
        for (size_t k = 0; k < rule->n_overturned_by; k++) {
            if (is_of_kind(question->evidence[i], rule->overturned_by[k])) {
                return true;
            }
        }
    }
    return false;
}

static Payer__LineDecision *look_again(
    const struct insurer *in, const Payer__AppealQuestion *question, const Payer__ServiceLine *line, bool nobody_else)
{
    const Insurers__BenefitRule *rule = find_benefit(in->payer, line->code->code);
    Payer__LineDecision *decision = ARENA_NEW(in->arena, Payer__LineDecision);
    payer__line_decision__init(decision);
    decision->has_number = decision->has_action = decision->has_units = true;
    decision->number = line->number;
    if (rule && (nobody_else || evidence_meets(rule, question))) {
        decision->action = ACTION(CERTIFIED);
        decision->units = line->units;
    } else {
        decision->action = ACTION(NOT_CERTIFIED);
        decision->reason_code = rule ? "not-medically-necessary" : "not-covered-benefit";
    }
    return decision;
}

static const char *reason_of(Payer__AppealOutcome outcome, bool nobody_else)
{
    switch (outcome) {
    case OUTCOME(OVERTURNED):
    case OUTCOME(PARTLY_OVERTURNED):
        return nobody_else ? "no reviewer other than the first could look at it" : "the new records meet the criterion";
    case OUTCOME(DISMISSED):
        return "there is nothing that this plan may decide";
    case OUTCOME(UPHELD):
    case OUTCOME(UNSPECIFIED):
    case _PAYER__APPEAL_OUTCOME_IS_INT_SIZE:
        break;
    }
    return "nothing new in the records meets the criterion";
}

static Payer__AppealOutcome outcome_of(const Payer__AppealAnswer *answer)
{
    size_t won = 0;
    for (size_t i = 0; i < answer->n_lines; i++) {
        won += answer->lines[i]->units > 0;
    }
    return answer->n_lines == 0     ? OUTCOME(DISMISSED)
           : won == answer->n_lines ? OUTCOME(OVERTURNED)
           : won > 0                ? OUTCOME(PARTLY_OVERTURNED)
                                    : OUTCOME(UPHELD);
}

/* The first no came from the first physician of the book: another looks now. Where there is no other, the member is
 * given the care: nobody judges his own decision. */
Payer__AppealAnswer *answer_appeal(const struct insurer *in, const Payer__AppealQuestion *question)
{
    const Insurers__Reviewer *first = in->payer ? find_reviewer(in->payer, true, NULL) : NULL;
    const Insurers__Reviewer *other = first ? find_reviewer(in->payer, true, first->name) : NULL;
    bool nobody_else = in->payer && !other;
    Payer__AppealAnswer *answer = ARENA_NEW(in->arena, Payer__AppealAnswer);
    payer__appeal_answer__init(answer);
    answer->has_outcome = answer->has_received_at_ms = answer->has_decided_at_ms = true;
    answer->received_at_ms = answer->decided_at_ms = in->now_ms;
    answer->decided_by = other ? other->name : "appeals desk";
    if (in->payer && member_key(in, question->member)) {
        answer->lines = ARENA_ARRAY(in->arena, Payer__LineDecision *, question->n_lines);
        for (size_t i = 0; i < question->n_lines; i++) {
            answer->lines[answer->n_lines++] = look_again(in, question, question->lines[i], nobody_else);
        }
    }
    answer->outcome = outcome_of(answer);
    answer->reason = reason_of(answer->outcome, nobody_else);
    if (answer->outcome == OUTCOME(OVERTURNED) || answer->outcome == OUTCOME(PARTLY_OVERTURNED)) {
        answer->authorization_number = grant_number(in, question->member, question->reference);
        grant(in, question->member, answer->authorization_number, question->lines, answer->lines, answer->n_lines, NULL,
            NULL);
    }
    return answer;
}
