#include "tests/journey/bundles.h"

#include "common/contract/json.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROWS_MAX 256

struct slice file_read(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s cannot be opened", path);
    }
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *bytes = arena_alloc(arena, size + 1);
    assert_int_equal(fread(bytes, 1, size, file), size);
    bytes[size] = '\0';
    fclose(file);
    return (struct slice){bytes, size};
}

const ProtobufCMessage *reference_read(
    struct arena *arena, const ProtobufCMessageDescriptor *descriptor, const char *path)
{
    struct slice text = file_read(arena, path);
    struct why why = {""};
    ProtobufCMessage *out = NULL;
    if (json_cross(contract_of(descriptor), text.at, text.size, arena, &why, &out) != FAULT_NONE) {
        fail_msg("%s: %s", path, why.text);
    }
    return out;
}

const struct fhir_reference *reference_for_import(struct arena *arena)
{
    const ProtobufCMessageDescriptor *map = &casebus__code_map__descriptor;
    const Casebus__CodeMap **conditions = ARENA_ARRAY(arena, const Casebus__CodeMap *, 2);
    conditions[0] = (const Casebus__CodeMap *)reference_read(arena, map, "seeds/reference/snomed-conditions.json");
    conditions[1] = (const Casebus__CodeMap *)reference_read(arena, map, "seeds/reference/icd10-conditions.json");
    struct fhir_reference *out = ARENA_NEW(arena, struct fhir_reference);
    out->measures = (const Casebus__CodeMap *)reference_read(arena, map, "seeds/reference/loinc-measures.json");
    out->conditions = conditions;
    out->n_conditions = 2;
    return out;
}

static size_t split(struct row *row, char *line)
{
    size_t count = 0;
    for (char *cell; (cell = strsep(&line, "\t")) != NULL; count++) {
        assert_true(count < TABLE_COLUMNS_MAX);
        row->cells[count] = cell;
    }
    return count;
}

struct table table_read(struct arena *arena, const char *path)
{
    struct table table = {.rows = ARENA_ARRAY(arena, struct row, ROWS_MAX)};
    char *text = arena_strdup(arena, file_read(arena, path).at);
    table.columns = split(&table.header, strsep(&text, "\n"));
    for (char *line; (line = strsep(&text, "\n")) != NULL && *line != '\0'; table.count++) {
        assert_true(table.count < ROWS_MAX);
        assert_int_equal(split(&table.rows[table.count], line), table.columns);
    }
    return table;
}

const char *table_cell(const struct table *table, size_t row, const char *column)
{
    for (size_t i = 0; i < table->columns; i++) {
        if (strcmp(table->header.cells[i], column) == 0) {
            return table->rows[row].cells[i];
        }
    }
    fail_msg("the table has no column %s", column);
    return NULL;
}

const char *bundle_path(struct arena *arena, const char *file)
{
    if (str_starts_with(file, "seeds/")) {
        return file;
    }
    const char *shared = getenv("SUITE_SHARED");
    const char *path = arena_printf(arena, "%s/data/fhir/%s", shared == NULL ? "../shared" : shared, file);
    return access(path, R_OK) == 0 ? path : NULL;
}
