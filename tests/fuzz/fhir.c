/* Fuzzes the import of FHIR bundles: whatever is imported keeps the rules of the message that it becomes, and its tally
 * adds up. The reference data is that of `seeds`, so the target runs in the root of the repository. */
#include <string.h>

#include "common/contract/json.h"
#include "common/contract/rules.h"
#include "common/core/must.h"
#include "services/cli/fhir.h"
#include "tests/fuzz/crossing.h"

#define NOW_MS INT64_C(1795316400000) /* 2026-11-22T03:00:00Z */

static const Casebus__CodeMap *code_map(struct arena *arena, const char *path)
{
    struct slice text = file_read(path, arena);
    ProtobufCMessage *map = NULL;
    MUST(json_cross(contract_of(&casebus__code_map__descriptor), text.at, text.size, arena, NULL, &map) == FAULT_NONE);
    return (const Casebus__CodeMap *)map;
}

static const struct fhir_reference *reference(void)
{
    static struct arena arena;
    static const Casebus__CodeMap *conditions[2];
    static struct fhir_reference loaded = {.conditions = conditions, .n_conditions = ARRAY_LENGTH(conditions)};
    if (loaded.measures == NULL) {
        arena_init(&arena, 0);
        loaded.measures = code_map(&arena, "seeds/reference/loinc-measures.json");
        conditions[0] = code_map(&arena, "seeds/reference/snomed-conditions.json");
        conditions[1] = code_map(&arena, "seeds/reference/icd10-conditions.json");
    }
    return &loaded;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = fuzz_arena();
    struct why why = {""};
    struct fhir_import out;
    struct slice text = {(const char *)data, size};
    if (fhir_import(text, reference(), NOW_MS, arena, &out, &why) != FAULT_NONE) {
        must_say_why(&why);
        return 0;
    }
    const struct fhir_tally *tally = &out.tally;
    MUST((out.kind == FHIR_PATIENT) == (out.referral != NULL));
    MUST(out.n_odd <= FHIR_ODD_MAX && tally->used + tally->ignored <= tally->entries);
    if (out.referral != NULL) {
        MUST(rules_check(&out.referral->base, &why) == FAULT_NONE);
        MUST(tally->used + tally->ignored == tally->entries && tally->unmapped <= tally->active);
        MUST(out.referral->patient->n_encounters == tally->inpatient + tally->emergency);
        must_survive_json(&out.referral->base, arena);
    }
    return 0;
}
