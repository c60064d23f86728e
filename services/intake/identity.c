/* Who the patient of a referral is.
 *
 * An exact identifier is worth more than a name. The name is only asked first, so that a new number of somebody known
 * finds its owner; then each exact key is claimed, strongest first; then the name is claimed for who was found. Two
 * referrals of one new person at the same time meet at the strongest key, where one of them comes second and takes over
 * the other's person.
 *
 * What does not fit is never merged: it is kept, and a person looks. */
#include "common/core/name.h"
#include "common/core/slice.h"
#include "services/intake/duty.h"
#include "services/intake/intake.h"

#define BY_IDENTIFIER "identifier"
#define BY_NAME       "name-birth-sex"
#define AS_NEW        "new"

enum { EXACT_KEYS_MAX = 8 }; /* Strongest ones; more prove nothing and cost two commits each. */

/* Systems whose numbers name one person everywhere, strongest first. A number of another system comes after them. */
static const char *const STRONG[] = {
    "http://hl7.org/fhir/sid/us-mbi",
    "http://hl7.org/fhir/sid/us-ssn",
    "http://hl7.org/fhir/sid/us-medicare",
    "http://hl7.org/fhir/sid/us-medicaid",
};
enum { STRONG_COUNT = sizeof STRONG / sizeof *STRONG };

static size_t rank_of(const char *system)
{
    for (size_t i = 0; i < STRONG_COUNT; i++) {
        if (str_same(system, STRONG[i])) {
            return i;
        }
    }
    return STRONG_COUNT;
}

/* Letters and digits in upper case. NULL for what names nobody: nothing left, or one character all over, as in
 * 000-00-0000. */
static const char *plain_value(struct decision *d, const char *value)
{
    char *plain = text_of(d, "%s", value);
    char *to = plain;
    bool differs = false;
    for (const char *at = value; *at != '\0'; at++) {
        if (ascii_is_letter(*at) || ascii_is_digit(*at)) {
            *to = ascii_upper(*at);
            differs |= *to != plain[0];
            to++;
        }
    }
    *to = '\0';
    return differs ? plain : NULL;
}

static bool has_key(const Intake__Referral *referral, const char *key)
{
    for (size_t i = 0; i < referral->n_exact_keys; i++) {
        if (str_same(referral->exact_keys[i]->identity_key, key)) {
            return true;
        }
    }
    return false;
}

static void add_exact(struct decision *d, Intake__Referral *referral, const Casebus__Identifier *identifier)
{
    const char *value = plain_value(d, identifier->value);
    if (value == NULL || referral->n_exact_keys == EXACT_KEYS_MAX) {
        return;
    }
    const char *key = identity_key(d, text_of(d, "%s|%s", identifier->system, value));
    if (!has_key(referral, key)) {
        Intake__IdentityRef *ref = MAKE(d, Intake__IdentityRef, intake__identity_ref__descriptor);
        ref->system = identifier->system;
        ref->identity_key = key;
        APPEND(d, referral, exact_keys, ref);
    }
}

static const char *name_key_of(struct decision *d, const Intake__PatientFacts *patient)
{
    char family[NAME_SIZE], given[NAME_SIZE];
    if (!name_fold(family, patient->family_name) || !name_fold(given, patient->given_name)) {
        return NULL;
    }
    return identity_key(d, text_of(d, "name|%s|%s|%s|%d", family, given, patient->birth_date, (int)patient->sex));
}

/* ---- Questions, in their order ---- */

struct question {
    const char *key; /* NULL: all are answered. */
    bool by_name;
    bool asks_only;
};

/* Without exact identifiers there is nothing to ask before the name is claimed. */
static uint32_t first_exact(const Intake__Referral *referral)
{
    return referral->name_key != NULL && referral->n_exact_keys > 0 ? 1 : 0;
}

static struct question open_question(const Intake__Referral *referral)
{
    uint32_t step = referral->identity_step;
    if (step < first_exact(referral)) {
        return (struct question){referral->name_key, true, true};
    }
    size_t place = step - first_exact(referral);
    if (place < referral->n_exact_keys) {
        return (struct question){referral->exact_keys[place]->identity_key, false, false};
    }
    return (struct question){place == referral->n_exact_keys ? referral->name_key : NULL, true, false};
}

