#include "services/claims/claims.h"

/* clang-format off */
static const struct command COMMANDS[] = {
    COMMAND(Claims__RecordCoverage, claims__record_coverage__descriptor, Claims__Coverage, record_coverage),
    COMMAND(Claims__LinkCoverage, claims__link_coverage__descriptor, Claims__BenefitFile, link_coverage),
    COMMAND(Claims__RequestAuthorization, claims__request_authorization__descriptor, Claims__Authorization, request_authorization),
    COMMAND(Claims__SendDocuments, claims__send_documents__descriptor, Claims__Authorization, send_documents),
    COMMAND(Claims__SubmitClaim, claims__submit_claim__descriptor, Claims__Claim, submit_claim),
    COMMAND(Claims__AskPayerAgain, claims__ask_payer_again__descriptor, Claims__Claim, ask_payer_again),
    COMMAND(Claims__FileAppeal, claims__file_appeal__descriptor, Claims__Appeal, file_appeal),
    {0},
};
static const struct reaction REACTIONS[] = {
    REACTION(Intake__CaseEnrolled, intake__case_enrolled__descriptor, open_file),
    REACTION(Planning__PlanAgreed, planning__plan_agreed__descriptor, draft_authorizations),
    REACTION(Scheduling__AppointmentFulfilled, scheduling__appointment_fulfilled__descriptor, use_units),
    {0},
};
static const struct timer TIMERS[] = {
    TIMER("authorization", Claims__Authorization, authorization_timer),
    TIMER("claim", Claims__Claim, claim_timer),
    TIMER("appeal", Claims__Appeal, appeal_timer),
    {0},
};
static const struct answer ANSWERS[] = {
    ANSWER(Payer__EligibilityAnswer, payer__eligibility_answer__descriptor, "coverage", Claims__Coverage, coverage_answered),
    ANSWER(Payer__AuthorizationNeedAnswer, payer__authorization_need_answer__descriptor, "authorization", Claims__Authorization, need_answered),
    ANSWER(Payer__AuthorizationAnswer, payer__authorization_answer__descriptor, "authorization", Claims__Authorization, authorization_answered),
    ANSWER(Payer__ClaimAnswer, payer__claim_answer__descriptor, "claim", Claims__Claim, claim_answered),
    ANSWER(Payer__AppealAnswer, payer__appeal_answer__descriptor, "appeal", Claims__Appeal, appeal_answered),
    {0},
};
static const struct query QUERIES[] = {
    QUERY(Claims__ReadBenefitFile, claims__read_benefit_file__descriptor, Claims__BenefitFile, read_benefit_file),
    QUERY(Claims__ReadAuthorization, claims__read_authorization__descriptor, Claims__Authorization, read_authorization),
    QUERY(Claims__ReadClaim, claims__read_claim__descriptor, Claims__Claim, read_claim),
    QUERY(Claims__ReadAppeal, claims__read_appeal__descriptor, Claims__Appeal, read_appeal),
    {0},
};
static const struct reference_file REFERENCES[] = {
    {&insurers__payers__descriptor, "reference/payers.json"},
    {&casebus__clock_rules__descriptor, "reference/clocks-claims.json"},
    {&claims__appeal_rights__descriptor, "reference/appeals.json"},
    {&claims__plain_reasons__descriptor, "reference/plain-reasons.json"},
    {0},
};
/* clang-format on */

const struct service CLAIMS = {
    .name = "claims",
    .commands = COMMANDS,
    .reactions = REACTIONS,
    .timers = TIMERS,
    .answers = ANSWERS,
    .queries = QUERIES,
    .references = REFERENCES,
};
