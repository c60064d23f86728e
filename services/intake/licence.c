#include "services/intake/licence.h"

#include "common/core/slice.h"
#include "services/intake/intake.h"

static bool is_valid(const Intake__Licence *licence, struct date day)
{
    struct date until;
    return !licence->encumbered && date_parse(licence->valid_until_date, &until) && date_compare(day, until) <= 0;
}

static bool is_among(const char *state, char *const *states, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_same(states[i], state)) {
            return true;
        }
    }
    return false;
}

static bool compact_has(const Casebus__LicenceCompact *compact, const char *state)
{
    return compact != NULL && is_among(state, (char *const *)compact->states, compact->n_states);
}

static bool compact_reaches(const Casebus__LicenceCompact *compact, const char *state)
{
    return compact_has(compact, state) || (compact != NULL && is_among(state, (char *const *)compact->destinations_only,
                                                                  compact->n_destinations_only));
}

static bool is_disciplined(const Intake__StaffMember *member)
{
    for (size_t i = 0; i < member->n_licences; i++) {
        if (member->licences[i]->encumbered) {
            return true;
        }
    }
    return false;
}

static const Intake__Licence *own_licence(const Intake__StaffMember *member, const char *state, struct date day)
{
    for (size_t i = 0; i < member->n_licences; i++) {
        if (str_same(member->licences[i]->state, state) && is_valid(member->licences[i], day)) {
            return member->licences[i];
        }
    }
    return NULL;
}

static const Intake__Licence *compact_licence(
    const Casebus__LicenceCompact *compact, const Intake__StaffMember *member, const char *state, struct date day)
{
    if (member->role != ROLE(NURSE) || is_disciplined(member) || !compact_has(compact, member->home_state) ||
        !compact_reaches(compact, state)) {
        return NULL;
    }
    for (size_t i = 0; i < member->n_licences; i++) {
        const Intake__Licence *licence = member->licences[i];
        if (licence->multistate && str_same(licence->state, member->home_state) && is_valid(licence, day)) {
            return licence;
        }
    }
    return NULL;
}

/* The most telling reason, in the order in which a person would look. */
static const char *why_not(struct decision *d, const Casebus__LicenceCompact *compact,
    const Intake__StaffMember *member, const char *state, struct date day)
{
    bool multistate = false, lapsed = false;
    for (size_t i = 0; i < member->n_licences; i++) {
        const Intake__Licence *licence = member->licences[i];
        if (str_same(licence->state, state)) {
            return licence->encumbered ? text_of(d, "the %s licence is under discipline", state)
                                       : text_of(d, "the %s licence lapsed on %s", state, licence->valid_until_date);
        }
        multistate |= licence->multistate;
        lapsed |= licence->multistate && !licence->encumbered && !is_valid(licence, day);
    }
    if (!multistate || member->role != ROLE(NURSE)) {
        return text_of(d, "no licence for %s", state);
    }
    if (is_disciplined(member)) {
        return text_of(d, "no licence for %s: discipline ended the multistate privilege", state);
    }
    if (!compact_reaches(compact, state)) {
        return text_of(d, "no licence for %s, which is not in the nurse licensure compact", state);
    }
    if (lapsed) {
        return text_of(d, "no licence for %s: the multistate licence lapsed", state);
    }
    return text_of(d, "no licence for %s: no multistate licence of the state of residence", state);
}

const Intake__Licence *licence_for(struct decision *d, const Casebus__LicenceCompact *compact,
    const Intake__StaffMember *member, const char *patient_state, struct date day, const char **why)
{
    *why = NULL;
    if (str_is_empty(patient_state)) {
        *why = "nobody knows in which state the patient is";
        return NULL;
    }
    const Intake__Licence *licence = own_licence(member, patient_state, day);
    if (licence == NULL) {
        licence = compact_licence(compact, member, patient_state, day);
    }
    if (licence == NULL) {
        *why = why_not(d, compact, member, patient_state, day);
    }
    return licence;
}
