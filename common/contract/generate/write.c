#include "common/contract/generate/write.h"

#include "common/contract/contract.h"
#include "common/contract/rules.h"
#include "common/core/hash.h"
#include "common/core/must.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(CONTRACT_HASH_SIZE == HASH_SIZE, "the contract's hash is a hash of core");

struct writing {
    const struct model *model;
    struct arena *arena;
    FILE *out;
    const struct message_model **by_subject; /* Messages of a service, by service and name. */
    const struct file_model **services;      /* By name. */
    size_t n_services;
    size_t *row; /* Of each message in the list of its kind. */
};

/* ---- Small things ---- */

static void write_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            fputc('\\', out);
        }
        if (*c == '?' && c[1] == '?') {
            fputs("?\\", out); /* No trigraphs. */
            continue;
        }
        fputc(*c, out);
    }
    fputc('"', out);
}

static const char *yes(bool truth)
{
    return truth ? "true" : "false";
}

static void write_place(FILE *out, const struct message_model *message, const char *name)
{
    int place = model_field(message, name);
    if (place < 0) {
        fputs("CONTRACT_NONE", out);
    } else {
        fprintf(out, "%d", place);
    }
}

/* `&list[row]` of what an option names, or NULL. */
static void write_reference(struct writing *w, const struct file_model *from, const char *name, const char *list)
{
    const struct message_model *target = model_find(w->model, from, name);
    if (target == NULL) {
        fputs("NULL", w->out);
        return;
    }
    fprintf(w->out, "&%s[%zu]", list, strcmp(list, "MESSAGES") == 0 ? target->place : w->row[target->place]);
}

struct name {
    const char *text;
    size_t place;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static uint32_t mask_of_roles(const Casebus__Role *roles, size_t count)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < count; i++) {
        mask |= UINT32_C(1) << roles[i];
    }
    return mask;
}

/* ---- Fields ---- */

static void write_field(struct writing *w, const struct field_model *field)
{
    static const Casebus__Rule NOTHING_SAID = CASEBUS__RULE__INIT;
    const Casebus__Rule *rule = field->rule != NULL ? field->rule : &NOTHING_SAID;
    bool bytes = field->proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES;
    uint32_t max_length = rule->has_max_length ? rule->max_length : bytes ? UINT32_MAX : RULES_LENGTH_DEFAULT;
    fprintf(w->out, "    {.name = \"%s\", .json = \"%s\", .comment = ", field->proto->name, field->json);
    write_text(w->out, field->comment);
    if (field->message != NULL) {
        fprintf(w->out, ", .message = &MESSAGES[%zu]", field->message->place);
    }
    if (rule->has_min) {
        fprintf(w->out, ", .has_min = true, .min = INT64_C(%lld)", (long long)rule->min);
    }
    if (rule->has_max) {
        fprintf(w->out, ", .has_max = true, .max = INT64_C(%lld)", (long long)rule->max);
    }
    fprintf(w->out,
        ", .min_length = %uu, .max_length = %uu, .max_items = %uu, .form = %d, .required = %s, .sensitive = %s},\n",
        rule->min_length, max_length, rule->has_max_items ? rule->max_items : RULES_ITEMS_DEFAULT, (int)rule->form,
        yes(rule->required), yes(rule->sensitive));
}

static void write_fields(struct writing *w, const struct message_model *message)
{
    if (message->n_fields == 0) {
        return;
    }
    fprintf(w->out, "static const struct contract_field F_%s[] = {\n", message->c_lower);
    struct name *names = ARENA_ARRAY(w->arena, struct name, message->n_fields);
    for (size_t i = 0; i < message->n_fields; i++) {
        write_field(w, &message->fields[i]);
        names[i] = (struct name){message->fields[i].json, i};
    }
    qsort(names, message->n_fields, sizeof *names, by_text);
    fprintf(w->out, "};\nstatic const uint16_t J_%s[] = {", message->c_lower);
    for (size_t i = 0; i < message->n_fields; i++) {
        fprintf(w->out, "%s%zu", i > 0 ? ", " : "", names[i].place);
    }
    fputs("};\n", w->out);
}

