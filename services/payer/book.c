#include <stdio.h>
#include <string.h>

#include "common/contract/contract.h"
#include "common/contract/json.h"
#include "common/core/slice.h"
#include "services/payer/payer.h"

#define BOOK_BYTES_MAX ((size_t)1 << 20)

static enum fault read_file(const char *path, struct arena *arena, const char **text, size_t *size, struct why *why)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        why_set(why, "could not open %s", path);
        return FAULT_UNAVAILABLE;
    }
    char *bytes = arena_alloc(arena, BOOK_BYTES_MAX);
    *size = fread(bytes, 1, BOOK_BYTES_MAX, file);
    bool whole = feof(file) && !ferror(file);
    fclose(file);
    if (!whole) {
        why_set(why, "could not read %s, which may have %zu bytes", path, BOOK_BYTES_MAX);
        return FAULT_UNAVAILABLE;
    }
    *text = bytes;
    return FAULT_NONE;
}

enum fault book_load(const char *seeds, struct arena *arena, const Insurers__Payers **out, struct why *why)
{
    const char *path = arena_printf(arena, "%s/reference/payers.json", seeds);
    const char *text = NULL;
    size_t size = 0;
    enum fault fault = read_file(path, arena, &text, &size, why);
    if (fault) {
        return fault;
    }
    struct why what = {0};
    ProtobufCMessage *message = NULL;
    fault = json_cross(contract_of(&insurers__payers__descriptor), text, size, arena, &what, &message);
    if (fault) {
        why_set(why, "%s: %s", path, what.text);
        return fault;
    }
    *out = (const Insurers__Payers *)message;
    return FAULT_NONE;
}

const Insurers__Payer *book_find(const Insurers__Payers *book, const char *payer_id)
{
    for (size_t i = 0; i < book->n_payers; i++) {
        if (str_same(book->payers[i]->payer_id, payer_id)) {
            return book->payers[i];
        }
    }
    return NULL;
}

static bool covers(const char *pattern, const char *code)
{
    size_t size = strlen(pattern);
    bool prefix = size > 0 && pattern[size - 1] == '*';
    return prefix ? strncmp(pattern, code, size - 1) == 0 : strcmp(pattern, code) == 0;
}

const Insurers__BenefitRule *find_benefit(const Insurers__Payer *payer, const char *code)
{
    for (size_t i = 0; payer && i < payer->n_benefits; i++) {
        for (size_t k = 0; k < payer->benefits[i]->n_codes; k++) {
            if (covers(payer->benefits[i]->codes[k], code)) {
                return payer->benefits[i];
            }
        }
    }
    return NULL;
}

const Insurers__Reviewer *find_reviewer(const Insurers__Payer *payer, bool physician, const char *other)
{
    for (size_t i = 0; i < payer->n_reviewers; i++) {
        const Insurers__Reviewer *reviewer = payer->reviewers[i];
        if ((!physician || reviewer->physician) && !str_same(reviewer->name, other)) {
            return reviewer;
        }
    }
    return NULL;
}
