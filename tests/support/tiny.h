/* A service of a few rows over the contract of intake, for tests of the runtime: one rule of each kind, each doing one
 * of each thing that a rule can do. It is not intake. */
#ifndef SUPPORT_TINY_H
#define SUPPORT_TINY_H

#include "common/service/service.h"

extern const struct service TINY;

/* Bodies of its commands, as JSON. */
#define CONSENT "{\"caseId\": \"c1\", \"consents\": [{\"kind\": \"CONSENT_KIND_PARTICIPATION\", \"granted\": true}]}"
#define QUESTIONS                                                                                                      \
    "{\"caseId\": \"c1\", \"instrument\": \"phq-9\", \"answers\": [{\"item\": \"44250-9\", \"answer\": "               \
    "\"LA6568-5\"}]}"
#define REFERRAL                                                                                                       \
    "{\"source\": \"ward 3\", \"patient\": {\"familyName\": \"Ng\", \"givenName\": \"Ada\", \"birthDate\": "           \
    "\"1950-02-03\", \"sex\": \"SEX_FEMALE\"}}"

#endif
