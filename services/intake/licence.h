/* Who may practise where: the law is that of the state where the patient is, also by telephone.
 *
 * A licence of that state does, when it is valid on the day and unencumbered. Else a nurse's multistate licence does,
 * issued by the nurse's state of residence, when that state and the patient's are both in the compact (facts 8.1).
 * Discipline on any licence ends the multistate privilege. The compact binds nurses only: other roles need the state's
 * own licence. */
#ifndef INTAKE_LICENCE_H
#define INTAKE_LICENCE_H

#include "common/core/date.h"
#include "common/service/decision.h"
#include "proto/intake.pb-c.h"
#include "proto/types.pb-c.h"

/* The licence that allows it, or NULL with `why` not: a phrase such as "no licence for MA". */
const Intake__Licence *licence_for(struct decision *d, const Casebus__LicenceCompact *compact,
    const Intake__StaffMember *member, const char *patient_state, struct date day, const char **why);

#endif
