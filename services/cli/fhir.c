#include "services/cli/fhir.h"

#include "common/contract/json.h"
#include "common/contract/rules.h"
#include "common/core/hash.h"
#include "common/core/hex.h"
#include "services/cli/fhir_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH_BYTES ((size_t)1 << 30) /* names of at most as many bytes as the text has, and what parsing takes */
#define SOURCE        "fhir"

/* ---- the bundle ---- */

static struct slice without_byte_order_mark(struct slice text)
{
    if (text.size >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0) {
        return (struct slice){text.at + 3, text.size - 3};
    }
    return text;
}

static enum fault parse(struct slice text, struct reader *r, struct json_object **out)
{
    static const struct json_limits LIMITS = {
        .size = FHIR_BYTES_MAX, .depth = FHIR_DEPTH_MAX, .values = FHIR_VALUES_MAX};
    if (text.size > FHIR_BYTES_MAX) {
        why_set(r->why, "the bundle has %zu MiB, %zu MiB is the most", text.size >> 20, FHIR_BYTES_MAX >> 20);
        return FAULT_INVALID;
    }
    return json_parse(text.at, text.size, &LIMITS, r->scratch, r->why, out);
}

static void check_bundle(struct reader *r, const struct node *bundle)
{
    static const char *const TYPES[] = {"transaction", "searchset", "collection"};
    struct node kind = node_get(r, bundle, "resourceType"), type = node_get(r, bundle, "type");
    const char *its_kind = node_text(r, &kind), *its_type = node_text(r, &type);
    if (!str_same(its_kind, "Bundle")) {
        node_refuse(r, &kind, "is \"%.40s\", but must be \"Bundle\"", its_kind == NULL ? "" : its_kind);
        return;
    }
    bool known = false;
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        known |= str_same(its_type, TYPES[i]);
    }
    if (!known) {
        node_refuse(r, &type, "is \"%.40s\", but must be transaction, searchset or collection",
            its_type == NULL ? "" : its_type);
    }
}

/* What a missing page would have told looks like absence, so a page alone is refused. */
static void check_whole(struct reader *r, const struct node *bundle)
{
    struct node links = node_get(r, bundle, "link");
    size_t count = node_count(r, &links);
    for (size_t i = 0; i < count; i++) {
        struct node link = node_item(r, &links, i);
        if (str_same(node_text_of(r, &link, "relation"), "next")) {
            node_refuse(r, &link, "leads to a next page: send all pages as one bundle");
        }
    }
}

/* Whether the entry brings a resource: it does not delete, read or report. */
static bool brings_resource(struct reader *r, const struct node *entry)
{
    struct node request = node_get(r, entry, "request"), search = node_get(r, entry, "search");
    const char *method = node_text_of(r, &request, "method"), *mode = node_text_of(r, &search, "mode");
    bool writes = method == NULL || str_same(method, "POST") || str_same(method, "PUT");
    return writes && !str_same(mode, "outcome");
}

struct kinds {
    size_t patient; /* its entry; SIZE_MAX: none */
    size_t conditions, medicines, others;
};

static void count_kinds(struct reader *r, const struct node *entries, struct kinds *out)
{
    struct fhir_tally *tally = &r->out->tally;
    *out = (struct kinds){.patient = SIZE_MAX};
    tally->entries = node_count(r, entries);
    for (size_t i = 0; i < tally->entries && !r->refused; i++) {
        struct node entry = node_item(r, entries, i), resource = node_get(r, &entry, "resource");
        const char *type = resource_type(resource.json);
        if (!node_is_there(&resource) || !brings_resource(r, &entry)) {
            continue;
        }
        if (type[0] == '\0') {
            node_refuse(r, &resource, "has no resourceType");
        } else if (str_same(type, "Patient") && out->patient != SIZE_MAX) {
            node_refuse(r, &resource, "is a second patient besides entry[%zu]: a referral is about one", out->patient);
        } else if (str_same(type, "Patient")) {
            out->patient = i;
        } else if (str_same(type, "Practitioner") || str_same(type, "PractitionerRole")) {
            tally->practitioners++;
        } else if (str_same(type, "Organization") || str_same(type, "HealthcareService")) {
            tally->organizations++;
        } else if (str_same(type, "Location") || str_same(type, "Endpoint")) {
            tally->places++;
        } else {
            out->conditions += str_same(type, "Condition");
            out->medicines += str_same(type, "MedicationRequest");
            out->others++;
        }
    }
}

/* ---- from entries to facts ---- */

static bool read_claim_entry(struct facts *facts, const struct node *resource)
{
    return fhir_read_claim(facts, resource, resource->up->index);
}

