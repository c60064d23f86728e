/* Coverage: what Coverage resources say, else what the insurance of the latest claim says. */
#include "services/cli/fhir_facts.h"

#include "common/core/slice.h"

#include <string.h>

#define SOPT       "https://nahdo.org/sopt" /* Source of Payment Typology: its codes sort payers by prefix */
#define WORDS_SIZE 48

struct line_word {
    const char *word;
    Casebus__LineOfBusiness line;
};

#define LINE(name) CASEBUS__LINE_OF_BUSINESS__LINE_OF_BUSINESS_##name

static const struct line_word LINE_WORDS[] = {
    {"medicare advantage", LINE(MEDICARE_ADVANTAGE)},
    {"medicare", LINE(MEDICARE)},
    {"dual eligible", LINE(MEDICARE)}, /* Medicare pays first */
    {"medicaid", LINE(MEDICAID)},
    {"chip", LINE(CHIP)},
    {"private", LINE(COMMERCIAL)},
    {"commercial", LINE(COMMERCIAL)},
    {"workers compensation", LINE(WORKERS_COMPENSATION)},
    {"no insurance", LINE(SELF_PAY)},
    {"self pay", LINE(SELF_PAY)},
};

static const struct line_word LINE_PREFIXES[] = {
    /* the longer ones first */
    {"11", LINE(MEDICARE_ADVANTAGE)},
    {"23", LINE(CHIP)},
    {"81", LINE(SELF_PAY)},
    {"95", LINE(WORKERS_COMPENSATION)},
    {"1", LINE(MEDICARE)},
    {"2", LINE(MEDICAID)},
    {"5", LINE(COMMERCIAL)},
    {"6", LINE(COMMERCIAL)},
};

/* Lower case, with spaces for hyphens and underscores. */
static void plain_words(char out[static WORDS_SIZE], const char *text)
{
    size_t n = 0;
    for (; *text != '\0' && n < WORDS_SIZE - 1; text++) {
        char c = *text == '_' || *text == '-' ? ' ' : *text;
        out[n++] = ascii_lower(c);
    }
    out[n] = '\0';
}

static Casebus__LineOfBusiness line_of_words(const char *text)
{
    char words[WORDS_SIZE];
    if (text == NULL) {
        return LINE(UNSPECIFIED);
    }
    plain_words(words, text);
    for (size_t i = 0; i < sizeof LINE_WORDS / sizeof *LINE_WORDS; i++) {
        if (strcmp(words, LINE_WORDS[i].word) == 0) {
            return LINE_WORDS[i].line;
        }
    }
    return LINE(UNSPECIFIED);
}

static Casebus__LineOfBusiness line_of_type(struct facts *facts, const struct node *type)
{
    struct reader *r = facts->r;
    struct node list = node_get(r, type, "coding"), first = node_item(r, &list, 0);
    const char *system = node_text_of(r, &first, "system"), *code = node_text_of(r, &first, "code");
    for (size_t i = 0; str_same(system, SOPT) && i < sizeof LINE_PREFIXES / sizeof *LINE_PREFIXES; i++) {
        if (str_starts_with(code, LINE_PREFIXES[i].word)) {
            return LINE_PREFIXES[i].line;
        }
    }
    return line_of_words(fhir_words_of(facts, type));
}

static const char *payer_of(struct facts *facts, const struct node *coverage)
{
    struct reader *r = facts->r;
    struct node list = node_get(r, coverage, "payor"), first = node_item(r, &list, 0);
    struct json_object *found = refs_follow(&facts->refs, r, coverage, &first);
    struct node payer = node_root(found), name = node_get(r, &payer, "name");
    bool named = json_object_is_type(name.json, json_type_string);
    return named ? json_object_get_string(name.json) : node_text_of(r, &first, "display");
}

