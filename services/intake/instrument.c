#include "services/intake/instrument.h"

#include "common/core/slice.h"
#include "common/service/say.h"

#define PHQ9_TOTAL "44261-6"

static size_t item_place(const Casebus__Instrument *instrument, const char *code)
{
    size_t i = 0;
    while (i < instrument->n_items && !str_same(instrument->items[i]->code, code)) {
        i++;
    }
    return i;
}

static const Casebus__InstrumentAnswer *answer_of(const Casebus__Instrument *instrument, const char *code)
{
    for (size_t i = 0; i < instrument->n_answers; i++) {
        if (str_same(instrument->answers[i]->code, code)) {
            return instrument->answers[i];
        }
    }
    return NULL;
}

enum fault answers_read(struct decision *d, const Casebus__Instrument *instrument, Intake__ItemAnswer *const *told,
    size_t count, struct answers *out)
{
    struct answers answers = {.item_count = instrument->n_items};
    for (size_t i = 0; i < INSTRUMENT_ITEMS_MAX; i++) {
        answers.score[i] = NOT_ANSWERED;
    }
    for (size_t i = 0; i < count; i++) {
        size_t place = item_place(instrument, told[i]->item);
        const Casebus__InstrumentAnswer *answer = answer_of(instrument, told[i]->answer);
        if (place == instrument->n_items || place >= INSTRUMENT_ITEMS_MAX) {
            return refuse(d, "%s has no item %s", instrument->id, told[i]->item);
        }
        if (answer == NULL) {
            return refuse(d, "%s has no answer %s", instrument->id, told[i]->answer);
        }
        if (answers.score[place] != NOT_ANSWERED) {
            return refuse(d, "the item %s is answered twice", told[i]->item);
        }
        answers.score[place] = (int)answer->score;
        answers.answered++;
    }
    *out = answers;
    return FAULT_NONE;
}

bool answers_total(const Casebus__Instrument *instrument, const struct answers *answers, uint32_t *out)
{
    size_t open = answers->item_count - answers->answered;
    if (answers->answered == 0 || open > instrument->most_missing) {
        return false;
    }
    size_t sum = 0;
    for (size_t i = 0; i < answers->item_count; i++) {
        sum += answers->score[i] == NOT_ANSWERED ? 0 : (size_t)answers->score[i];
    }
    *out = (uint32_t)((2 * sum * answers->item_count + answers->answered) / (2 * answers->answered));
    return true;
}

const Casebus__Band *band_of(const Casebus__Instrument *instrument, uint32_t total)
{
    for (size_t i = 0; i < instrument->n_bands; i++) {
        if (total >= instrument->bands[i]->low && total <= instrument->bands[i]->high) {
            return instrument->bands[i];
        }
    }
    return NULL;
}

bool item_is_critical(const Casebus__InstrumentItem *item, int score)
{
    return item->has_critical_at && score != NOT_ANSWERED && score >= (int)item->critical_at;
}

bool safety_item_is_open(const Casebus__Instrument *instrument, const struct answers *answers)
{
    for (size_t i = 0; i < instrument->n_items && i < INSTRUMENT_ITEMS_MAX; i++) {
        if (instrument->items[i]->has_critical_at && answers->score[i] == NOT_ANSWERED) {
            return true;
        }
    }
    return false;
}

/* ---- PHQ-9 ---- */

bool is_phq9(const Casebus__Instrument *instrument)
{
    return str_same(instrument->total_code, PHQ9_TOTAL) && instrument->n_items == PHQ9_ITEMS;
}

enum phq9_pattern phq9_pattern(const int score[PHQ9_ITEMS])
{
    int symptoms = 0;
    for (int i = 0; i < PHQ9_ITEMS; i++) {
        symptoms += score[i] >= (i == PHQ9_ITEMS - 1 ? 1 : 2);
    }
    if (score[0] < 2 && score[1] < 2) {
        return PHQ9_NO_PATTERN;
    }
    return symptoms >= 5 ? PHQ9_MAJOR_DEPRESSION : symptoms >= 2 ? PHQ9_OTHER_DEPRESSION : PHQ9_NO_PATTERN;
}

static void tell_phq9(struct decision *d, const struct answers *answers, Intake__Score *score)
{
    if (answers->score[0] != NOT_ANSWERED && answers->score[1] != NOT_ANSWERED) {
        APPEND(d, score, parts, text_of(d, "PHQ-2: %d", answers->score[0] + answers->score[1]));
    }
    switch (phq9_pattern(answers->score)) {
    case PHQ9_MAJOR_DEPRESSION:
        APPEND(d, score, parts, "symptoms fit major depression");
        break;
    case PHQ9_OTHER_DEPRESSION:
        APPEND(d, score, parts, "symptoms fit other depression");
        break;
    case PHQ9_NO_PATTERN:
        break;
    }
}

Intake__Score *instrument_score(
    struct decision *d, const Casebus__Instrument *instrument, const struct answers *answers)
{
    Intake__Score *score = MAKE(d, Intake__Score, intake__score__descriptor);
    score->name = instrument->id;
    score->reference = text_of(d, "%s@%s", instrument->id, instrument->version);
    uint32_t total = 0;
    size_t open = answers->item_count - answers->answered;
    if (!answers_total(instrument, answers, &total)) {
        score->not_computable =
            text_of(d, "%s without an answer, at most %u may be", say_count(d, open, "item"), instrument->most_missing);
        return score;
    }
    SET(score, value, total);
    const Casebus__Band *band = band_of(instrument, total);
    score->band = band != NULL ? band->name : NULL;
    if (open > 0) {
        APPEND(d, score, parts, text_of(d, "%s filled in with the mean", say_count(d, open, "open item")));
    }
    if (is_phq9(instrument)) {
        tell_phq9(d, answers, score);
    }
    return score;
}
