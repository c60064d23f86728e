/* Reference data: code maps, pathways, instruments, clocks, benefits. Files under the setting `seeds`, each the JSON of
 * one message of the contract, checked by its rules when the process starts. Constant afterwards. */
#ifndef CASEBUS_SERVICE_REFERENCE_H
#define CASEBUS_SERVICE_REFERENCE_H

#include "common/core/fault.h"
#include "common/service/service.h"

/* Loads the files, which are named relative to `dir`; of a folder every `*.json` in it.
 *
 * INVALID with file, line and field when one is not right, or two of one message have the same id. UNAVAILABLE when one
 * cannot be read. `files` ends with an empty row and may be NULL. */
enum fault reference_load(const struct reference_file *files, const char *dir, struct reference **out, struct why *why);
void reference_free(struct reference **reference);
size_t reference_count(const struct reference *reference);

#endif
