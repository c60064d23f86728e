/* Intake: who is referred, who that is, whether a programme answers, consent, enrolment, and whose case it is.
 *
 * Who decides what:
 *   referral      from receipt to decision (referral.c); who the patient is, key by key (identity.c)
 *   identity key  whom an exact identifier or a name means (person.c)
 *   person        which one case is open (person.c)
 *   screening     scores and programme, from facts and reference data alone (screen.h)
 *   case          outreach, consent, enrolment, closing (case.c, outreach.c); its clocks and work (duty.h)
 *   assessment    a questionnaire's score; a critical answer becomes work at once (assessment.c, instrument.h)
 *   team          who takes a case (team.c, licence.h)
 *
 * Referral and case share a root. Keys, persons and teams live elsewhere, so they are asked by tasks, one answer at a
 * time:
 *
 *   referral                                    elsewhere
 *     whom does this name mean? -- ClaimIdentity --> name      ResolveIdentity: somebody, nobody, or namesakes with
 * other numbers each exact key            -- ClaimIdentity --> key       ResolveIdentity: this person (perhaps newly)
 *     the name is this person's -- ClaimIdentity --> name      ResolveIdentity
 *     one open case             -- JoinPerson -----> person    ResolvePerson: this case, or the one already open
 *     (screening)
 *   case
 *     who takes it?             -- AssignCaseManager -> team   RecordCaseManager: somebody, or nobody and why
 *
 * The moves of referral and case are drawn in proto/intake.proto; every other move is refused. */
#ifndef INTAKE_INTAKE_H
#define INTAKE_INTAKE_H

#include "common/service/service.h"
#include "proto/intake.pb-c.h"
#include "proto/planning.pb-c.h"

extern const struct service INTAKE;

/* The generated names of enum values are long; these are the same values. */
#define ROLE(NAME)           CASEBUS__ROLE__ROLE_##NAME
#define REFERRAL_STATE(NAME) INTAKE__REFERRAL_STATE__REFERRAL_STATE_##NAME
#define CASE_STATE(NAME)     INTAKE__CASE_STATE__CASE_STATE_##NAME
#define REJECTION(NAME)      INTAKE__REJECTION_CODE__REJECTION_CODE_##NAME

enum {
    ADULT_YEARS = 18,
    RECENT_STAY_DAYS = 30, /* A stay that ended so long ago still calls for a programme and has a LACE score. */
    CASE_ATTEMPTS_MAX = 32,
    LIST_CASES_LIMIT = 100,
};

/* ---- referral.c ---- */

/* Opens referral and case. Refused when either exists, and for dates that cannot be. */
enum fault receive_referral(struct decision *d, Intake__Referral *referral, const Intake__ReceiveReferral *cmd);
/* Refused unless received, and before screening found a programme. */
enum fault accept_referral(struct decision *d, Intake__Referral *referral, const Intake__AcceptReferral *cmd);
/* Refused unless received. */
enum fault reject_referral(struct decision *d, Intake__Referral *referral, const Intake__RejectReferral *cmd);
/* The person's answer. A second one, or one that comes after a decision, changes nothing. */
enum fault resolve_person(struct decision *d, Intake__Referral *referral, const Intake__ResolvePerson *cmd);

const char *referral_word(struct decision *d, const Intake__Referral *referral);

/* ---- identity.c ---- */

/* Computes the keys of a new referral and asks the first. */
void identity_begin(struct decision *d, Intake__Referral *referral);
/* An answer to the question that is open; any other changes nothing. */
enum fault resolve_identity(struct decision *d, Intake__Referral *referral, const Intake__ResolveIdentity *cmd);

/* ---- person.c ---- */

enum fault claim_identity(struct decision *d, Intake__IdentityKey *key, const Intake__ClaimIdentity *cmd);
enum fault join_person(struct decision *d, Intake__Person *person, const Intake__JoinPerson *cmd);
/* No effect for a case that is not the open one. */
enum fault leave_person(struct decision *d, Intake__Person *person, const Intake__LeavePerson *cmd);

/* ---- case.c ---- */

/* Refused unless in outreach and with consent to take part. */
enum fault enrol_case(struct decision *d, Intake__Case *c, const Intake__EnrolCase *cmd);
enum fault record_case_manager(struct decision *d, Intake__Case *c, const Intake__RecordCaseManager *cmd);
/* Refused for work that is not open, and for a program that would complete critical work. */
enum fault complete_work(struct decision *d, Intake__Case *c, const Intake__CompleteWork *cmd);
enum fault close_case(struct decision *d, Intake__Case *c, const Intake__CloseCase *cmd);
enum fault case_timer(struct decision *d, Intake__Case *c, const char *name, int64_t due_at_ms);
enum fault read_case(struct decision *d, const Intake__Case *c, const Intake__ReadCase *query);
enum fault list_cases(struct decision *d, const void *none, const Intake__ListCases *query);

/* Ends the case in a final state: duties fall away, the person may be referred anew, the team has the place back. */
void case_end(struct decision *d, Intake__Case *c, Intake__CaseState state, const char *code);
bool case_has_ended(const Intake__Case *c);
bool case_takes_part(const Intake__Case *c); /* The latest answer about participation is yes. */
const char *case_word(struct decision *d, const Intake__Case *c);

/* ---- outreach.c ---- */

enum fault record_contact_attempt(struct decision *d, Intake__Case *c, const Intake__RecordContactAttempt *cmd);
enum fault end_outreach(struct decision *d, Intake__Case *c, const Intake__EndOutreach *cmd);
enum fault record_consent(struct decision *d, Intake__Case *c, const Intake__RecordConsent *cmd);
/* Refused after enrolment: such a case is closed. */
enum fault decline_case(struct decision *d, Intake__Case *c, const Intake__DeclineCase *cmd);

/* ---- assessment.c ---- */

/* Refused before outreach and after the end, for an unknown instrument, item or answer, and for an item answered twice.
 */
enum fault answer_questionnaire(
    struct decision *d, Intake__Assessment *assessment, const Intake__AnswerQuestionnaire *cmd);

/* ---- team.c ---- */

/* Refused when a staff id comes twice, or when somebody who holds cases is left out. */
enum fault register_team(struct decision *d, Intake__Team *team, const Intake__RegisterTeam *cmd);
/* Answers whoever was chosen, or nobody. A case that holds a place keeps it. */
enum fault assign_case_manager(struct decision *d, Intake__Team *team, const Intake__AssignCaseManager *cmd);
enum fault release_caseload(struct decision *d, Intake__Team *team, const Intake__ReleaseCaseload *cmd);

/* ---- reactions.c: planning's facts move the case ---- */

enum fault plan_drafted(struct decision *d, const Planning__PlanDrafted *event);
enum fault plan_agreed(struct decision *d, const Planning__PlanAgreed *event);
enum fault plan_ended(struct decision *d, const Planning__PlanEnded *event);

#endif