/* ---- Messages ---- */

struct kind {
    const char *word, *list, *member, *type;
    enum contract_kind kind;
};
static const struct kind KINDS[] = {
    {"CONTRACT_AGGREGATE", "AGGREGATES", "aggregate", "contract_aggregate", CONTRACT_AGGREGATE},
    {"CONTRACT_COMMAND", "COMMANDS", "command", "contract_command", CONTRACT_COMMAND},
    {"CONTRACT_EVENT", "EVENTS", "event", "contract_event", CONTRACT_EVENT},
    {"CONTRACT_QUERY", "QUERIES", "query", "contract_query", CONTRACT_QUERY},
};

static const struct kind *kind_of(const struct message_model *message)
{
    const void *options[] = {message->aggregate, message->command, message->event, message->query};
    for (size_t i = 0; i < ARRAY_LENGTH(KINDS); i++) {
        if (options[i] != NULL) {
            return &KINDS[i];
        }
    }
    return NULL;
}

static size_t service_place(const struct writing *w, const struct file_model *file)
{
    size_t place = 0;
    while (w->services[place] != file) {
        place++;
    }
    return place;
}

static void write_message(struct writing *w, const struct message_model *message)
{
    fprintf(w->out, "    {.name = \"%s\", .subject = \"%s\", .descriptor = &%s__descriptor", message->full_name,
        message->subject, message->c_lower);
    if (message->n_fields > 0) {
        fprintf(w->out, ", .fields = F_%s, .by_json = J_%s", message->c_lower, message->c_lower);
    }
    if (message->file->service != NULL) {
        fprintf(w->out, ", .service = &SERVICES[%zu]", service_place(w, message->file));
    }
    const struct kind *kind = kind_of(message);
    if (kind != NULL) {
        fprintf(
            w->out, ",\n     .kind = %s, .%s = &%s[%zu]", kind->word, kind->member, kind->list, w->row[message->place]);
    }
    fputs(",\n     .comment = ", w->out);
    write_text(w->out, message->comment);
    fputs("},\n", w->out);
}

/* ---- Rows of services ---- */

static void write_aggregate(struct writing *w, const struct message_model *message)
{
    fprintf(w->out,
        "    {.message = &MESSAGES[%zu], .service = \"%s\", .kind = \"%s\", .schema = %uu, .key = ", message->place,
        message->file->service->name, message->kind, message->aggregate->schema);
    write_place(w->out, message, message->aggregate->key);
    fputs(", .root = ", w->out);
    write_place(w->out, message, message->aggregate->root);
    fprintf(w->out, ", .readable = %s},\n", yes(message->aggregate->readable));
}

static void write_call(struct writing *w, const struct message_model *message, const char *aggregate, const char *reply,
    uint32_t roles, const char *key, const char *root)
{
    fprintf(w->out,
        "    {.subject = \"%s\", .service = \"%s\", .message = &MESSAGES[%zu], .aggregate = ", message->subject,
        message->file->service->name, message->place);
    write_reference(w, message->file, aggregate, "AGGREGATES");
    fputs(", .reply = ", w->out);
    write_reference(w, message->file, reply, "MESSAGES");
    fprintf(w->out, ", .roles = 0x%xu, .key = ", roles);
    write_place(w->out, message, key);
    fputs(", .root = ", w->out);
    write_place(w->out, message, root);
}

static void write_event(struct writing *w, const struct message_model *message)
{
    fprintf(w->out, "    {.subject = \"%s\", .service = \"%s\", .message = &MESSAGES[%zu], .due = ", message->subject,
        message->file->service->name, message->place);
    write_place(w->out, message, message->event->due);
    fputs(", .line = ", w->out);
    write_text(w->out, message->event->line != NULL ? message->event->line : "");
    fprintf(w->out, ", .minor = %s},\n", yes(message->event->minor));
}