static Intake__CoverageFact *add_coverage(struct facts *facts, const char *payer, Casebus__LineOfBusiness line)
{
    Intake__PatientFacts *patient = facts->patient;
    Intake__CoverageFact *out = ARENA_NEW(facts->r->arena, Intake__CoverageFact);
    intake__coverage_fact__init(out);
    out->payer_name = keep_text(facts->r, payer, TEXT_POINTS);
    line = line != LINE(UNSPECIFIED) ? line : line_of_words(payer);
    out->has_line = line != LINE(UNSPECIFIED);
    out->line = line;
    patient->coverages[patient->n_coverages++] = out;
    return out;
}

static bool keep_coverage(struct facts *facts, const struct node *coverage)
{
    struct reader *r = facts->r;
    if (facts->patient->n_coverages == COVERAGES_MAX) {
        node_odd(r, coverage, "is one more than the %d coverages that a referral can carry", COVERAGES_MAX);
        return false;
    }
    struct node type = node_get(r, coverage, "type"), period = node_get(r, coverage, "period");
    const char *member = node_text_of(r, coverage, "subscriberId");
    Intake__CoverageFact *fact = add_coverage(facts, payer_of(facts, coverage), line_of_type(facts, &type));
    struct said_time start, end;
    fact->member_id = keep_text(r, member, WORD_POINTS);
    if (node_time_of(r, &period, "start", TENSE_ANY, &start)) {
        fact->start_date = keep_day(r, &start);
    }
    if (node_time_of(r, &period, "end", TENSE_ANY, &end)) {
        fact->end_date = keep_day(r, &end);
    }
    return true;
}

bool fhir_read_coverage(struct facts *facts, const struct node *resource)
{
    if (!str_same(node_text_of(facts->r, resource, "status"), "active")) {
        return false;
    }
    return keep_coverage(facts, resource);
}

bool fhir_read_claim(struct facts *facts, const struct node *resource, size_t entry)
{
    bool explanation = str_same(resource_type(resource->json), "ExplanationOfBenefit");
    struct said_time created;
    if (!str_same(node_text_of(facts->r, resource, "status"), "active") ||
        !node_time_of(facts->r, resource, "created", TENSE_PAST, &created)) {
        return false;
    }
    bool first = facts->claim_entry == SIZE_MAX || (explanation && !facts->claim_is_explanation);
    bool worse = facts->claim_is_explanation && !explanation;
    if (worse || (!first && created.at_ms < facts->claim_at_ms)) {
        return false;
    }
    facts->claim_entry = entry;
    facts->claim_at_ms = created.at_ms;
    facts->claim_is_explanation = explanation;
    return false; /* counted when it is the one that was used */
}

static void keep_insurance(struct facts *facts, const struct node *claim, const struct node *insurance)
{
    struct reader *r = facts->r;
    struct node reference = node_get(r, insurance, "coverage");
    struct json_object *found = refs_follow(&facts->refs, r, claim, &reference);
    struct node coverage = {.json = found, .up = &reference};
    const char *display = node_text_of(r, &reference, "display");
    if (found != NULL) {
        keep_coverage(facts, &coverage);
    } else if (display != NULL && facts->patient->n_coverages < COVERAGES_MAX) {
        add_coverage(facts, display, LINE(UNSPECIFIED));
    }
}

void fhir_finish_cover(struct facts *facts, const struct node *entries)
{
    struct reader *r = facts->r;
    if (facts->patient->n_coverages > 0 || facts->claim_entry == SIZE_MAX) {
        return;
    }
    struct node entry = node_item(r, entries, facts->claim_entry), claim = node_get(r, &entry, "resource");
    struct node list = node_get(r, &claim, "insurance");
    size_t count = node_count(r, &list);
    for (size_t i = 0; i < count && !r->refused; i++) {
        struct node item = node_item(r, &list, i);
        keep_insurance(facts, &claim, &item);
    }
    if (facts->patient->n_coverages > 0) {
        r->out->tally.used++;
        r->out->tally.ignored--;
    }
}
