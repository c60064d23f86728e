/* What tests of bundles share: files, the reference data of seeds/, and the table of what every bundle becomes. */
#ifndef TESTS_JOURNEY_BUNDLES_H
#define TESTS_JOURNEY_BUNDLES_H

#include "common/core/arena.h"
#include "services/cli/fhir.h"

#include <stdbool.h>
#include <stddef.h>

/* The moment at which these tests import: 2026-11-22, noon UTC. */
#define BUNDLES_NOW_MS INT64_C(1795348800000)

/* The whole file, in the arena; ends the test when there is none. */
struct slice file_read(struct arena *arena, const char *path);

/* A file of seeds/reference as a message; ends the test with the sentence of the refusal. */
const ProtobufCMessage *reference_read(
    struct arena *arena, const ProtobufCMessageDescriptor *descriptor, const char *path);

/* What the importer needs, from seeds/reference. */
const struct fhir_reference *reference_for_import(struct arena *arena);

/* tests/journey/expected.tsv. */
#define TABLE_COLUMNS_MAX 32

struct row {
    const char *cells[TABLE_COLUMNS_MAX];
};

struct table {
    struct row header;
    size_t columns;
    struct row *rows;
    size_t count;
};

struct table table_read(struct arena *arena, const char *path);
const char *table_cell(const struct table *table, size_t row, const char *column);

/* Where the bundle of a row lies, in the arena; NULL when it is one of the outside collection and that is not there. */
const char *bundle_path(struct arena *arena, const char *file);

#endif