static void write_row(struct writing *w, const struct message_model *message)
{
    const Casebus__Command *command = message->command;
    const Casebus__Query *query = message->query;
    if (message->aggregate != NULL) {
        write_aggregate(w, message);
    } else if (command != NULL) {
        write_call(w, message, command->aggregate, command->reply, mask_of_roles(command->roles, command->n_roles),
            command->key, command->root);
        fprintf(w->out, ", .creates = %s},\n", yes(command->creates));
    } else if (query != NULL) {
        write_call(w, message, query->aggregate, query->reply, mask_of_roles(query->roles, query->n_roles), query->key,
            query->root);
        fputs("},\n", w->out);
    } else {
        write_event(w, message);
    }
}

static void write_rows(struct writing *w, const struct kind *kind)
{
    fprintf(w->out, "\nstatic const struct %s %s[] = {\n", kind->type, kind->list);
    bool any = false;
    for (size_t i = 0; i < w->model->n_messages; i++) {
        if (kind_of(w->by_subject[i]) == kind) {
            write_row(w, w->by_subject[i]);
            any = true;
        }
    }
    fputs(any ? "};\n" : "    {0},\n};\n", w->out);
}

static size_t count_rows(const struct writing *w, const struct kind *kind, const struct file_model *file, size_t *first)
{
    size_t count = 0;
    *first = 0;
    for (size_t i = 0; i < w->model->n_messages; i++) {
        const struct message_model *message = w->by_subject[i];
        if (kind_of(message) == kind && message->file == file) {
            *first = count == 0 ? w->row[message->place] : *first;
            count++;
        }
    }
    return count;
}

static void write_services(struct writing *w)
{
    fputs("\nstatic const struct contract_service SERVICES[] = {\n", w->out);
    for (size_t s = 0; s < w->n_services; s++) {
        const struct file_model *file = w->services[s];
        fprintf(w->out, "    {.name = \"%s\", .public_contract = %s, .comment = ", file->service->name,
            yes(file->service->public_contract));
        write_text(w->out, file->comment);
        for (size_t k = 0; k < ARRAY_LENGTH(KINDS); k++) {
            static const char *const MEMBERS[] = {"aggregates", "commands", "events", "queries"};
            size_t first = 0;
            size_t count = count_rows(w, &KINDS[k], file, &first);
            fprintf(w->out, ",\n     .%s = &%s[%zu], .n_%s = %zu", MEMBERS[k], KINDS[k].list, first, MEMBERS[k], count);
        }
        fputs("},\n", w->out);
    }
    fputs(w->n_services > 0 ? "};\n" : "    {0},\n};\n", w->out);
}

/* ---- Names ---- */

static size_t write_names(struct writing *w)
{
    size_t count = 0;
    struct name *names = ARENA_ARRAY(w->arena, struct name, 3 * w->model->n_messages);
    for (size_t i = 0; i < w->model->n_messages; i++) {
        const struct message_model *message = &w->model->messages[i];
        names[count++] = (struct name){message->full_name, i};
        names[count++] = (struct name){message->subject, i};
        names[count++] = (struct name){message->c_name, i};
    }
    qsort(names, count, sizeof *names, by_text);
    fputs("\nstatic const struct contract_name NAMES[] = {\n", w->out);
    for (size_t i = 0; i < count; i++) {
        fprintf(w->out, "    {\"%s\", &MESSAGES[%zu]},\n", names[i].text, names[i].place);
    }
    fputs("};\n", w->out);
    return count;
}

/* ---- The whole ---- */

/* The descriptor set as it is, but without comments and without the files of protoc itself, which change with its
 * version. */
static void write_hash(struct writing *w)
{
    struct hash hash;
    uint8_t digest[HASH_SIZE];
    hash_init(&hash);
    for (size_t i = 0; i < w->model->n_files; i++) {
        Google__Protobuf__FileDescriptorProto bare = *w->model->files[i].proto;
        bare.source_code_info = NULL;
        size_t size = protobuf_c_message_get_packed_size(&bare.base);
        uint8_t *bytes = arena_alloc(w->arena, size);
        protobuf_c_message_pack(&bare.base, bytes);
        hash_add_part(&hash, bytes, size);
    }
    hash_done(&hash, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        fprintf(w->out, "%s0x%02x", i > 0 ? ", " : "", digest[i]);
    }
}

