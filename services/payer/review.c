#include <string.h>

#include "common/core/date.h"
#include "common/core/instant.h"
#include "common/core/slice.h"
#include "services/payer/payer.h"

/* ---- Is it needed? ---- */

static void add_documents(
    const struct insurer *in, const char ***list, size_t *count, const Insurers__BenefitRule *rule)
{
    const char **longer = ARENA_ARRAY(in->arena, const char *, *count + rule->n_documents);
    memcpy(longer, *list ? *list : longer, *count * sizeof *longer);
    for (size_t i = 0; i < rule->n_documents; i++) {
        bool known = false;
        for (size_t k = 0; k < *count; k++) {
            known |= str_same(longer[k], rule->documents[i]);
        }
        if (!known) {
            longer[(*count)++] = rule->documents[i];
        }
    }
    *list = longer;
}

/* What is no benefit is asked for too: so the member hears a no before the care and not after it. */
Payer__AuthorizationNeedAnswer *answer_need(const struct insurer *in, const Payer__AuthorizationNeedQuestion *question)
{
    Payer__AuthorizationNeedAnswer *answer = ARENA_NEW(in->arena, Payer__AuthorizationNeedAnswer);
    payer__authorization_need_answer__init(answer);
    answer->has_required = true;
    for (size_t i = 0; i < question->n_lines; i++) {
        const Insurers__BenefitRule *rule = find_benefit(in->payer, question->lines[i]->code->code);
        bool required = !rule || rule->authorization_required;
        if (!answer->rule_id || (required && !answer->required)) {
            answer->rule_id = rule ? rule->rule_id : "no-benefit";
        }
        answer->required |= required;
        if (rule && required) {
            add_documents(in, &answer->documents, &answer->n_documents, rule);
        }
    }
    return answer;
}

/* ---- One line ---- */

enum desk { BY_RULE, BY_REVIEWER, BY_PHYSICIAN, INCOMPLETE, NOBODY };

static bool has_text(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (str_same(list[i], text)) {
            return true;
        }
    }
    return false;
}

static bool diagnosis_meets(const Insurers__BenefitRule *rule, const Payer__ServiceLine *line)
{
    for (size_t i = 0; i < line->n_diagnoses; i++) {
        if (has_text((const char *const *)rule->diagnoses, rule->n_diagnoses, line->diagnoses[i]->code)) {
            return true;
        }
    }
    return rule->n_diagnoses == 0;
}

static bool is_complete(const Insurers__BenefitRule *rule, const Payer__AuthorizationQuestion *question)
{
    for (size_t i = 0; i < rule->n_documents; i++) {
        if (!has_text((const char *const *)question->documents, question->n_documents, rule->documents[i])) {
            return false;
        }
    }
    return !str_is_empty(question->clinical_note);
}

/* Who decides on the line. */
static enum desk desk_for(
    const struct insurer *in, const Payer__AuthorizationQuestion *question, const Payer__ServiceLine *line)
{
    const Insurers__BenefitRule *rule = find_benefit(in->payer, line->code->code);
    if (!rule || !rule->authorization_required || line->units <= rule->units_without_review) {
        return BY_RULE;
    }
    if (!is_complete(rule, question)) {
        return INCOMPLETE;
    }
    bool meets = diagnosis_meets(rule, line);
    return !find_reviewer(in->payer, !meets, NULL) ? NOBODY : meets ? BY_REVIEWER : BY_PHYSICIAN;
}

static Payer__LineDecision *decide_line(const struct insurer *in, const Payer__ServiceLine *line, enum desk desk)
{
    const Insurers__BenefitRule *rule = find_benefit(in->payer, line->code->code);
    Payer__LineDecision *decision = ARENA_NEW(in->arena, Payer__LineDecision);
    payer__line_decision__init(decision);
    decision->has_number = decision->has_action = decision->has_units = true;
    decision->number = line->number;
    if (!rule) {
        decision->action = ACTION(NOT_CERTIFIED);
        decision->reason_code = "not-covered-benefit";
        decision->reason = arena_printf(in->arena, "%s is no benefit of this plan", line->code->code);
    } else if (desk == BY_PHYSICIAN) {
        decision->action = ACTION(NOT_CERTIFIED);
        decision->reason_code = "not-medically-necessary";
        decision->reason = rule->criterion ? rule->criterion : "the record does not show the need";
    } else {
        decision->action = ACTION(CERTIFIED);
        decision->units = line->units;
    }
    return decision;
}

/* ---- The whole request ---- */

static Payer__AuthorizationAnswer *new_answer(const struct insurer *in, Payer__ReviewAction action)
{
    Payer__AuthorizationAnswer *answer = ARENA_NEW(in->arena, Payer__AuthorizationAnswer);
    payer__authorization_answer__init(answer);
    answer->has_action = answer->has_received_at_ms = true;
    answer->action = action;
    answer->received_at_ms = in->now_ms;
    return answer;
}

