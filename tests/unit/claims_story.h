/* The claims desk in a small world: one case, told call by call. "Now" is Sat 2026-11-21 22:00 in New York. */
#ifndef UNIT_CLAIMS_STORY_H
#define UNIT_CLAIMS_STORY_H

#include "services/claims/claims.h"
#include "tests/support/rules.h"
#include "tests/unit/test.h"

#define CASE "001-case"

extern const struct actor STORY_NURSE, STORY_BILLER, STORY_PATIENT;

int story_begin(void **state);
int story_done(void **state);

/* An event, command or answer from its JSON; the actor and root are set. */
enum fault story_react(struct rules *r, const char *event, const char *json);
enum fault story_send(struct rules *r, struct actor actor, const char *command, const char *json);
enum fault story_answer(struct rules *r, const char *kind, const char *key, const char *answer, const char *json);

/* Enrolled with one coverage of the payer (a name or alias); and its payer has said the status. */
void story_enrol(struct rules *r, const char *payer_name, const char *member_id);
void story_cover(struct rules *r, const char *payer_name, const char *status);

/* The plan is agreed with one service; the authorisation that was drafted. */
const char *story_plan(struct rules *r, const char *code, unsigned units);
/* The same, and the payer says that authorisation is needed: it is submitted. */
const char *story_submit(struct rules *r, const char *code, unsigned units);

const Claims__BenefitFile *story_file(struct rules *r);
const Claims__Authorization *story_authorization(struct rules *r, const char *id);
const Claims__Claim *story_claim(struct rules *r, const char *id);
const Claims__Appeal *story_appeal(struct rules *r, const char *id);
bool story_has_work(struct rules *r, const char *kind);
int64_t story_instant(const char *text);

#endif
