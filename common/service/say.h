/* Words for people: what a rule writes into a sentence. All text lives in the call's arena. */
#ifndef CASEBUS_SERVICE_SAY_H
#define CASEBUS_SERVICE_SAY_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "common/service/decision.h"

/* An instant as a clock on the wall there shows it: "Tue Dec 1, 2026 9:30 AM EST". The tenant's zone where `zone` is NULL or unknown. */
const char *say_when(struct decision *d, const char *zone, int64_t at_ms);

/* Only the day: "Tue Dec 1, 2026". */
const char *say_day(struct decision *d, const char *zone, int64_t at_ms);

/* The word of an enum's value, without the enum's name: APPOINTMENT_STATE_CHECKED_IN is "checked-in". "unknown" for no value of it. */
const char *say_enum(struct decision *d, const ProtobufCEnumDescriptor *descriptor, int value);

/* "1 visit", "12 visits". */
const char *say_count(struct decision *d, uint64_t count, const char *noun);

#endif