static void tell_join(struct decision *d, const Intake__Referral *referral)
{
    Intake__JoinPerson *join = MAKE(d, Intake__JoinPerson, intake__join_person__descriptor);
    join->person_id = referral->person_id;
    join->family_name = referral->patient->family_name;
    join->given_name = referral->patient->given_name;
    join->birth_date = referral->patient->birth_date;
    join->sex = referral->patient->sex;
    join->deceased = referral->patient->deceased;
    join->referral_id = referral->referral_id;
    join->case_id = referral->case_id;
    tell(d, &join->base);
}

static void ask_next(struct decision *d, const Intake__Referral *referral)
{
    struct question question = open_question(referral);
    if (question.key == NULL) {
        tell_join(d, referral);
        return;
    }
    Intake__ClaimIdentity *claim = MAKE(d, Intake__ClaimIdentity, intake__claim_identity__descriptor);
    claim->identity_key = question.key;
    claim->person_id = question.asks_only ? NULL : referral->person_id;
    claim->instead_of_person_id = question.by_name ? NULL : referral->moved_from_person_id;
    claim->by_name = question.by_name;
    claim->referral_id = referral->referral_id;
    claim->case_id = referral->case_id;
    if (question.by_name) {
        claim->exact = referral->exact_keys;
        claim->n_exact = referral->n_exact_keys;
    }
    tell(d, &claim->base);
}

void identity_begin(struct decision *d, Intake__Referral *referral)
{
    const Intake__PatientFacts *patient = referral->patient;
    for (size_t rank = 0; rank <= STRONG_COUNT; rank++) {
        for (size_t i = 0; i < patient->n_identifiers; i++) {
            if (rank_of(patient->identifiers[i]->system) == rank) {
                add_exact(d, referral, patient->identifiers[i]);
            }
        }
    }
    referral->name_key = name_key_of(d, patient);
    referral->person_id = fresh_root_id(d);
    referral->matched_by = AS_NEW;
    ask_next(d, referral);
}

/* ---- Answers ---- */

static void keep_conflict(struct decision *d, Intake__Referral *referral, const char *person_id)
{
    for (size_t i = 0; i < referral->n_conflicting_person_ids; i++) {
        if (str_same(referral->conflicting_person_ids[i], person_id)) {
            return;
        }
    }
    APPEND(d, referral, conflicting_person_ids, person_id);
}

/* Another person than the one we believed in. The first exact key that knows somebody decides; keys that were free
 * before it are claimed again for that person. */
static void exact_names_other(struct decision *d, Intake__Referral *referral, const char *person_id)
{
    if (str_same(referral->matched_by, BY_IDENTIFIER)) {
        keep_conflict(d, referral, person_id);
        return;
    }
    if (str_same(referral->matched_by, BY_NAME)) {
        keep_conflict(d, referral, referral->person_id);
    }
    if (referral->identity_step > first_exact(referral) + 1) {
        referral->moved_from_person_id = referral->person_id;
        referral->identity_step = first_exact(referral);
    }
    referral->person_id = person_id;
    referral->matched_by = BY_IDENTIFIER;
}

static void exact_answered(struct decision *d, Intake__Referral *referral, const Intake__ResolveIdentity *answer)
{
    if (!str_same(answer->person_id, referral->person_id)) {
        exact_names_other(d, referral, answer->person_id);
    } else if (!answer->registered) {
        referral->matched_by = BY_IDENTIFIER;
    }
}

/* A name decides only while nothing better has. */
static void name_answered(struct decision *d, Intake__Referral *referral, const Intake__ResolveIdentity *answer)
{
    for (size_t i = 0; i < answer->n_contradicted_person_ids; i++) {
        if (!str_same(answer->contradicted_person_ids[i], referral->person_id)) {
            keep_conflict(d, referral, answer->contradicted_person_ids[i]);
        }
    }
    if (answer->person_id != NULL && !answer->registered && !str_same(answer->person_id, referral->person_id)) {
        referral->person_id = answer->person_id;
        referral->matched_by = BY_NAME;
    }
}

enum fault resolve_identity(struct decision *d, Intake__Referral *referral, const Intake__ResolveIdentity *cmd)
{
    struct question question = open_question(referral);
    if (referral->state != REFERRAL_STATE(RECEIVED) || !str_same(question.key, cmd->identity_key)) {
        return FAULT_NONE;
    }
    referral->identity_step++;
    if (question.by_name) {
        name_answered(d, referral, cmd);
    } else if (cmd->person_id != NULL) {
        exact_answered(d, referral, cmd);
    }
    ask_next(d, referral);
    return FAULT_NONE;
}
