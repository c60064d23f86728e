/* What every resource about somebody has: names, contacts, languages. */
#include "services/cli/fhir_facts.h"

#include "common/core/slice.h"

#include <string.h>

bool fhir_is_old(struct facts *facts, const struct node *item)
{
    const char *use = node_text_of(facts->r, item, "use");
    return str_same(use, "old") || str_same(use, "temp");
}

struct node fhir_choose(struct facts *facts, const struct node *list, const char *use)
{
    struct reader *r = facts->r;
    struct node chosen = {.up = list};
    size_t count = node_count(r, list);
    for (size_t i = 0; i < count; i++) {
        struct node item = node_item(r, list, i);
        if (str_same(node_text_of(r, &item, "use"), use)) {
            return item;
        }
        if (!node_is_there(&chosen) && !fhir_is_old(facts, &item)) {
            chosen = item;
        }
    }
    return chosen;
}

const char *fhir_joined(struct facts *facts, const struct node *list, const char *between)
{
    struct reader *r = facts->r;
    const char *out = NULL;
    size_t count = node_count(r, list);
    for (size_t i = 0; i < count && i < CONTACTS_MAX; i++) {
        struct node item = node_item(r, list, i);
        const char *text = node_text(r, &item);
        if (text != NULL) {
            out = out == NULL ? text : arena_printf(r->scratch, "%s%s%s", out, between, text);
        }
    }
    return out;
}

/* A HumanName as people write it; NULL when it says nothing. */
static const char *whole_name(struct facts *facts, const struct node *name)
{
    struct reader *r = facts->r;
    struct node prefixes = node_get(r, name, "prefix"), givens = node_get(r, name, "given");
    const char *text = node_text_of(r, name, "text"), *family = node_text_of(r, name, "family");
    const char *prefix = fhir_joined(facts, &prefixes, " "), *given = fhir_joined(facts, &givens, " ");
    if (text != NULL || (family == NULL && given == NULL)) {
        return text;
    }
    return arena_printf(r->scratch, "%s%s%s%s%s", prefix == NULL ? "" : prefix, prefix == NULL ? "" : " ",
        given == NULL ? "" : given, given != NULL && family != NULL ? " " : "", family == NULL ? "" : family);
}

const char *fhir_name_of(struct facts *facts, const struct node *resource)
{
    struct node name = node_get(facts->r, resource, "name");
    if (json_object_is_type(name.json, json_type_string)) {
        return node_text(facts->r, &name); /* an Organization's */
    }
    if (json_object_is_type(name.json, json_type_object)) {
        return whole_name(facts, &name); /* a Patient.contact's */
    }
    struct node chosen = fhir_choose(facts, &name, "official");
    return whole_name(facts, &chosen);
}

const char *fhir_name_under(struct facts *facts, const struct node *resource, const struct node *reference)
{
    const char *display = node_text_of(facts->r, reference, "display");
    struct json_object *found = refs_follow(&facts->refs, facts->r, resource, reference);
    if (display != NULL || found == NULL) {
        return display;
    }
    struct node node = node_root(found);
    return fhir_name_of(facts, &node);
}

/* ---- contacts ---- */

static Casebus__Channel channel_of(const char *system)
{
    if (str_same(system, "phone")) {
        return CASEBUS__CHANNEL__CHANNEL_PHONE;
    }
    if (str_same(system, "email")) {
        return CASEBUS__CHANNEL__CHANNEL_EMAIL;
    }
    return str_same(system, "sms") ? CASEBUS__CHANNEL__CHANNEL_SMS : CASEBUS__CHANNEL__CHANNEL_UNSPECIFIED;
}

size_t fhir_read_contacts(struct facts *facts, const struct node *holder, Casebus__ContactPoint ***out)
{
    struct reader *r = facts->r;
    struct node list = node_get(r, holder, "telecom");
    size_t count = node_count(r, &list), kept = 0;
    *out = ARENA_ARRAY(r->arena, Casebus__ContactPoint *, CONTACTS_MAX);
    for (size_t i = 0; i < count && kept < CONTACTS_MAX; i++) {
        struct node item = node_item(r, &list, i), rank = node_get(r, &item, "rank");
        const char *value = node_text_of(r, &item, "value");
        Casebus__Channel channel = channel_of(node_text_of(r, &item, "system"));
        if (value == NULL || channel == CASEBUS__CHANNEL__CHANNEL_UNSPECIFIED || fhir_is_old(facts, &item)) {
            continue;
        }
        Casebus__ContactPoint *contact = ARENA_NEW(r->arena, Casebus__ContactPoint);
        casebus__contact_point__init(contact);
        contact->has_channel = true;
        contact->channel = channel;
        contact->value = keep_text(r, value, TEXT_POINTS);
        contact->has_preferred = node_is_there(&rank);
        contact->preferred = json_object_get_int(rank.json) == 1;
        (*out)[kept++] = contact;
    }
    return kept;
}

/* ---- language ---- */

/* BCP 47 by its outline: letters first, then parts of 1 to 8 letters or digits. */
static bool is_language_tag(const char *tag)
{
    size_t part = 0, parts = 0;
    for (;; tag++) {
        if (*tag == '-' || *tag == '\0') {
            if (part < (parts == 0 ? 2 : 1) || part > 8) {
                return false;
            }
            parts++;
            part = 0;
            if (*tag == '\0') {
                return true;
            }
        } else if (ascii_is_letter(*tag) || (parts > 0 && ascii_is_digit(*tag))) {
            part++;
        } else {
            return false;
        }
    }
}

char *fhir_read_language(struct facts *facts, const struct node *holder)
{
    struct reader *r = facts->r;
    struct node list = node_get(r, holder, "communication");
    size_t count = node_count(r, &list), chosen = 0;
    for (size_t i = 0; i < count; i++) {
        struct node item = node_item(r, &list, i), preferred = node_get(r, &item, "preferred");
        if (node_is_true(r, &preferred)) {
            chosen = i;
            break;
        }
    }
    struct node item = node_item(r, &list, chosen), language = node_get(r, &item, "language");
    const char *tag = fhir_first_code(facts, &language);
    if (tag != NULL && !is_language_tag(tag)) {
        node_odd(r, &language, "is \"%.32s\", which is no language tag", tag);
        return NULL;
    }
    return keep_text(r, tag, WORD_POINTS);
}
