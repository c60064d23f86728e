#include "common/core/slice.h"
#include "services/intake/duty.h"
#include "services/intake/intake.h"

/* Planning drafts from the enrolment, so a draft may come before any questionnaire. A later revision moves nothing
 * back. */
enum fault plan_drafted(struct decision *d, const Planning__PlanDrafted *event)
{
    Intake__Case *c = touch(d, "case", event->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (c == NULL || (c->state != CASE_STATE(ENROLLED) && c->state != CASE_STATE(ASSESSING))) {
        return FAULT_NONE;
    }
    c->state = CASE_STATE(PLANNING);
    c->plan_id = event->plan_id;
    clock_start(d, c, "care-plan", d->now_ms);
    case_sort(d, c);
    return FAULT_NONE;
}

enum fault plan_agreed(struct decision *d, const Planning__PlanAgreed *event)
{
    Intake__Case *c = touch(d, "case", event->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (c == NULL ||
        (c->state != CASE_STATE(ENROLLED) && c->state != CASE_STATE(ASSESSING) && c->state != CASE_STATE(PLANNING))) {
        return FAULT_NONE;
    }
    c->state = CASE_STATE(ACTIVE);
    c->plan_id = event->plan_id;
    c->simulated |= event->simulated;
    clock_stop(d, c, "care-plan");
    case_sort(d, c);

    Intake__CaseActivated *activated = MAKE(d, Intake__CaseActivated, intake__case_activated__descriptor);
    activated->case_id = c->case_id;
    activated->plan_id = c->plan_id;
    emit(d, &activated->base);
    return FAULT_NONE;
}

enum fault plan_ended(struct decision *d, const Planning__PlanEnded *event)
{
    Intake__Case *c = touch(d, "case", event->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (c == NULL || c->state != CASE_STATE(ACTIVE) || work_open_of_kind(c, "plan-ended") != NULL) {
        return FAULT_NONE;
    }
    work_open(d, c, "plan-ended", ROLE(NURSE), NULL, text_of(d, "plan %s: %s", event->how, event->summary));
    case_sort(d, c);
    return FAULT_NONE;
}
