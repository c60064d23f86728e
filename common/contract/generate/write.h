/* Writes the tables of contract.h as C. */
#ifndef CASEBUS_GENERATE_WRITE_H
#define CASEBUS_GENERATE_WRITE_H

#include "common/contract/generate/model.h"

#include <stdio.h>

void write_tables(const struct model *model, struct arena *arena, FILE *out);

#endif