struct part {
    const char *type;
    const char *subject; /* the element that says whose it is */
    bool (*read)(struct facts *facts, const struct node *resource);
};

static const struct part PARTS[] = {
    {"Condition", "subject", fhir_read_condition},
    {"Encounter", "subject", fhir_read_encounter},
    {"Observation", "subject", fhir_read_observation},
    {"MedicationRequest", "subject", fhir_read_medication},
    {"Coverage", "beneficiary", fhir_read_coverage},
    {"Claim", "patient", read_claim_entry},
    {"ExplanationOfBenefit", "patient", read_claim_entry},
    {"CareTeam", "subject", fhir_read_care_team},
    {"RelatedPerson", "patient", fhir_read_related_person},
    {"ServiceRequest", "subject", fhir_read_request},
};

static const struct part *part_of(const char *type)
{
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++) {
        if (str_same(PARTS[i].type, type)) {
            return &PARTS[i];
        }
    }
    return NULL;
}

static void check_subject(struct facts *facts, const struct node *resource, const char *element)
{
    struct reader *r = facts->r;
    struct node subject = node_get(r, resource, element);
    const char *reference = node_text_of(r, &subject, "reference");
    if (refs_follow(&facts->refs, r, resource, &subject) == facts->subject) {
        return;
    }
    if (reference == NULL) {
        node_refuse(r, resource, "does not say in %s whose it is", element);
    } else {
        node_refuse(r, &subject, "is \"%.60s\", which is not the patient of this bundle", reference);
    }
}

static void read_entries(struct facts *facts, const struct node *entries)
{
    struct reader *r = facts->r;
    struct fhir_tally *tally = &r->out->tally;
    for (size_t i = 0; i < tally->entries && !r->refused; i++) {
        struct node entry = node_item(r, entries, i), resource = node_get(r, &entry, "resource");
        const struct part *part = part_of(resource_type(resource.json));
        if (resource.json == facts->subject) {
            continue;
        }
        if (part == NULL || !brings_resource(r, &entry)) {
            tally->ignored++;
            continue;
        }
        check_subject(facts, &resource, part->subject);
        bool used = !r->refused && part->read(facts, &resource);
        tally->used += used;
        tally->ignored += !used;
    }
}

static void new_message(struct facts *facts, const struct kinds *kinds)
{
    struct arena *arena = facts->r->arena;
    facts->referral = ARENA_NEW(arena, Intake__ReceiveReferral);
    facts->patient = ARENA_NEW(arena, Intake__PatientFacts);
    intake__receive_referral__init(facts->referral);
    intake__patient_facts__init(facts->patient);
    facts->referral->source = arena_strdup(arena, SOURCE);
    facts->referral->patient = facts->patient;
    facts->patient->conditions = ARENA_ARRAY(arena, Intake__Condition *, CONDITIONS_MAX);
    facts->patient->encounters = ARENA_ARRAY(arena, Intake__Encounter *, ENCOUNTERS_MAX);
    facts->patient->observations = ARENA_ARRAY(arena, Intake__Observation *, MEASURES_MAX);
    facts->patient->coverages = ARENA_ARRAY(arena, Intake__CoverageFact *, COVERAGES_MAX);
    facts->encounters = ARENA_ARRAY(facts->r->scratch, Intake__Encounter *, STAYS_READ_MAX);
    facts->measured = ARENA_ARRAY(facts->r->scratch, struct measured, MEASURES_MAX);
    facts->medicines = ARENA_ARRAY(facts->r->scratch, const char *, kinds->medicines);
    facts->claim_entry = SIZE_MAX;
}

static void read_timestamp(struct facts *facts, const struct node *bundle)
{
    struct said_time at;
    if (!facts->referral->has_referred_at_ms && node_time_of(facts->r, bundle, "timestamp", TENSE_PAST, &at)) {
        facts->referral->has_referred_at_ms = true;
        facts->referral->referred_at_ms = at.at_ms;
    }
}

static void read_facts(
    struct facts *facts, const struct node *bundle, const struct node *entries, const struct kinds *kinds)
{
    struct reader *r = facts->r;
    struct node entry = node_item(r, entries, kinds->patient), patient = node_get(r, &entry, "resource");
    facts->subject = patient.json;
    refs_init(&facts->refs, r, entries);
    new_message(facts, kinds);
    fhir_read_patient(facts, &patient);
    r->out->tally.used++;
    read_entries(facts, entries);
    if (r->refused) {
        return;
    }
    fhir_finish_people(facts, &patient);
    fhir_finish_clinic(facts);
    fhir_finish_measures(facts);
    fhir_finish_cover(facts, entries);
    read_timestamp(facts, bundle);
}

