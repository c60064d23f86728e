#include "common/service/reference.h"

#include "common/core/slice.h"
#include "services/cli/cli.h"
#include "services/cli/fhir.h"

static const struct reference_file FILES[] = {
    {&casebus__code_map__descriptor, "reference/loinc-measures.json"},
    {&casebus__code_map__descriptor, "reference/snomed-conditions.json"},
    {&casebus__code_map__descriptor, "reference/icd10-conditions.json"},
    {0},
};

/* Loaded once and kept for the life of the process. */
enum fault importer_reference(struct cli *cli, struct fhir_reference *out, struct why *why)
{
    enum fault fault = reference_load(FILES, settings_text(cli->settings, "seeds"), &cli->reference, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    struct decision view = {.reference = cli->reference};
    const Casebus__CodeMap **maps = arena_alloc(&cli->arena, reference_count(cli->reference) * sizeof *maps);
    *out = (struct fhir_reference){.conditions = maps};
    size_t cursor = 0;
    const Casebus__CodeMap *map;
    while ((map = reference_each(&view, &casebus__code_map__descriptor, &cursor))) {
        if (str_same(map->system, "http://loinc.org")) {
            out->measures = map;
        } else {
            maps[out->n_conditions++] = map;
        }
    }
    return FAULT_NONE;
}
