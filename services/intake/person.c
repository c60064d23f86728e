#include "common/core/must.h"
#include "common/core/slice.h"
#include "services/intake/intake.h"

enum { NAMESAKES_MAX = 16, PAST_CASES_MAX = 64 };

/* ---- Keys ---- */

static void answer(struct decision *d, const Intake__ClaimIdentity *cmd, Intake__ResolveIdentity *resolve)
{
    resolve->referral_id = cmd->referral_id;
    resolve->case_id = cmd->case_id;
    resolve->identity_key = cmd->identity_key;
    tell(d, &resolve->base);
}

/* Whom an exact key names is decided once; only the referral that claimed it may correct itself. */
static void claim_exact(Intake__IdentityKey *key, const Intake__ClaimIdentity *cmd, Intake__ResolveIdentity *resolve)
{
    bool moves = key->person_id != NULL && str_same(key->person_id, cmd->instead_of_person_id);
    if (cmd->person_id != NULL && (key->person_id == NULL || moves)) {
        key->person_id = cmd->person_id;
        resolve->registered = true;
    }
    resolve->person_id = key->person_id;
}

enum likeness { NOTHING_TOLD, AGREES, CONTRADICTS };

/* One number of the same system tells: the same, or somebody else. An agreeing one is worth more than a contradicting
 * one. */
static enum likeness compare(const Intake__Namesake *namesake, const Intake__ClaimIdentity *cmd)
{
    enum likeness likeness = NOTHING_TOLD;
    for (size_t i = 0; i < namesake->n_exact; i++) {
        for (size_t j = 0; j < cmd->n_exact; j++) {
            if (str_same(namesake->exact[i]->identity_key, cmd->exact[j]->identity_key)) {
                return AGREES;
            }
            if (str_same(namesake->exact[i]->system, cmd->exact[j]->system)) {
                likeness = CONTRADICTS;
            }
        }
    }
    return likeness;
}

/* The one namesake whom the numbers do not contradict; of several, one whose numbers agree. */
static Intake__Namesake *find_namesake(struct decision *d, const Intake__IdentityKey *key,
    const Intake__ClaimIdentity *cmd, Intake__ResolveIdentity *resolve)
{
    Intake__Namesake *found = NULL;
    for (size_t i = 0; i < key->n_namesakes; i++) {
        switch (compare(key->namesakes[i], cmd)) {
        case AGREES:
            resolve->n_contradicted_person_ids = 0; /* The number tells this one from all the others. */
            return key->namesakes[i];
        case NOTHING_TOLD:
            found = found == NULL ? key->namesakes[i] : found;
            break;
        case CONTRADICTS:
            APPEND(d, resolve, contradicted_person_ids, key->namesakes[i]->person_id);
            break;
        }
    }
    return found;
}

static Intake__Namesake *namesake_of_person(const Intake__IdentityKey *key, const char *person_id)
{
    for (size_t i = 0; i < key->n_namesakes; i++) {
        if (str_same(key->namesakes[i]->person_id, person_id)) {
            return key->namesakes[i];
        }
    }
    return NULL;
}

static void learn(struct decision *d, Intake__Namesake *namesake, const Intake__ClaimIdentity *cmd)
{
    for (size_t i = 0; i < cmd->n_exact; i++) {
        bool known = false;
        for (size_t j = 0; j < namesake->n_exact; j++) {
            known |= str_same(namesake->exact[j]->identity_key, cmd->exact[i]->identity_key);
        }
        if (!known) {
            APPEND(d, namesake, exact, cmd->exact[i]);
        }
    }
}

/* Asked only: whom the name means, told by the numbers. Claimed: the name means this person from now on, too, unless
 * there is no number to tell the person from somebody known, who then is meant. */
static void claim_name(
    struct decision *d, Intake__IdentityKey *key, const Intake__ClaimIdentity *cmd, Intake__ResolveIdentity *resolve)
{
    if (cmd->person_id == NULL) {
        const Intake__Namesake *found = find_namesake(d, key, cmd, resolve);
        resolve->person_id = found != NULL ? found->person_id : NULL;
        return;
    }
    Intake__Namesake *namesake = namesake_of_person(key, cmd->person_id);
    if (namesake == NULL && cmd->n_exact == 0 && key->n_namesakes > 0) {
        resolve->person_id = key->namesakes[0]->person_id;
        for (size_t i = 1; i < key->n_namesakes; i++) {
            APPEND(d, resolve, contradicted_person_ids, key->namesakes[i]->person_id);
        }
        return;
    }
    resolve->person_id = cmd->person_id;
    resolve->registered = namesake == NULL;
    if (namesake == NULL && key->n_namesakes < NAMESAKES_MAX) {
        namesake = MAKE(d, Intake__Namesake, intake__namesake__descriptor);
        namesake->person_id = cmd->person_id;
        APPEND(d, key, namesakes, namesake);
    }
    if (namesake != NULL) {
        learn(d, namesake, cmd);
    }
}

enum fault claim_identity(struct decision *d, Intake__IdentityKey *key, const Intake__ClaimIdentity *cmd)
{
    Intake__ResolveIdentity *resolve = MAKE(d, Intake__ResolveIdentity, intake__resolve_identity__descriptor);
    if (cmd->by_name) {
        claim_name(d, key, cmd, resolve);
    } else {
        claim_exact(key, cmd, resolve);
    }
    answer(d, cmd, resolve);
    return FAULT_NONE;
}

/* ---- The person ---- */

static void register_person(Intake__Person *person, const Intake__JoinPerson *cmd)
{
    person->family_name = cmd->family_name;
    person->given_name = cmd->given_name;
    person->birth_date = cmd->birth_date;
    person->sex = cmd->sex;
}

enum fault join_person(struct decision *d, Intake__Person *person, const Intake__JoinPerson *cmd)
{
    if (is_new(d, person)) {
        register_person(person, cmd);
    }
    person->deceased |= cmd->deceased;
    if (person->open_case_id == NULL) {
        person->open_case_id = cmd->case_id;
    }
    Intake__ResolvePerson *resolve = MAKE(d, Intake__ResolvePerson, intake__resolve_person__descriptor);
    resolve->referral_id = cmd->referral_id;
    resolve->case_id = cmd->case_id;
    resolve->person_id = person->person_id;
    resolve->open_case_id = person->open_case_id;
    tell(d, &resolve->base);
    return FAULT_NONE;
}

enum fault leave_person(struct decision *d, Intake__Person *person, const Intake__LeavePerson *cmd)
{
    if (!str_same(person->open_case_id, cmd->case_id)) {
        return FAULT_NONE;
    }
    person->open_case_id = NULL;
    if (person->n_past_case_ids == PAST_CASES_MAX) {
        person->past_case_ids++;
        person->n_past_case_ids--;
    }
    APPEND(d, person, past_case_ids, cmd->case_id);
    return FAULT_NONE;
}