static void refuse_without_patient(struct reader *r, const struct node *entries)
{
    node_refuse(r, entries,
        "has no Patient among %zu entries, and is no directory of practitioners and organisations either",
        r->out->tally.entries);
}

static void read_bundle(
    struct reader *r, struct json_object *tree, const struct fhir_reference *reference, Intake__ReceiveReferral **out)
{
    struct node bundle = node_root(tree), entries = node_get(r, &bundle, "entry");
    struct fhir_tally *tally = &r->out->tally;
    struct kinds kinds;
    check_bundle(r, &bundle);
    check_whole(r, &bundle);
    if (node_count(r, &entries) > FHIR_ENTRIES_MAX) {
        node_refuse(r, &entries, "has %zu items, %zu are the most", node_count(r, &entries), FHIR_ENTRIES_MAX);
    }
    count_kinds(r, &entries, &kinds);
    if (r->refused) {
        return;
    }
    bool directory = kinds.others == 0 && tally->practitioners + tally->organizations + tally->places > 0;
    if (kinds.patient == SIZE_MAX && directory) {
        r->out->kind = FHIR_DIRECTORY;
        return;
    }
    if (kinds.patient == SIZE_MAX) {
        refuse_without_patient(r, &entries);
        return;
    }
    struct facts facts = {.r = r, .reference = reference};
    read_facts(&facts, &bundle, &entries, &kinds);
    *out = facts.referral;
}

/* ---- from bytes to the message ---- */

static void stamp(struct reader *r, struct slice text, Intake__ReceiveReferral *referral)
{
    uint8_t digest[HASH_SIZE];
    char digits[HEX_SIZE(HASH_SIZE)];
    hash_bytes(digest, text.at, text.size);
    hex_encode(digits, digest, sizeof digest);
    referral->source_document_hash = arena_strdup(r->arena, digits);
}

enum fault fhir_import(struct slice text, const struct fhir_reference *reference, int64_t now_ms, struct arena *arena,
    struct fhir_import *out, struct why *why)
{
    struct arena scratch;
    struct fhir_import result = {.kind = FHIR_PATIENT};
    struct reader r = {.arena = arena, .scratch = &scratch, .out = &result, .why = why, .now_ms = now_ms};
    struct json_object *tree = NULL;
    arena_init(&scratch, SCRATCH_BYTES);
    enum fault fault = parse(without_byte_order_mark(text), &r, &tree);
    if (fault == FAULT_NONE) {
        read_bundle(&r, tree, reference, &result.referral);
        fault = r.refused ? FAULT_INVALID : FAULT_NONE;
    }
    if (fault == FAULT_NONE && result.referral != NULL) {
        stamp(&r, text, result.referral);
        fault = rules_check(&result.referral->base, why);
    }
    json_object_put(tree);
    arena_done(&scratch);
    if (fault == FAULT_NONE) {
        *out = result;
    }
    return fault;
}

static bool read_all(int fd, char *at, size_t size)
{
    while (size > 0) {
        ssize_t got = read(fd, at, size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        size -= (size_t)got;
    }
    return true;
}

static enum fault read_open_file(int fd, char **out, size_t *out_size, struct why *why)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        why_set(why, "is not a file");
        return FAULT_INVALID;
    }
    if ((uint64_t)status.st_size > FHIR_BYTES_MAX) {
        why_set(
            why, "has %zu MiB, %zu MiB is the most for a bundle", (size_t)status.st_size >> 20, FHIR_BYTES_MAX >> 20);
        return FAULT_INVALID;
    }
    size_t size = (size_t)status.st_size;
    char *bytes = malloc(size + 1);
    if (bytes == NULL || !read_all(fd, bytes, size)) {
        free(bytes);
        why_set(why, "could not be read to its end");
        return FAULT_UNAVAILABLE;
    }
    *out = bytes;
    *out_size = size;
    return FAULT_NONE;
}

enum fault fhir_import_file(const char *path, const struct fhir_reference *reference, int64_t now_ms,
    struct arena *arena, struct fhir_import *out, struct why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        why_set(why, "cannot be opened: %s", strerror(errno));
        return FAULT_NOT_FOUND;
    }
    char *bytes = NULL;
    size_t size = 0;
    enum fault fault = read_open_file(fd, &bytes, &size, why);
    close(fd);
    if (fault == FAULT_NONE) {
        fault = fhir_import((struct slice){bytes, size}, reference, now_ms, arena, out, why);
    }
    free(bytes);
    return fault;
}
