/* The stages at the claims desk: coverage, authorisation with its appeal, claim. */
#include "services/cli/journey.h"

#include "common/contract/field.h"
#include "common/contract/line.h"
#include "common/core/clock.h"
#include "common/core/instant.h"
#include "common/core/slice.h"
#include "proto/claims.pb-c.h"
#include "proto/planning.pb-c.h"

static bool is_covered(const struct journey *j)
{
    return history_find(&j->history, "claims.CoverageVerified", 0) != NULL;
}

enum stage_end stage_coverage(struct journey *j)
{
    const struct happened *h = WAIT_FOR(j, "claims.CoverageVerified", "claims.CoverageMissing");
    if (!h) {
        return STAGE_BROKE;
    }
    j->told = is_covered(j) ? journey_print(j, "%s: %s", event_text(h, "payer_name"), event_text(h, "status"))
                            : event_text(h, "why");
    return STAGE_NEXT;
}

static enum stage_end appeal(struct journey *j, const struct happened *denied)
{
    const char *json = journey_print(j,
        "{\"caseId\":\"%s\",\"authorizationId\":\"%s\",\"grounds\":\"My doctor asked for this care. I cannot manage alone at home.\","
        "\"evidence\":[\"letter of the treating physician\"]}",
        j->case_id, event_text(denied, "authorization_id"));
    if (!journey_sent(j, PATIENT, "appeal", "claims.FileAppeal", json)) {
        return STAGE_BROKE;
    }
    const struct happened *h = WAIT_FOR(j, "claims.AppealDecided");
    j->told = h ? journey_print(j, "%s: denied, appealed, %s", event_text(denied, "title"), event_text(h, "result"))
                : j->told;
    return h ? STAGE_NEXT : STAGE_BROKE;
}

/* How many services of the agreed plan the desk asks about, and how many of those have their answer. */
static size_t services_asked(const struct journey *j)
{
    const struct happened *agreed = history_find(&j->history, "planning.PlanAgreed", 0);
    const Planning__PlanAgreed *event = agreed ? (const Planning__PlanAgreed *)agreed->event : NULL;
    size_t count = 0;
    for (size_t i = 0; event && i < event->n_services; i++) {
        count += event->services[i]->service_code != NULL;
    }
    return count;
}

static bool settles_service(const struct happened *h)
{
    return str_same(h->row->subject, "claims.AuthorizationDecided") ||
           str_same(h->row->subject, "claims.AuthorizationNotRequired") ||
           str_same(h->row->subject, "claims.AuthorizationImpossible");
}

/* The answer that matters most to the patient: a denial, else a decision, else that none was needed. */
static int weight(const struct happened *h)
{
    if (field_integer(h->event, "state", 0) == CLAIMS__AUTHORIZATION_STATE__AUTHORIZATION_STATE_DENIED) {
        return 3;
    }
    return str_same(h->row->subject, "claims.AuthorizationDecided") ? 2 : 1;
}

/* Counts one answer per authorisation: an appeal that was won decides again. */
static size_t services_settled(const struct journey *j, const struct happened **out_weightiest)
{
    size_t count = 0;
    for (size_t i = 0; i < j->history.count; i++) {
        const struct happened *h = &j->history.events[i];
        bool first = settles_service(h);
        for (size_t n = 0; first && n < i; n++) {
            first = !settles_service(&j->history.events[n]) ||
                    !str_same(event_text(&j->history.events[n], "authorization_id"), event_text(h, "authorization_id"));
        }
        if (first) {
            count++;
            *out_weightiest = !*out_weightiest || weight(h) > weight(*out_weightiest) ? h : *out_weightiest;
        }
    }
    return count;
}

static bool all_settled(const struct journey *j, void *context)
{
    return services_settled(j, context) >= services_asked(j);
}

enum stage_end stage_authorization(struct journey *j)
{
    const struct happened *weightiest = NULL;
    if (!is_covered(j) || services_asked(j) == 0) {
        return STAGE_NEXT;
    }
    if (!journey_wait(j, "the answer to every authorisation", all_settled, &weightiest)) {
        return STAGE_BROKE;
    }
    const char *result = event_text(weightiest, "result");
    j->told = result[0] ? journey_print(j, "%s: %s", event_text(weightiest, "title"), result)
                        : line_write(weightiest->event, &j->cli->arena);
    return weight(weightiest) == 3 ? appeal(j, weightiest) : STAGE_NEXT;
}

/* ---- Claim ---- */

/* The initial assessment of today is billed: the one service that has certainly taken place. */
enum stage_end stage_claim(struct journey *j)
{
    if (!is_covered(j)) {
        j->told = "no claim: nobody to bill";
        return STAGE_NEXT;
    }
    char today[DATE_SIZE];
    date_format(today, instant_utc_date(clock_wall_ms() - 12 * HOUR_MS));
    const char *json = journey_print(j,
        "{\"caseId\":\"%s\",\"title\":\"initial assessment\",\"providerNpi\":\"1234567893\",\"providerName\":\"Casebus Care Team\","
        "\"placeOfService\":\"02\",\"lines\":[{\"number\":1,\"code\":{\"system\":\"https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets\","
        "\"code\":\"G0506\",\"display\":\"Comprehensive assessment for care management\"},\"serviceDate\":\"%s\",\"units\":1,\"billedCents\":\"9500\"}]}",
        j->case_id, today);
    const struct happened *known = history_find(&j->history, "claims.ClaimSubmitted", 0);
    if (!known && !journey_sent(j, BILLER, "claim", "claims.SubmitClaim", json)) {
        return STAGE_BROKE;
    }
    const struct happened *h = WAIT_FOR(j, "claims.ClaimAnswered");
    j->told = h ? journey_print(j, "%s: %s", event_text(h, "title"), event_text(h, "summary")) : j->told;
    return h ? STAGE_NEXT : STAGE_BROKE;
}
