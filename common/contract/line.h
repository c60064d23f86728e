/* An event as a person reads it in the time line: the template of its option `line`, filled in.
 *
 *     "referral received from {source}{reason?: }{reason}"  ->  "referral received from St. Mary: fall at home"
 *
 * `{field}` is replaced by the value of the field, and by nothing when it is absent. `{field?text}` gives the text when
 * the field is there and not empty. Values: text as it is, on one line; enums in words (IN_PROGRESS -> in progress);
 * `_cents` as dollars; other numbers in digits; true and false as yes and no; lists with commas. */
#ifndef CASEBUS_CONTRACT_LINE_H
#define CASEBUS_CONTRACT_LINE_H

#include "common/contract/contract.h"
#include "common/core/arena.h"

#define LINE_SIZE_MAX 4096
#define WORDS_SIZE    64 /* Of an enum value, with the NUL. */

/* The sentence, in `arena`; empty when the message is no event or has no line. Never longer than LINE_SIZE_MAX. */
const char *line_write(const ProtobufCMessage *event, struct arena *arena);

/* The value of an enum as words, without the name of the enum: CASE_STATE_NOT_ELIGIBLE -> "not eligible". A number for
 * a value that the contract does not name. */
const char *enum_words(const ProtobufCEnumDescriptor *type, int value, char out[static WORDS_SIZE]);

#endif
