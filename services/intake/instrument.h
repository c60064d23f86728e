/* Questionnaires: scoring by the instrument's data. Total, band and critical items come from the data; the symptom
 * pattern of the PHQ-9 is the one rule that only it has. */
#ifndef INTAKE_INSTRUMENT_H
#define INTAKE_INSTRUMENT_H

#include "common/service/decision.h"
#include "proto/intake.pb-c.h"
#include "proto/types.pb-c.h"

enum {
    INSTRUMENT_ITEMS_MAX = 64,
    NOT_ANSWERED = -1,
    PHQ9_ITEMS = 9,
};

/* Scores by item, in the instrument's order. */
struct answers {
    int score[INSTRUMENT_ITEMS_MAX]; /* NOT_ANSWERED where it is open. */
    size_t item_count;
    size_t answered;
};

/* Refuses an item or answer that the instrument does not have, and an item that is answered twice. */
enum fault answers_read(struct decision *d, const Casebus__Instrument *instrument, Intake__ItemAnswer *const *told,
    size_t count, struct answers *out);

/* The sum; with no more open items than the instrument allows, the mean of the others fills them in, rounded half up.
 * False when more are open. */
bool answers_total(const Casebus__Instrument *instrument, const struct answers *answers, uint32_t *out);

const Casebus__Band *band_of(const Casebus__Instrument *instrument, uint32_t total);

/* Whether the item's answer needs a person today; an open critical item is not a no. */
bool item_is_critical(const Casebus__InstrumentItem *item, int score);
bool safety_item_is_open(const Casebus__Instrument *instrument, const struct answers *answers);

enum phq9_pattern { PHQ9_NO_PATTERN, PHQ9_OTHER_DEPRESSION, PHQ9_MAJOR_DEPRESSION };

bool is_phq9(const Casebus__Instrument *instrument);
/* Items at 2 or more (item 9: 1 or more): five or more with item 1 or 2 among them, or two to four. */
enum phq9_pattern phq9_pattern(const int score[PHQ9_ITEMS]);

Intake__Score *instrument_score(
    struct decision *d, const Casebus__Instrument *instrument, const struct answers *answers);

#endif
