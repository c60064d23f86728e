#include "services/intake/intake.h"

/* clang-format off */
static const struct command COMMANDS[] = {
    COMMAND(Intake__ReceiveReferral, intake__receive_referral__descriptor, Intake__Referral, receive_referral),
    COMMAND(Intake__AcceptReferral, intake__accept_referral__descriptor, Intake__Referral, accept_referral),
    COMMAND(Intake__RejectReferral, intake__reject_referral__descriptor, Intake__Referral, reject_referral),
    COMMAND(Intake__ResolveIdentity, intake__resolve_identity__descriptor, Intake__Referral, resolve_identity),
    COMMAND(Intake__ResolvePerson, intake__resolve_person__descriptor, Intake__Referral, resolve_person),
    COMMAND(Intake__ClaimIdentity, intake__claim_identity__descriptor, Intake__IdentityKey, claim_identity),
    COMMAND(Intake__JoinPerson, intake__join_person__descriptor, Intake__Person, join_person),
    COMMAND(Intake__LeavePerson, intake__leave_person__descriptor, Intake__Person, leave_person),
    COMMAND(Intake__RecordContactAttempt, intake__record_contact_attempt__descriptor, Intake__Case, record_contact_attempt),
    COMMAND(Intake__EndOutreach, intake__end_outreach__descriptor, Intake__Case, end_outreach),
    COMMAND(Intake__RecordConsent, intake__record_consent__descriptor, Intake__Case, record_consent),
    COMMAND(Intake__DeclineCase, intake__decline_case__descriptor, Intake__Case, decline_case),
    COMMAND(Intake__EnrolCase, intake__enrol_case__descriptor, Intake__Case, enrol_case),
    COMMAND(Intake__RecordCaseManager, intake__record_case_manager__descriptor, Intake__Case, record_case_manager),
    COMMAND(Intake__CompleteWork, intake__complete_work__descriptor, Intake__Case, complete_work),
    COMMAND(Intake__CloseCase, intake__close_case__descriptor, Intake__Case, close_case),
    COMMAND(Intake__AnswerQuestionnaire, intake__answer_questionnaire__descriptor, Intake__Assessment, answer_questionnaire),
    COMMAND(Intake__RegisterTeam, intake__register_team__descriptor, Intake__Team, register_team),
    COMMAND(Intake__AssignCaseManager, intake__assign_case_manager__descriptor, Intake__Team, assign_case_manager),
    COMMAND(Intake__ReleaseCaseload, intake__release_caseload__descriptor, Intake__Team, release_caseload),
    {0},
};
static const struct reaction REACTIONS[] = {
    REACTION(Planning__PlanDrafted, planning__plan_drafted__descriptor, plan_drafted),
    REACTION(Planning__PlanAgreed, planning__plan_agreed__descriptor, plan_agreed),
    REACTION(Planning__PlanEnded, planning__plan_ended__descriptor, plan_ended),
    {0},
};
static const struct timer TIMERS[] = {
    TIMER("case", Intake__Case, case_timer),
    {0},
};
static const struct query QUERIES[] = {
    QUERY(Intake__ReadCase, intake__read_case__descriptor, Intake__Case, read_case),
    QUERY(Intake__ListCases, intake__list_cases__descriptor, void, list_cases),
    {0},
};
static const struct reference_file REFERENCES[] = {
    {&casebus__code_map__descriptor, "reference/snomed-conditions.json"},
    {&casebus__code_map__descriptor, "reference/icd10-conditions.json"},
    {&casebus__condition_groups__descriptor, "reference/condition-groups.json"},
    {&casebus__instrument__descriptor, "reference/phq-9.json"},
    {&casebus__instrument__descriptor, "reference/phq-9-es.json"},
    {&casebus__holidays__descriptor, "reference/us-federal-holidays.json"},
    {&casebus__licence_compact__descriptor, "reference/nurse-licensure-compact.json"},
    {&casebus__clock_rules__descriptor, "reference/clocks.json"},
    {0},
};
/* clang-format on */

const struct service INTAKE = {
    .name = "intake",
    .commands = COMMANDS,
    .reactions = REACTIONS,
    .timers = TIMERS,
    .queries = QUERIES,
    .references = REFERENCES,
};
