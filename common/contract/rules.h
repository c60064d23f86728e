/* The rules of a message: what its fields must hold (option `rule` in proto/).
 *
 * Checked once, at the crossing, for a message that is well formed already (guard.h or json.h made it). A refusal is
 * one sentence that begins with the JSON path of the field, and shows the value unless the field is sensitive:
 *
 *     patient.birthDate is "1990-13-01": not a date (YYYY-MM-DD)
 */
#ifndef CASEBUS_CONTRACT_RULES_H
#define CASEBUS_CONTRACT_RULES_H

#include "common/contract/contract.h"
#include "common/core/fault.h"

#define RULES_LENGTH_DEFAULT 256 /* Code points of a string where nothing is said. */
#define RULES_ITEMS_DEFAULT  256

/* INVALID with the first field, in the order of the .proto, that breaks its rule. */
enum fault rules_check(const ProtobufCMessage *message, struct why *why);

/* Whether the text has the form (Casebus__Form). FORM_UNSPECIFIED has every text. */
bool form_holds(int form, const char *text);

/* The form in words, for a person: "a date (YYYY-MM-DD)". */
const char *form_words(int form);

#endif