static Payer__ReviewAction action_of(const Payer__AuthorizationAnswer *answer)
{
    size_t certified = 0;
    for (size_t i = 0; i < answer->n_lines; i++) {
        certified += answer->lines[i]->action == ACTION(CERTIFIED);
    }
    return certified == answer->n_lines ? ACTION(CERTIFIED) : certified > 0 ? ACTION(PARTIAL) : ACTION(NOT_CERTIFIED);
}

static void sign(const struct insurer *in, Payer__AuthorizationAnswer *answer,
    const Payer__AuthorizationQuestion *question, enum desk desk)
{
    const Insurers__BenefitRule *rule = NULL;
    for (size_t i = 0; i < question->n_lines && (!rule || desk_for(in, question, question->lines[i]) == desk); i++) {
        const Insurers__BenefitRule *found = find_benefit(in->payer, question->lines[i]->code->code);
        rule = found ? found : rule;
    }
    answer->has_decided_at_ms = true;
    answer->decided_at_ms = in->now_ms;
    answer->decided_by = desk == BY_RULE ? arena_printf(in->arena, "rule %s", rule ? rule->rule_id : "no-benefit")
                                         : find_reviewer(in->payer, desk == BY_PHYSICIAN, NULL)->name;
    answer->criterion = rule ? (rule->criterion && desk != BY_RULE ? rule->criterion : rule->rule_id) : "no-benefit";
}

static Payer__AuthorizationAnswer *decide(
    const struct insurer *in, const Payer__AuthorizationQuestion *question, enum desk desk)
{
    Payer__AuthorizationAnswer *answer = new_answer(in, ACTION(PENDED));
    answer->lines = ARENA_ARRAY(in->arena, Payer__LineDecision *, question->n_lines);
    for (size_t i = 0; i < question->n_lines; i++) {
        answer->lines[answer->n_lines++] =
            decide_line(in, question->lines[i], desk_for(in, question, question->lines[i]));
    }
    answer->action = action_of(answer);
    sign(in, answer, question, desk);
    if (answer->action == ACTION(NOT_CERTIFIED)) {
        return answer;
    }
    answer->authorization_number = grant_number(in, question->member, question->reference);
    answer->from_date = question->from_date;
    answer->to_date = question->to_date;
    grant(in, question->member, answer->authorization_number, question->lines, answer->lines, answer->n_lines,
        question->from_date, question->to_date);
    return answer;
}

static Payer__AuthorizationAnswer *pend(
    const struct insurer *in, const Payer__AuthorizationQuestion *question, bool incomplete)
{
    Payer__AuthorizationAnswer *answer = new_answer(in, ACTION(PENDED));
    for (size_t i = 0; incomplete && i < question->n_lines; i++) {
        const Insurers__BenefitRule *rule = find_benefit(in->payer, question->lines[i]->code->code);
        if (rule && desk_for(in, question, question->lines[i]) == INCOMPLETE) {
            add_documents(in, &answer->documents, &answer->n_documents, rule);
        }
    }
    if (incomplete && str_is_empty(question->clinical_note)) {
        const char **longer = ARENA_ARRAY(in->arena, const char *, answer->n_documents + 1);
        memcpy(longer + 1, answer->documents ? answer->documents : longer, answer->n_documents * sizeof *longer);
        longer[0] = "clinical-note";
        answer->documents = longer;
        answer->n_documents++;
    }
    return answer;
}

/* No member, no coverage: the contract says no, not medicine. */
static Payer__AuthorizationAnswer *not_a_member(const struct insurer *in, const Payer__AuthorizationQuestion *question)
{
    Payer__AuthorizationAnswer *answer = new_answer(in, ACTION(NOT_CERTIFIED));
    answer->lines = ARENA_ARRAY(in->arena, Payer__LineDecision *, question->n_lines);
    for (size_t i = 0; i < question->n_lines; i++) {
        Payer__LineDecision *decision = decide_line(in, question->lines[i], BY_RULE);
        decision->action = ACTION(NOT_CERTIFIED);
        decision->units = 0;
        decision->reason_code = "not-eligible";
        decision->reason = "the member is not covered on these days";
        answer->lines[answer->n_lines++] = decision;
    }
    answer->has_decided_at_ms = true;
    answer->decided_at_ms = in->now_ms;
    answer->decided_by = "rule eligibility";
    answer->criterion = "eligibility";
    return answer;
}

struct review answer_authorization(const struct insurer *in, const Payer__AuthorizationQuestion *question)
{
    if (member_status(in, question->member, question->from_date) != STATUS(ACTIVE)) {
        return (struct review){.now = not_a_member(in, question)};
    }
    enum desk highest = BY_RULE;
    for (size_t i = 0; i < question->n_lines; i++) {
        enum desk desk = desk_for(in, question, question->lines[i]);
        highest = desk > highest ? desk : highest;
    }
    switch (highest) {
    case BY_RULE:
        return (struct review){.now = decide(in, question, BY_RULE)};
    case BY_REVIEWER:
    case BY_PHYSICIAN:
        return (struct review){.now = pend(in, question, false), .then = decide(in, question, highest)};
    case INCOMPLETE:
        return (struct review){.now = pend(in, question, true)};
    case NOBODY:
        break;
    }
    return (struct review){.now = pend(in, question, false)};
}
