/* Choosing a case manager: hard filters first, then points, then ties (facts 8.3). */
#ifndef INTAKE_TEAM_H
#define INTAKE_TEAM_H

#include "common/service/decision.h"
#include "proto/intake.pb-c.h"

/* What a candidate brings, for points. */
struct fit {
    bool specialty;  /* Exactly the programme. */
    bool related;    /* Near to it. */
    bool language;   /* Speaks the patient's; others work with an interpreter. */
    bool continuity; /* Managed an earlier case of the patient. */
    bool certified;
    uint32_t cases;
    uint32_t capacity;
};

/* Points in hundredths: 30 specialty (related half), 20 language (interpreter 0.3), 20 room below 125 % load, 10
 * continuity, 10 distance (everybody works by telephone), 10 certificate. At most 10000. */
uint32_t fit_points(struct fit fit);

#endif
