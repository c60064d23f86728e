/* Codes: finding them in the maps, and keeping one of several. */
#include "services/cli/fhir_facts.h"

#include "common/core/slice.h"

#include <string.h>

#define CODE_MAX    64
#define SYSTEM_MAX  256
#define DISPLAY_MAX 256

static bool is_plain(const char *text, size_t most)
{
    size_t size = text == NULL ? 0 : strlen(text);
    if (size == 0 || size > most) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    return true;
}

/* Upper case, without dots: as the prefixes of a map are written. */
static void flatten(char out[static CODE_MAX + 1], const char *code)
{
    size_t n = 0;
    for (; *code != '\0' && n < CODE_MAX; code++) {
        if (*code != '.') {
            out[n++] = ascii_upper(*code);
        }
    }
    out[n] = '\0';
}

const Casebus__CodeMapEntry *code_map_find(const Casebus__CodeMap *map, const char *system, const char *code)
{
    if (!str_same(system, map->system) || code == NULL) {
        return NULL;
    }
    char flat[CODE_MAX + 1];
    flatten(flat, code);
    const Casebus__CodeMapEntry *best = NULL;
    for (size_t i = 0; i < map->n_entries; i++) {
        const Casebus__CodeMapEntry *entry = map->entries[i];
        if (!map->prefixes) {
            if (strcmp(entry->code, code) == 0) {
                return entry;
            }
        } else if (str_starts_with(flat, entry->code) && (best == NULL || strlen(entry->code) > strlen(best->code))) {
            best = entry;
        }
    }
    return best;
}

static bool is_mapped(const Casebus__CodeMap *const *maps, size_t n_maps, const char *system, const char *code)
{
    for (size_t i = 0; i < n_maps; i++) {
        if (code_map_find(maps[i], system, code) != NULL) {
            return true;
        }
    }
    return false;
}

static Casebus__Coding *new_coding(struct facts *facts, const char *system, const char *code, const char *display)
{
    Casebus__Coding *out = ARENA_NEW(facts->r->arena, Casebus__Coding);
    casebus__coding__init(out);
    out->system = is_plain(system, SYSTEM_MAX) ? keep_text(facts->r, system, SYSTEM_MAX) : NULL;
    out->code = keep_text(facts->r, code, CODE_MAX);
    out->display = keep_text(facts->r, display, DISPLAY_MAX);
    return out;
}

Casebus__Coding *fhir_keep_code(
    struct facts *facts, const struct node *concept, const Casebus__CodeMap *const *maps, size_t n_maps, bool *mapped)
{
    struct reader *r = facts->r;
    struct node list = node_get(r, concept, "coding");
    const char *words = fhir_words_of(facts, concept);
    const char *system = NULL, *code = NULL, *display = NULL;
    size_t count = node_count(r, &list);
    *mapped = false;
    for (size_t i = 0; i < count && !*mapped; i++) {
        struct node item = node_item(r, &list, i);
        const char *its_system = node_text_of(r, &item, "system"), *its_code = node_text_of(r, &item, "code");
        if (!is_plain(its_code, CODE_MAX)) {
            continue;
        }
        *mapped = is_mapped(maps, n_maps, its_system, its_code);
        if (code == NULL || *mapped) {
            system = its_system;
            code = its_code;
            display = node_text_of(r, &item, "display");
        }
    }
    if (code == NULL && words == NULL) {
        return NULL;
    }
    return new_coding(facts, system, code == NULL ? "uncoded" : code, display == NULL ? words : display);
}

const char *fhir_words_of(struct facts *facts, const struct node *concept)
{
    struct reader *r = facts->r;
    const char *text = node_text_of(r, concept, "text");
    struct node list = node_get(r, concept, "coding");
    struct node first = node_item(r, &list, 0);
    return text != NULL ? text : node_text_of(r, &first, "display");
}

const char *fhir_first_code(struct facts *facts, const struct node *concept)
{
    struct node list = node_get(facts->r, concept, "coding");
    struct node first = node_item(facts->r, &list, 0);
    return node_text_of(facts->r, &first, "code");
}

int fhir_word_value(const struct fhir_word *words, const char *word, int otherwise)
{
    for (; word != NULL && words->word != NULL; words++) {
        if (strcmp(words->word, word) == 0) {
            return words->value;
        }
    }
    return otherwise;
}
