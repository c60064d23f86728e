#include "common/core/date.h"
#include "common/core/slice.h"
#include "common/core/zone.h"
#include "services/intake/duty.h"
#include "services/intake/instrument.h"
#include "services/intake/intake.h"

/* "PHQ-9: over the last 2 weeks ..." is PHQ-9 in a sentence. */
static const char *short_name(struct decision *d, const Casebus__Instrument *instrument)
{
    struct slice rest = slice_of(instrument->name), first;
    if (rest.size == 0 || !slice_take_field(&rest, ':', &first)) {
        return instrument->id;
    }
    return text_of(d, "%.*s", (int)first.size, first.at);
}

static const char *say_result(struct decision *d, const Intake__Score *score)
{
    if (score->not_computable != NULL) {
        return text_of(d, "not computable: %s", score->not_computable);
    }
    return text_of(d, "%u, %s", score->value, score->band != NULL ? score->band : "in no band");
}

static void emit_completed(struct decision *d, const Intake__Assessment *assessment, const char *name)
{
    Intake__AssessmentCompleted *event = MAKE(d, Intake__AssessmentCompleted, intake__assessment_completed__descriptor);
    event->case_id = assessment->case_id;
    event->assessment_id = assessment->assessment_id;
    event->instrument = assessment->instrument;
    event->instrument_name = name;
    event->score = assessment->score;
    event->result = say_result(d, assessment->score);
    emit(d, &event->base);
}

/* Whatever the total is, and also when there is none. */
static void raise_alarm(struct decision *d, Intake__Case *c, const Intake__Assessment *assessment, const char *name)
{
    const Casebus__WorkItem *item = work_open(d, c, "critical-answer", ROLE(NURSE), NULL,
        text_of(d, "critical answer in %s: assess the risk with the patient, 988 given, supervisor told", name));
    Intake__CriticalAnswerGiven *event =
        MAKE(d, Intake__CriticalAnswerGiven, intake__critical_answer_given__descriptor);
    event->case_id = c->case_id;
    event->assessment_id = assessment->assessment_id;
    event->instrument_name = name;
    event->items = assessment->critical_items;
    event->n_items = assessment->n_critical_items;
    event->due_at_ms = item->due_at_ms;
    emit(d, &event->base);
}

static void fill(struct decision *d, Intake__Assessment *assessment, const Intake__AnswerQuestionnaire *cmd,
    const Intake__Case *c, const Casebus__Instrument *instrument, const struct answers *answers)
{
    char day[DATE_SIZE];
    assessment->instrument = instrument->id;
    assessment->instrument_version = instrument->version;
    assessment->answers = cmd->answers;
    assessment->n_answers = cmd->n_answers;
    assessment->score = instrument_score(d, instrument, answers);
    assessment->score->as_of_date = text_of(d, "%s", date_format(day, zone_date(case_zone(d, c), d->now_ms)));
    assessment->answered_by = d->actor.id;
    assessment->simulated = d->actor.simulated;
    assessment->at_ms = d->now_ms;
    for (size_t i = 0; i < instrument->n_items; i++) {
        if (item_is_critical(instrument->items[i], answers->score[i])) {
            APPEND(d, assessment, critical_items, instrument->items[i]->code);
        }
    }
}

enum fault answer_questionnaire(
    struct decision *d, Intake__Assessment *assessment, const Intake__AnswerQuestionnaire *cmd)
{
    Intake__Case *c = touch(d, "case", cmd->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (c == NULL) {
        return refuse_missing(d, "there is no case %s", cmd->case_id);
    }
    if (!is_new(d, assessment)) {
        return refuse(d, "this questionnaire was answered before");
    }
    if (case_has_ended(c) || c->state == CASE_STATE(IDENTIFIED)) {
        return refuse(d, "the case is %s, questionnaires are answered from outreach to closing", case_word(d, c));
    }
    const Casebus__Instrument *instrument = reference_find(d, &casebus__instrument__descriptor, cmd->instrument);
    if (instrument == NULL) {
        return refuse(d, "there is no questionnaire %s", cmd->instrument);
    }
    struct answers answers;
    enum fault fault = answers_read(d, instrument, cmd->answers, cmd->n_answers, &answers);
    if (fault != FAULT_NONE) {
        return fault;
    }
    fill(d, assessment, cmd, c, instrument, &answers);
    c->simulated |= d->actor.simulated;
    if (c->state == CASE_STATE(ENROLLED)) {
        c->state = CASE_STATE(ASSESSING);
    }
    clock_stop(d, c, "assessment-start");
    const char *name = short_name(d, instrument);
    emit_completed(d, assessment, name);
    if (assessment->n_critical_items > 0) {
        raise_alarm(d, c, assessment, name);
    } else if (safety_item_is_open(instrument, &answers) && work_open_of_kind(c, "safety-question") == NULL) {
        work_open(
            d, c, "safety-question", ROLE(NURSE), NULL, text_of(d, "the safety question of %s was left open", name));
    }
    case_sort(d, c);
    reply(d, &assessment->base);
    return FAULT_NONE;
}