static int by_service_and_name(const void *a, const void *b)
{
    const struct message_model *left = *(const struct message_model *const *)a;
    const struct message_model *right = *(const struct message_model *const *)b;
    return strcmp(left->subject, right->subject);
}

static int by_service_name(const void *a, const void *b)
{
    const struct file_model *left = *(const struct file_model *const *)a;
    const struct file_model *right = *(const struct file_model *const *)b;
    return strcmp(left->service->name, right->service->name);
}

/* Puts services, subjects and rows in their order. */
static void arrange(struct writing *w)
{
    const struct model *model = w->model;
    w->by_subject = ARENA_ARRAY(w->arena, const struct message_model *, model->n_messages);
    w->services = ARENA_ARRAY(w->arena, const struct file_model *, model->n_files);
    w->row = ARENA_ARRAY(w->arena, size_t, model->n_messages);
    for (size_t i = 0; i < model->n_files; i++) {
        if (model->files[i].service != NULL) {
            w->services[w->n_services++] = &model->files[i];
        }
    }
    for (size_t i = 0; i < model->n_messages; i++) {
        w->by_subject[i] = &model->messages[i];
    }
    qsort(w->services, w->n_services, sizeof(void *), by_service_name);
    qsort(w->by_subject, model->n_messages, sizeof(void *), by_service_and_name);
    size_t next[ARRAY_LENGTH(KINDS)] = {0};
    for (size_t i = 0; i < model->n_messages; i++) {
        const struct kind *kind = kind_of(w->by_subject[i]);
        if (kind != NULL) {
            w->row[w->by_subject[i]->place] = next[kind - KINDS]++;
        }
    }
}

static void write_heading(struct writing *w)
{
    fputs("/* Written by contract_generate from the descriptor set. */\n#include \"common/contract/contract.h\"\n\n",
        w->out);
    for (size_t i = 0; i < w->model->n_messages; i++) {
        fprintf(w->out, "extern const ProtobufCMessageDescriptor %s__descriptor;\n", w->model->messages[i].c_lower);
    }
    fprintf(w->out, "\nstatic const struct contract_message MESSAGES[%zu];\n", w->model->n_messages);
    for (size_t k = 0; k < ARRAY_LENGTH(KINDS); k++) {
        size_t rows = 0;
        for (size_t i = 0; i < w->model->n_messages; i++) {
            rows += kind_of(&w->model->messages[i]) == &KINDS[k];
        }
        fprintf(w->out, "static const struct %s %s[%zu];\n", KINDS[k].type, KINDS[k].list, rows > 0 ? rows : 1);
    }
    fprintf(w->out, "static const struct contract_service SERVICES[%zu];\n\n", w->n_services > 0 ? w->n_services : 1);
}

void write_tables(const struct model *model, struct arena *arena, FILE *out)
{
    struct writing w = {.model = model, .arena = arena, .out = out};
    arrange(&w);
    write_heading(&w);
    for (size_t i = 0; i < model->n_messages; i++) {
        write_fields(&w, &model->messages[i]);
    }
    fputs("\nstatic const struct contract_message MESSAGES[] = {\n", out);
    for (size_t i = 0; i < model->n_messages; i++) {
        write_message(&w, &model->messages[i]);
    }
    fputs("};\n", out);
    for (size_t k = 0; k < ARRAY_LENGTH(KINDS); k++) {
        write_rows(&w, &KINDS[k]);
    }
    write_services(&w);
    size_t n_names = write_names(&w);
    fprintf(out, "\nconst struct contract CONTRACT = {\n    .major = %u,\n    .hash = {",
        package_major(model->files[0].package));
    write_hash(&w);
    fprintf(out,
        "},\n    .services = SERVICES,\n    .messages = MESSAGES,\n    .names = NAMES,\n    .n_services = %zu,\n"
        "    .n_messages = %zu,\n    .n_names = %zu,\n};\n",
        w.n_services, model->n_messages, n_names);
}
