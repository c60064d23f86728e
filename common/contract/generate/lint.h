/* What the contract must be, so that the layers above can lean on it. Every complaint is a sentence that names the file
 * and the place; all of them are printed, and any of them fails the build.
 *
 * Held: proto2 without `required`, groups, maps, defaults and extensions; packages `casebus...v<N>` of one major; names
 * in lower_snake, TitleCase and UPPER_SNAKE; enums with a zero `<ENUM>_UNSPECIFIED` and no number twice; no recursion,
 * nesting within what the guard lets through; `_at_ms` and `_cents` int64; options that name fields and messages which
 * exist and fit. */
#ifndef CASEBUS_GENERATE_LINT_H
#define CASEBUS_GENERATE_LINT_H

#include "common/contract/generate/model.h"

#include <stdio.h>

/* The number of complaints, each written to `out` on a line of its own. */
size_t lint_contract(const struct model *model, FILE *out);

#endif
