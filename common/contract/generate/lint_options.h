/* The part of the checks that looks into our own options: whether they name what exists and fits. */
#ifndef CASEBUS_GENERATE_LINT_OPTIONS_H
#define CASEBUS_GENERATE_LINT_OPTIONS_H

#include "common/contract/generate/model.h"

#include <stdio.h>

struct lint {
    const struct model *model;
    FILE *out;
    size_t complaints;
};

void complain(struct lint *lint, const struct file_model *file, const char *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void lint_message_options(struct lint *lint, const struct message_model *message);
void lint_rule(
    struct lint *lint, const struct message_model *message, const struct field_model *field, const char *place);

#endif
