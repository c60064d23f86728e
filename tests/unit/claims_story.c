#include "tests/unit/claims_story.h"

#include <stdio.h>
#include <string.h>

#include "common/contract/guard.h"
#include "common/core/instant.h"

const struct actor STORY_NURSE = {"n1", CASEBUS__ROLE__ROLE_NURSE, false};
const struct actor STORY_BILLER = {"b1", CASEBUS__ROLE__ROLE_BILLER, false};
const struct actor STORY_PATIENT = {"p1", CASEBUS__ROLE__ROLE_PATIENT, true};

int story_begin(void **state)
{
    static struct rules r;
    rules_begin(&r, &CLAIMS);
    rules_load_references(&r, "seeds");
    *state = &r;
    return 0;
}

int story_done(void **state)
{
    rules_done(*state);
    return 0;
}

enum fault story_react(struct rules *r, const char *event, const char *json)
{
    r->root = CASE;
    return rules_react(r, rules_json(r, event, json));
}

enum fault story_send(struct rules *r, struct actor actor, const char *command, const char *json)
{
    r->actor = actor;
    return rules_command(r, rules_json(r, command, json));
}

enum fault story_answer(struct rules *r, const char *kind, const char *key, const char *answer, const char *json)
{
    r->root = CASE;
    return rules_answer(r, kind, key, rules_json(r, answer, json));
}

void story_enrol(struct rules *r, const char *payer_name, const char *member_id)
{
    char json[900];
    snprintf(json, sizeof json,
        "{\"caseId\":\"" CASE
        "\",\"programme\":\"copd\",\"zone\":\"America/New_York\",\"groups\":[\"chronic-pulmonary\"],\"patient\":{\"familyName\":\"Doe\","
        "\"givenName\":\"Jane\",\"birthDate\":\"1958-03-14\",\"sex\":\"SEX_FEMALE\",\"language\":\"en\",\"coverages\":[{\"payerName\":\"%s\",\"memberId\":\"%s\"}]}}",
        payer_name, member_id);
    assert_int_equal(story_react(r, "intake.CaseEnrolled", json), FAULT_NONE);
}

void story_cover(struct rules *r, const char *payer_name, const char *status)
{
    char json[300];
    story_enrol(r, payer_name, "M1");
    const Claims__RecordCoverage *record = rules_told(r, "claims.RecordCoverage");
    assert_non_null(record);
    const char *id = arena_strdup(&r->world, record->coverage_id);
    r->actor = (struct actor){"claims", CASEBUS__ROLE__ROLE_SYSTEM, false};
    assert_int_equal(rules_command(r, contract_copy(&record->base, &r->world)), FAULT_NONE);
    snprintf(json, sizeof json,
        "{\"status\":\"COVERAGE_STATUS_%s\",\"planName\":\"Gold\",\"startDate\":\"2026-01-01\"}", status);
    assert_int_equal(rules_answer(r, "coverage", id, rules_json(r, "payer.EligibilityAnswer", json)), FAULT_NONE);
    const Claims__LinkCoverage *link = rules_told(r, "claims.LinkCoverage");
    assert_non_null(link);
    r->actor = (struct actor){"claims", CASEBUS__ROLE__ROLE_SYSTEM, false};
    assert_int_equal(rules_command(r, contract_copy(&link->base, &r->world)), FAULT_NONE);
}

const char *story_plan(struct rules *r, const char *code, unsigned units)
{
    char json[500];
    snprintf(json, sizeof json,
        "{\"caseId\":\"" CASE
        "\",\"planId\":\"plan1\",\"by\":\"patient\",\"zone\":\"America/New_York\",\"services\":[{\"interventionId\":\"step-%s\",\"title\":\"home nursing\","
        "\"serviceCode\":{\"code\":\"%s\"},\"units\":%u}]}",
        code, code, units);
    assert_int_equal(story_react(r, "planning.PlanAgreed", json), FAULT_NONE);
    const Claims__BenefitFile *file = story_file(r);
    return file->authorization_ids[file->n_authorization_ids - 1];
}

const char *story_submit(struct rules *r, const char *code, unsigned units)
{
    const char *id = story_plan(r, code, units);
    assert_int_equal(story_answer(r, "authorization", id, "payer.AuthorizationNeedAnswer",
                         "{\"required\":true,\"ruleId\":\"r1\",\"documents\":[\"plan-of-care\"]}"),
        FAULT_NONE);
    return id;
}

const Claims__BenefitFile *story_file(struct rules *r)
{
    return rules_state(r, "claims", "benefit_file", CASE);
}

const Claims__Authorization *story_authorization(struct rules *r, const char *id)
{
    return rules_state(r, "claims", "authorization", id);
}

const Claims__Claim *story_claim(struct rules *r, const char *id)
{
    return rules_state(r, "claims", "claim", id);
}

const Claims__Appeal *story_appeal(struct rules *r, const char *id)
{
    return rules_state(r, "claims", "appeal", id);
}

bool story_has_work(struct rules *r, const char *kind)
{
    const Claims__BenefitFile *file = story_file(r);
    for (size_t i = 0; i < file->n_work; i++) {
        if (strcmp(file->work[i]->kind, kind) == 0 && file->work[i]->state == CASEBUS__WORK_STATE__WORK_STATE_OPEN) {
            return true;
        }
    }
    return false;
}

int64_t story_instant(const char *text)
{
    int64_t at_ms = 0;
    assert_true(instant_parse(text, &at_ms));
    return at_ms;
}
